//! What is allocated cannot be used after a reset.

use gitmind::memory::{Alloc, Arena, System};
use gitmind::units::Bytes;

fn main() {
    let system = System::new();
    let mut arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
    let kept = arena.try_alloc_str("main").unwrap();
    arena.reset();
    assert_eq!(kept, "main");
}
