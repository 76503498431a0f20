//! Object ids: the 20-byte SHA-1 hashes that name git objects.
//!
//! An id is a plain value without I/O, so that modules without I/O can use it. The object need not
//! exist.

use std::fmt;

/// The name of a git object in a SHA-1 repository: 20 bytes, printed as 40 lower-case hex digits.
///
/// ```
/// use gitmind_git::oid::Oid;
/// let hex = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// assert_eq!(Oid::from_hex(hex.as_bytes()).map(|oid| oid.to_string()), Some(hex.to_string()));
/// assert_eq!(Oid::from_hex(b"4b82"), None);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; Self::LEN]);

impl Oid {
    /// Bytes in an id.
    pub const LEN: usize = 20;
    /// Hex digits in a printed id.
    pub const HEX_LEN: usize = 2 * Self::LEN;
    /// The id that stands for "no object".
    pub const ZERO: Self = Self([0; Self::LEN]);

    /// The id with these bytes.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Whether every byte is zero.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// The first byte: the shard of a cache that the id belongs to.
    pub const fn shard(&self) -> u8 {
        self.0[0]
    }

    /// Parses exactly 40 hex digits of either case; `None` for anything else.
    pub fn from_hex(hex: &[u8]) -> Option<Self> {
        let (pairs, []) = hex.as_chunks::<2>() else { return None };
        let pairs: &[[u8; 2]; Self::LEN] = pairs.try_into().ok()?;
        let (mut bytes, mut seen) = ([0; Self::LEN], 0);
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let [high, low] = pair.map(nibble);
            seen |= high | low;
            *byte = high << 4 | low;
        }
        (seen < 16).then_some(Self(bytes))
    }

    /// The 40 lower-case hex digits.
    pub fn to_hex(self) -> [u8; Self::HEX_LEN] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; Self::HEX_LEN];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xf)]];
        }
        hex
    }
}

/// The value of a hex digit; 255 for a byte that is not one. By arithmetic, so that a loop over
/// digits is vectorized, which a table prevents.
const fn nibble(digit: u8) -> u8 {
    let (decimal, letter) = (digit.wrapping_sub(b'0'), (digit | 0x20).wrapping_sub(b'a'));
    let letter = if letter < 6 { letter + 10 } else { u8::MAX };
    if decimal < 10 { decimal } else { letter }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.to_hex();
        f.write_str(str::from_utf8(&hex).expect("this holds because digits are ASCII"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_for_every_byte_value() {
        for byte in 0..=u8::MAX {
            let oid = Oid::new([byte; Oid::LEN]);
            assert_eq!(Oid::from_hex(&oid.to_hex()), Some(oid));
            assert_eq!(Oid::from_hex(oid.to_string().to_uppercase().as_bytes()), Some(oid));
        }
    }

    #[test]
    fn anything_but_forty_hex_digits_is_rejected() {
        for length in (0..=Oid::HEX_LEN + 2).filter(|&length| length != Oid::HEX_LEN) {
            assert_eq!(Oid::from_hex(&vec![b'a'; length]), None, "{length} digits");
        }
        for byte in 0..=u8::MAX {
            for place in 0..Oid::HEX_LEN {
                let mut hex = [b'0'; Oid::HEX_LEN];
                hex[place] = byte;
                let is_read = Oid::from_hex(&hex).is_some();
                assert_eq!(is_read, byte.is_ascii_hexdigit(), "digit {byte:#x} at {place}");
            }
        }
    }
}
