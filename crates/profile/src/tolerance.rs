//! How much a peak may grow before a comparison fails.

use std::fmt;
use std::str::FromStr;

/// A share of the base's peak, in thousandths. The default is none: one byte more is too much.
///
/// ```
/// use gitmind_profile::Tolerance;
///
/// assert_eq!("2.5%".parse(), Ok(Tolerance::permille(25)));
/// assert_eq!(Tolerance::permille(25).to_string(), "2.5 %");
/// assert!("5 bytes".parse::<Tolerance>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tolerance(u32);

impl Tolerance {
    /// No growth at all.
    pub const NONE: Self = Self(0);

    /// Thousandths of the base's peak.
    pub const fn permille(permille: u32) -> Self {
        Self(permille)
    }

    /// Whether `now` is above the base and what is tolerated; exactly that much is not.
    pub fn is_exceeded(self, base_bytes: u64, now_bytes: u64) -> bool {
        u128::from(now_bytes) * 1000 > u128::from(base_bytes) * (1000 + u128::from(self.0))
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{} %", self.0 / 10),
            tenths => write!(f, "{}.{tenths} %", self.0 / 10),
        }
    }
}

/// The text is not a tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tolerance is a percentage with one decimal at most, such as `2.5%`")]
pub struct InvalidTolerance;

/// A percentage, with or without its sign.
impl FromStr for Tolerance {
    type Err = InvalidTolerance;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |of: &str| !of.is_empty() && of.bytes().all(|each| each.is_ascii_digit());
        if !is_digits(whole) || !is_digits(tenths) || tenths.len() != 1 {
            return Err(InvalidTolerance);
        }
        let permille = format!("{whole}{tenths}").parse().map_err(|_| InvalidTolerance)?;
        Ok(Self(permille))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_tolerance_is_not_too_much() {
        for (permille, base, most) in [
            (0, 0, 0),
            (0, 7, 7),
            (10, 1000, 1010),
            (10, 999, 1008),
            (25, u64::MAX / 2, 9_453_956_337_776_145_202),
        ] {
            let tolerance = Tolerance::permille(permille);
            assert!(!tolerance.is_exceeded(base, most), "{permille} {base}");
            assert!(tolerance.is_exceeded(base, most + 1), "{permille} {base}");
        }
        assert!(!Tolerance::permille(u32::MAX).is_exceeded(u64::MAX, u64::MAX));
    }

    #[test]
    fn a_tolerance_reads_back_as_it_is_printed() {
        for permille in [0, 1, 9, 10, 25, 1000, 12_345] {
            let tolerance = Tolerance::permille(permille);
            assert_eq!(tolerance.to_string().parse(), Ok(tolerance));
        }
        for wrong in ["", "%", "-1%", "1.", ".5", "1.25%", "1e3", "99999999999", "５%"] {
            assert_eq!(wrong.parse::<Tolerance>(), Err(InvalidTolerance), "{wrong}");
        }
    }
}
