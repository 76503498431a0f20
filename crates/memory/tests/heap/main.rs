//! The attribute, and code that takes no handle, under an observed heap.

mod attribute;
// What a profile lists, and which requests can fail, is read from names, which an optimized build
// lacks or merges.
#[cfg(debug_assertions)]
mod profiles;
#[cfg(debug_assertions)]
mod sweeps;
mod threads;

use gitmind_memory::testing::TestAllocator;

#[global_allocator]
static HEAP: TestAllocator = TestAllocator;
