//! The sizes that a block of bumpalo can have, computed before the block is made.
//!
//! bumpalo 3.20 puts a footer behind the usable bytes. It rounds the sum, with 16 bytes for the
//! heap's own header, to a power of two below a page and to whole pages above. An exact cap needs
//! this size in advance; a test compares every size with the crate's own figure.

/// The smallest alignment of an object and of a block; bumpalo supports no larger minimum.
pub(super) const ALIGN_MIN: usize = 16;

/// Bytes of the footer: six words, in a type aligned to 16.
const FOOTER_BYTES: usize = (6 * size_of::<usize>()).next_multiple_of(ALIGN_MIN);

/// Bytes that bumpalo reserves for the heap's header.
const HEAP_HEADER_BYTES: usize = 16;

/// The difference between the usable bytes and the round number.
const OVERHEAD_BYTES: usize = FOOTER_BYTES + HEAP_HEADER_BYTES;

/// A page; bumpalo rounds to whole pages.
pub(super) const PAGE_BYTES: usize = 4096;

/// No heap has a larger block, and the sum of two such sizes does not overflow.
const BLOCK_BYTES_MAX: usize = isize::MAX.cast_unsigned() / 2;

/// The rounded size of the smallest block.
const ROUND_MIN_BYTES: usize = 512;

/// The size of a block that bumpalo allocates without further rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BlockSize {
    usable_bytes: usize,
}

impl BlockSize {
    /// The smallest block with `bytes` usable bytes; `None` when the size overflows.
    pub(super) const fn holding(bytes: usize) -> Option<Self> {
        let Some(round) = bytes.checked_add(OVERHEAD_BYTES) else { return None };
        let round = if round <= ROUND_MIN_BYTES {
            Some(ROUND_MIN_BYTES)
        } else if round <= PAGE_BYTES {
            round.checked_next_power_of_two()
        } else {
            round.checked_next_multiple_of(PAGE_BYTES)
        };
        match round {
            Some(round) => Some(Self { usable_bytes: round - OVERHEAD_BYTES }),
            None => None,
        }
    }

    /// The largest block that has at most `bytes` with its footer.
    pub(super) fn within(bytes: u64) -> Option<Self> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(BLOCK_BYTES_MAX);
        let round = bytes.saturating_add(HEAP_HEADER_BYTES);
        let round = if round >= PAGE_BYTES {
            round - round % PAGE_BYTES
        } else {
            1 << round.checked_ilog2()?
        };
        let usable_bytes = round.checked_sub(OVERHEAD_BYTES)?;
        (round >= ROUND_MIN_BYTES).then_some(Self { usable_bytes })
    }

    /// The block with twice the rounded size, but no larger than `max`.
    pub(super) fn doubled(self, max: Self) -> Self {
        let usable_bytes = self.usable_bytes.saturating_mul(2).saturating_add(OVERHEAD_BYTES);
        max.min(Self { usable_bytes })
    }

    /// Usable bytes.
    pub(super) const fn usable_bytes(self) -> usize {
        self.usable_bytes
    }

    /// Bytes that bumpalo allocates from the heap: the usable bytes and the footer.
    pub(super) const fn total_bytes(self) -> u64 {
        (self.usable_bytes + FOOTER_BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bumpalo::Bump;

    /// The sizes of a block that bumpalo allocates: usable bytes, allocated bytes.
    fn of_bumpalo(capacity: usize) -> (usize, u64) {
        let bump = Bump::<ALIGN_MIN>::try_with_min_align_and_capacity(capacity).expect("memory");
        (bump.chunk_capacity(), bump.allocated_bytes_including_metadata() as u64)
    }

    #[test]
    fn bumpalo_takes_the_size_that_was_computed() {
        for bytes in (1..20_000).chain([65_535, 65_536, (1 << 20) - 65, 1 << 20, (1 << 20) + 1]) {
            let size = BlockSize::holding(bytes).expect("it is small");
            let expected = (size.usable_bytes(), size.total_bytes());
            assert_eq!(of_bumpalo(bytes), expected, "asked for {bytes}");
            assert_eq!(of_bumpalo(size.usable_bytes()), expected, "asked for all of {bytes}");
        }
    }

    #[test]
    fn a_footer_takes_48_bytes_of_what_bumpalo_takes() {
        let (usable, total) = of_bumpalo(1000);
        assert_eq!(total - usable as u64, 48);
        assert_eq!(FOOTER_BYTES, 48);
    }

    #[test]
    fn the_largest_block_within_a_limit_is_the_last_one_that_does_not_pass_it() {
        let mut all: Vec<_> = (1..20_000).step_by(16).filter_map(BlockSize::holding).collect();
        all.sort();
        for limit in 0..20_000_u64 {
            let fits = all.partition_point(|size| size.total_bytes() <= limit);
            assert_eq!(BlockSize::within(limit).as_ref(), all[..fits].last(), "{limit}");
        }
    }

    #[test]
    fn a_doubled_block_is_one_that_bumpalo_makes() {
        let (mut size, max) = (BlockSize::holding(1).expect("small"), BlockSize::holding(1 << 20));
        let max = max.expect("small");
        while size < max {
            let doubled = size.doubled(max);
            assert_eq!(BlockSize::holding(doubled.usable_bytes()), Some(doubled));
            assert!(doubled == max || doubled.total_bytes() + 16 == 2 * (size.total_bytes() + 16));
            size = doubled;
        }
        assert_eq!(max.doubled(max), max);
    }

    #[test]
    fn sizes_beyond_the_address_space_are_none() {
        assert_eq!(BlockSize::holding(usize::MAX), None);
        assert_eq!(BlockSize::holding(usize::MAX - OVERHEAD_BYTES), None);
        assert!(BlockSize::within(u64::MAX).is_some());
    }
}
