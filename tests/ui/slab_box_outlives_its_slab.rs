//! A value on a slab cannot outlive the slab.

use gitmind::memory::{Alloc, Slab, SlabBox, System};

fn main() {
    let system = System::new();
    let kept: SlabBox<'_, u64>;
    {
        let slab = Slab::new(Alloc::new(&system));
        kept = slab.try_box(7).unwrap();
    }
    drop(kept);
}
