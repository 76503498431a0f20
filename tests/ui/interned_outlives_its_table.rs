//! A hold on a string cannot outlive the table.

use gitmind::memory::{Alloc, InternTable, Interned, Pooling, System, Zeroing};

fn main() {
    let system = System::new();
    let kept: Interned<'_, '_>;
    {
        let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
        kept = table.intern(b"main").unwrap();
    }
    drop(kept);
}
