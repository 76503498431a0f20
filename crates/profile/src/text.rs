//! Texts in documents: their permitted characters, so that any text can be printed unchanged.

/// The most bytes that a name, a key or a value has.
pub(crate) const TEXT_BYTES_MAX: usize = 1024;

/// Whether a character is invisible or changes how others are displayed.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// What is wrong with a text, if anything.
pub(crate) fn problem(text: &str) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX {
        return Some(format!("has {} bytes; the limit is {TEXT_BYTES_MAX}", text.len()));
    }
    if text.trim().is_empty() || text.trim() != text {
        return Some("is empty, or begins or ends with a space".into());
    }
    let invisible = text.chars().find(|c| is_invisible(*c))?;
    Some(format!("has the invisible character U+{:04X}", u32::from(invisible)))
}

/// What is wrong with a name or a key, which is one word.
pub(crate) fn word_problem(word: &str) -> Option<String> {
    let spaces = || word.contains(char::is_whitespace).then(|| "has a space".to_owned());
    problem(word).or_else(spaces)
}

/// The text without characters that a document may not contain; `unknown` if nothing is left.
pub(crate) fn cleaned(text: &str) -> String {
    let visible = text.chars().map(|c| if is_invisible(c) { '\u{fffd}' } else { c });
    let mut cleaned = String::new();
    for c in visible {
        if cleaned.len() + c.len_utf8() > TEXT_BYTES_MAX {
            break;
        }
        cleaned.push(c);
    }
    match cleaned.trim() {
        "" => "unknown".into(),
        trimmed => trimmed.into(),
    }
}

/// The same for a name or a key: each space becomes `_`.
pub(crate) fn cleaned_word(word: &str) -> String {
    cleaned(word).replace(char::is_whitespace, "_")
}

/// The first word of the lines of a baseline that belong to no profile.
const RESERVED: &str = "condition";

/// What is wrong with the name of a profile.
pub(crate) fn profile_problem(name: &str) -> Option<String> {
    let reserved = || (name == RESERVED).then(|| "is a reserved name".to_owned());
    word_problem(name).or_else(reserved)
}

/// The name of a profile with these problems corrected.
pub(crate) fn cleaned_profile(name: &str) -> String {
    let cleaned = cleaned_word(name);
    if cleaned == RESERVED { cleaned + "_" } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_cleaned_has_no_problem(text in ".{0,40}|\\PC{0,900}|[ \t\n\u{202e}a]{0,9}") {
            prop_assert_eq!(problem(&cleaned(&text)), None);
            prop_assert_eq!(profile_problem(&cleaned_profile(&text)), None);
        }

        #[test]
        fn what_has_no_problem_stays_as_it_is(text in "[a-z:<>;é ]{1,20}") {
            prop_assume!(problem(&text).is_none());
            prop_assert_eq!(cleaned(&text), text);
        }
    }
}
