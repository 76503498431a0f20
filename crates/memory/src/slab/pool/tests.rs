//! What must hold of a pool between any two requests.

use super::{BINS, Bin, Pool, REGION_BYTES_MAX, Region, SUPERBLOCK_BYTES, Superblock};

impl Pool<'_> {
    /// Walks everything that is held, and compares what is noted in several places.
    pub(in crate::slab) fn check(&self) {
        let mut empty = [0; BINS];
        for region in self.regions() {
            let is_listed_open = self.open.iter().any(|open| open == region);
            assert_eq!(is_listed_open, region.is_open(), "a region is in the list it belongs to");
            for superblock in region.superblocks() {
                assert!(superblock.region() == region, "a superblock knows its region");
                self.check_superblock(superblock);
                empty[superblock.bin().index()] += u32::from(superblock.live() == 0);
            }
        }
        assert!(empty.iter().all(|count| *count <= 1), "one reserve a bin: {empty:?}");
        let idle = self.regions().filter(|region| region.is_idle()).map(Region::bytes);
        assert!(idle.sum::<usize>() <= REGION_BYTES_MAX, "idle regions are no larger than one");
        for bin in Bin::ALL {
            for superblock in self.rack(bin).partial.iter() {
                assert_eq!(superblock.bin(), bin, "a superblock is in the list of its bin");
                assert!(superblock.free() > 0, "what is listed has free slots");
                assert!(self.holds(superblock), "what is listed is in use");
            }
        }
    }

    fn check_superblock(&self, superblock: Superblock) {
        let rack = self.rack(superblock.bin());
        let is_here = |slot: &usize| slot & !(SUPERBLOCK_BYTES - 1) == superblock.start();
        let in_magazine: Vec<usize> = rack.magazine.iter().filter(is_here).collect();
        for slot in &in_magazine {
            assert!(superblock.is_slot(*slot), "a magazine holds slots");
            assert!(!superblock.is_free(*slot), "a slot is free in one place");
            let times = in_magazine.iter().filter(|other| *other == slot).count();
            assert_eq!(times, 1, "a slot is in a magazine once");
        }
        let (live, free) = (superblock.live() as usize, superblock.free() as usize);
        assert_eq!(live + free + in_magazine.len(), superblock.slots(), "each slot is somewhere");
        let is_listed = rack.partial.iter().any(|listed| listed == superblock);
        assert_eq!(is_listed, free > 0, "a superblock is listed while it has free slots");
    }

    fn holds(&self, superblock: Superblock) -> bool {
        self.regions().any(|region| region.superblocks().any(|held| held == superblock))
    }
}
