//! The bins: which size of slot serves a layout.

use std::alloc::Layout;

/// The number of bins.
pub(super) const BINS: usize = 4;

/// The largest size, and the largest alignment, that a bin serves.
pub(super) const BLOCK_BYTES_MAX: usize = SLOT_BYTES[BINS - 1];

/// The size of the slots of each bin. Slots lie at multiples of their size, so it is their
/// alignment too.
const SLOT_BYTES: [usize; BINS] = [32, 64, 128, 256];

/// One size of slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bin(u32);

impl Bin {
    /// Every bin, by size.
    pub(super) const ALL: [Self; BINS] = [Self(0), Self(1), Self(2), Self(3)];

    /// The smallest bin whose slots have the size and the alignment of `layout`; `None` when
    /// either is above `bytes_max`, or the size is zero.
    #[inline]
    pub(super) fn of(layout: Layout, bytes_max: usize) -> Option<Self> {
        debug_assert!(bytes_max <= BLOCK_BYTES_MAX, "no bin is larger");
        // Below a power of two exactly when neither size nor alignment is above it. A size of
        // zero wraps to the largest number.
        let reach = layout.size().wrapping_sub(1) | (layout.align() - 1);
        if reach >= bytes_max {
            return None;
        }
        let power = (reach | (SLOT_BYTES[0] - 1)).ilog2() + 1;
        let index = power - SLOT_BYTES[0].ilog2();
        Some(Self(index))
    }

    /// The place of this bin in [`Bin::ALL`].
    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize % BINS
    }

    /// The size and alignment of its slots.
    #[inline]
    pub(super) fn slot_bytes(self) -> usize {
        SLOT_BYTES[0] << self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_gets_the_smallest_bin_that_has_its_size_and_alignment() {
        for size in 0..600 {
            for align in (0..12).map(|power| 1 << power) {
                let layout = Layout::from_size_align(size, align).expect("small");
                let fits = |bin: &Bin| {
                    size > 0 && size <= SLOT_BYTES[bin.index()] && align <= SLOT_BYTES[bin.index()]
                };
                let naive = Bin::ALL.into_iter().find(fits);
                assert_eq!(Bin::of(layout, BLOCK_BYTES_MAX), naive, "{layout:?}");
                assert_eq!(Bin::of(layout, 0), None, "no bin without pooling");
            }
        }
    }

    #[test]
    fn slots_have_the_size_of_their_bin() {
        assert_eq!(Bin::ALL.map(Bin::slot_bytes), SLOT_BYTES);
        assert_eq!(Bin::ALL.map(Bin::index), [0, 1, 2, 3]);
    }
}
