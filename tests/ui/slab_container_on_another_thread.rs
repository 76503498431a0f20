//! A container on a slab stays on the slab's thread, so its blocks cannot be freed elsewhere.

use allocator_api2::vec::Vec;
use gitmind::memory::{Alloc, Slab, System};

fn main() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let kept: Vec<u8, &Slab<'_>> = Vec::new_in(&slab);
    std::thread::scope(|scope| {
        scope.spawn(move || drop(kept));
    });
}
