//! A slab stays on its thread: the way home of its boxes leads there.

use gitmind::memory::{Alloc, Slab, System};

fn main() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    std::thread::scope(|scope| {
        scope.spawn(move || drop(slab));
    });
}
