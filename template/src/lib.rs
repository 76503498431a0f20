//! The service: counts the words of a text, and returns an error when there is no memory for it.

use std::collections::TryReserveError;

/// A word and how often it occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<'t> {
    /// The word, without the white space around it.
    pub word: &'t str,
    /// How often it occurs.
    pub times: usize,
}

/// The words of `text`, the most frequent first, and words of equal frequency by their bytes.
///
/// # Errors
/// When an allocation fails; what was allocated until then is freed.
///
/// # Examples
///
/// ```
/// let counts = tally::words("b a b")?;
/// assert_eq!(counts[0], tally::Count { word: "b", times: 2 });
/// # Ok::<(), std::collections::TryReserveError>(())
/// ```
pub fn words(text: &str) -> Result<Vec<Count<'_>>, TryReserveError> {
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        push(&mut words, word)?;
    }
    words.sort_unstable();
    let mut counts = Vec::new();
    for same in words.chunk_by(|left, right| left == right) {
        push(&mut counts, Count { word: same[0], times: same.len() })?;
    }
    counts.sort_unstable_by(|left, right| {
        right.times.cmp(&left.times).then_with(|| left.word.cmp(right.word))
    });
    Ok(counts)
}

/// `Vec::push` with a failed allocation as an error instead of the end of the process.
fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), TryReserveError> {
    list.try_reserve(1)?;
    list.push(item);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_come_first_and_equal_ones_by_their_bytes() {
        let counts = words(" b a\tc b\na b").expect("memory for six words");
        let listed: Vec<_> = counts.iter().map(|count| (count.word, count.times)).collect();
        assert_eq!(listed, [("b", 3), ("a", 2), ("c", 1)]);
        assert_eq!(words(" \n"), Ok(Vec::new()));
    }
}
