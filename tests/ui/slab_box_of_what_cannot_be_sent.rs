//! A box takes to another thread only what may go there.

use std::rc::Rc;

use gitmind::memory::{Alloc, Slab, System};

fn main() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let kept = slab.try_box(Rc::new(7)).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(kept));
    });
}
