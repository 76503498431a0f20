//! Planted leaks. LeakSanitizer would find them too, so their addresses stay reachable.

use gitmind_memory::Vec;
use std::mem::ManuallyDrop;
use std::sync::Mutex;

static REACHABLE: Mutex<std::vec::Vec<usize>> = Mutex::new(std::vec::Vec::new());

/// Never gives the block of `vec` back.
pub(crate) fn leak<T>(vec: Vec<'_, T>) {
    let address = vec.as_slice().as_ptr().expose_provenance();
    REACHABLE.lock().expect("no holder panics").push(address);
    let _ = ManuallyDrop::new(vec);
}
