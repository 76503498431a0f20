//! What is allocated cannot outlive its arena.

use gitmind::memory::{Alloc, Arena, System};
use gitmind::units::Bytes;

fn main() {
    let system = System::new();
    let kept: &mut u64;
    {
        let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
        kept = arena.try_alloc(7).unwrap();
    }
    assert_eq!(*kept, 7);
}
