//! Numbers as people read them: digits in groups, signs, shares.

use std::fmt::{self, Write};

use gitmind_memory::units::Bytes;

/// A number with its digits in groups of three, as flamegraphs and DHAT write them.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The same with a sign.
pub(crate) fn signed(number: i128) -> String {
    let sign = match number {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}

/// Bytes exactly, and in a larger unit where that helps.
pub(crate) struct Exact(pub(crate) u64);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", grouped(self.0.into()))?;
        if self.0 >= 1 << 10 { write!(f, " ({})", Bytes::new(self.0)) } else { Ok(()) }
    }
}

/// The change from `base` in hundredths of a percent, rounded; `None` if `base` is zero.
pub(crate) fn percent(base: u64, difference: i128) -> String {
    if base == 0 {
        return "new".into();
    }
    let hundredths =
        (difference.unsigned_abs() * 20_000 + u128::from(base)) / (u128::from(base) * 2);
    let mut text = String::from(match (hundredths, difference) {
        (0, _) => "",
        (_, 1..) => "+",
        _ => "-",
    });
    write!(text, "{}.{:02} %", grouped(hundredths / 100), hundredths % 100)
        .expect("this holds because a string takes all that is written to it");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_and_shares_rounded() {
        assert_eq!(["0", "999", "1,000", "12,345,678"], [0, 999, 1000, 12_345_678].map(grouped));
        assert_eq!(["0", "+1,024", "-5"], [0, 1024, -5].map(signed));
        assert_eq!(Exact(1023).to_string(), "1,023 B");
        assert_eq!(Exact(1_048_576).to_string(), "1,048,576 B (1.0 MiB)");
        assert_eq!(percent(3, 1), "+33.33 %");
        assert_eq!(percent(3, -2), "-66.67 %");
        assert_eq!(percent(1 << 40, 1), "0.00 %");
        assert_eq!(percent(u64::MAX, -i128::from(u64::MAX)), "-100.00 %");
        assert_eq!(percent(1, i128::from(u64::MAX)), "+1,844,674,407,370,955,161,500.00 %");
        assert_eq!(percent(0, 5), "new");
    }
}
