//! Parsers of the values of variables: sizes, levels of tracing, schedules of failures.
//!
//! They are pure; the names of the variables and the access to the environment are in `toggles`.

use crate::env::parse_switch;
use crate::memory::{Schedule, Trace};
use crate::units::Bytes;

/// A size above zero: decimal digits, then nothing, `B`, `KiB`, `MiB` or `GiB`.
pub(crate) fn size(text: &str) -> Option<Bytes> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    let bytes = decimal(digits)?.checked_mul(1 << shift)?;
    (bytes > 0).then_some(Bytes::new(bytes))
}

/// A level of tracing: a switch for stamps, or `sites` for a table with call sites.
pub(super) fn trace(text: &str) -> Option<Option<Trace>> {
    if text.eq_ignore_ascii_case("sites") {
        return Some(Some(Trace::sites()));
    }
    parse_switch(text).map(|is_on| is_on.then(Trace::stamped))
}

/// A schedule of allocation failures: `N` for the Nth alone, `N+` for it and every later one.
pub(super) fn schedule(text: &str) -> Option<Schedule> {
    let (digits, forever) = match text.strip_suffix('+') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let nth = decimal(digits).filter(|nth| *nth > 0)?;
    Some(if forever { Schedule::forever(nth) } else { Schedule::once(nth) })
}

/// Digits only: no sign, which `str::parse` would accept.
fn decimal(digits: &str) -> Option<u64> {
    let all = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact_and_other_text_is_rejected() {
        assert_eq!(size("1"), Some(Bytes::new(1)));
        assert_eq!(size("12B"), Some(Bytes::new(12)));
        assert_eq!(size("64KiB"), Some(Bytes::new(65_536)));
        assert_eq!(size("16GiB"), Some(Bytes::new(1 << 34)));
        assert_eq!(size("18446744073709551615"), Some(Bytes::new(u64::MAX)));
        let wrong = [
            "",
            "0",
            "0MiB",
            "-1",
            "+1",
            " 1",
            "1 MiB",
            "1kib",
            "1K",
            "1MB",
            "1.5MiB",
            "MiB",
            "18446744073709551616",
            "18014398509481984KiB",
            "1MiBKiB",
            "\u{661}",
        ];
        for text in wrong {
            assert_eq!(size(text), None, "{text:?}");
        }
    }

    #[test]
    fn levels_and_schedules_are_parsed_and_other_text_is_rejected() {
        for (text, level) in [
            ("0", None),
            ("off", None),
            ("1", Some(Trace::stamped())),
            ("True", Some(Trace::stamped())),
            ("sites", Some(Trace::sites())),
            ("Sites", Some(Trace::sites())),
        ] {
            assert_eq!(trace(text), Some(level), "{text}");
        }
        for text in ["", "2", "01", " 1", "site", "\u{130}"] {
            assert_eq!(trace(text), None, "{text:?}");
        }
        assert_eq!(schedule("37"), Some(Schedule::once(37)));
        assert_eq!(schedule("37+"), Some(Schedule::forever(37)));
        for text in ["", "0", "0+", "+", "1++", "-1", "+1", "1-", "x", "18446744073709551616"] {
            assert_eq!(schedule(text), None, "{text:?}");
        }
    }
}
