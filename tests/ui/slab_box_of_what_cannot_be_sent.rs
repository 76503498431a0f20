//! A box takes to another thread only what may go there.

use std::rc::Rc;

use gitmind::memory::{Alloc, Slab, System};

/// As what starts a thread: a bound of our own, since the compiler prints std's own lines for one
/// of std only where its sources are installed.
fn take<T: Send>(_: T) {}

fn main() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let kept = slab.try_box(Rc::new(7)).unwrap();
    take(kept);
}
