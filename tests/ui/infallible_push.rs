//! A container on a handle has no operation that aborts when memory runs out.

use gitmind::memory::{Alloc, System, Vec};

fn main() {
    let system = System::new();
    let mut bytes = Vec::new(Alloc::new(&system));
    bytes.push(1_u8);
}
