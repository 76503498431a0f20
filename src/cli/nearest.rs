//! The existing name that is most similar to a mistyped one.

/// The one of `names` that is nearest to `typed`, unless all are too far away. Case does not count.
pub(super) fn nearest<'n>(
    typed: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let lower = typed.to_lowercase();
    let distance = |name: &str| strsim::osa_distance(&lower, &name.to_lowercase());
    let near = names.into_iter().map(|name| (distance(name), name));
    let edits_max = (typed.chars().count() / 3).max(1);
    let (edits, name) = near.min_by_key(|(edits, _)| *edits)?;
    (edits <= edits_max).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_another_word_is_not() {
        let names = ["main", "feature/parser", "topic"];
        for (typed, expected) in [
            ("mian", Some("main")),
            ("Main", Some("main")),
            ("feature/praser", Some("feature/parser")),
            ("tipic", Some("topic")),
            ("release", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
        assert_eq!(nearest("main", []), None);
    }
}
