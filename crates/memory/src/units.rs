//! Byte counts. A bare integer says neither its unit nor whether it counts, indexes or measures.

use std::fmt;

/// A number of bytes. Not a count and not an index.
///
/// `Display` prints MiB or KiB for people; [`Bytes::get`] gives the integer for machines.
///
/// ```
/// use gitmind_memory::units::Bytes;
/// assert_eq!(Bytes::from_mib(256).get(), 268_435_456);
/// assert_eq!(Bytes::new(1536).to_string(), "1.5 KiB");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

impl Bytes {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    /// A number of bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A number of mebibytes (1 048 576 bytes each), saturating.
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number as a change, which may be below zero. No block and no sum of charges is as large
    /// as the largest change, which stands for every number above it.
    #[inline]
    pub(crate) const fn signed(self) -> i64 {
        if self.0 > i64::MAX.cast_unsigned() { i64::MAX } else { self.0.cast_signed() }
    }

    /// The sum of changes; none when it is below zero, as it may be where blocks from before are
    /// freed, and where it is read between two steps of another thread.
    #[inline]
    pub(crate) const fn from_signed(sum: i64) -> Self {
        if sum < 0 { Self::ZERO } else { Self(sum.cast_unsigned()) }
    }
}

impl From<usize> for Bytes {
    fn from(bytes: usize) -> Self {
        // `usize` is at most 64 bits on every target that std supports.
        Self(bytes as u64)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        match self.0 {
            bytes @ ..KIB => write!(f, "{bytes} B"),
            bytes @ KIB..MIB => tenths(f, bytes, KIB, "KiB"),
            bytes => tenths(f, bytes, MIB, "MiB"),
        }
    }
}

/// Writes `bytes` in `unit`s with one decimal, rounded down, without floating point.
fn tenths(f: &mut fmt::Formatter<'_>, bytes: u64, unit: u64, name: &str) -> fmt::Result {
    let whole = bytes / unit;
    let tenth = bytes % unit * 10 / unit;
    write!(f, "{whole}.{tenth} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_keeps_its_number_and_saturates_at_either_end() {
        for bytes in [0, 1, 1 << 56, i64::MAX.cast_unsigned()].map(Bytes::new) {
            assert_eq!(Bytes::from_signed(bytes.signed()), bytes);
        }
        assert_eq!(Bytes::new(u64::MAX).signed(), i64::MAX);
        assert_eq!(Bytes::from_signed(-1), Bytes::ZERO);
    }

    #[test]
    fn bytes_print_in_the_largest_unit_below_them() {
        let printed = |bytes| Bytes::new(bytes).to_string();
        assert_eq!(printed(0), "0 B");
        assert_eq!(printed(1023), "1023 B");
        assert_eq!(printed(1024), "1.0 KiB");
        assert_eq!(printed(1024 * 1024 - 1), "1023.9 KiB");
        assert_eq!(printed(256 << 20), "256.0 MiB");
        assert_eq!(printed(u64::MAX), "17592186044415.9 MiB");
    }
}
