//! ULIDs: 48 bits of time and 80 random bits in 26 characters of Crockford's base 32.
//!
//! Source: <https://github.com/ulid/spec>. Like those of the C tool, they are not monotonic within
//! a millisecond.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The unique identifier of an edge.
///
/// ```
/// use gitmind_journal::Ulid;
/// let ulid = Ulid::new(1_469_918_176_385, [0xff; 10]);
/// assert_eq!(ulid.as_str(), "01ARYZ6S41ZZZZZZZZZZZZZZZZ");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ulid([u8; Self::LEN]);

impl Ulid {
    /// Length of a ULID in characters.
    pub const LEN: usize = 26;

    /// The ULID of the lower 48 bits of `timestamp_ms` and of 80 random bits.
    pub fn new(timestamp_ms: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&timestamp_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        let mut value = u128::from_be_bytes(bytes);
        let mut text = [0; Self::LEN];
        for digit in text.iter_mut().rev() {
            let [.., low] = value.to_be_bytes();
            *digit = ALPHABET[usize::from(low & 31)];
            value >>= 5;
        }
        Self(text)
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("this holds because the alphabet is ASCII")
    }

    /// The characters as bytes.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Ulid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Ulid({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_and_the_largest_ulid_are_those_of_the_specification() {
        assert_eq!(Ulid::new(0, [0; 10]).as_str(), "00000000000000000000000000");
        assert_eq!(Ulid::new(u64::MAX, [0xff; 10]).as_str(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    }

    #[test]
    fn a_later_ulid_sorts_after_an_earlier_one() {
        let times = [0, 1, 31, 32, 1 << 20, 1 << 40, (1 << 48) - 1];
        assert!(times.map(|time| Ulid::new(time, [7; 10])).is_sorted_by(|a, b| a < b));
    }
}
