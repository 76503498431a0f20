//! Numbers in answers for people: 12,469 edges.

use indicatif::HumanCount;
use std::time::Duration;

/// A number with a comma between groups of three digits.
pub(super) fn number(number: impl TryInto<u64>) -> String {
    HumanCount(number.try_into().unwrap_or(u64::MAX)).to_string()
}

/// A number of things, of which `noun` is the singular.
pub(super) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let number = number(count);
    let end = if number == "1" { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// A duration in a unit that fits it: 16 ms, 3.52 s.
pub(super) fn elapsed(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_and_nouns_agree() {
        let all = [0_u64, 1, 999, 1000, 12_469, u64::MAX];
        let expected = ["0 edges", "1 edge", "999 edges", "1,000 edges", "12,469 edges"];
        for (count, expected) in all.into_iter().zip(expected) {
            assert_eq!(counted(count, "edge"), expected);
        }
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn durations_have_the_unit_that_fits() {
        let printed = |ms| elapsed(Duration::from_millis(ms));
        assert_eq!([0, 999, 1000, 83_456].map(printed), ["0 ms", "999 ms", "1.00 s", "83.46 s"]);
    }
}
