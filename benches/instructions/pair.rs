//! What is counted of a port: an allocation and its free, through any handle.

use allocator_api2::alloc::{AllocError, Allocator, Layout};
use gitmind::memory::{OpTag, Port, System};
use std::hint::black_box;
use std::ptr::NonNull;

/// Takes and frees one block of 64 bytes, `pairs` times.
///
/// Without a container, and with a layout that the compiler cannot know: what is counted is the
/// allocator, not what is inlined around it.
#[inline(never)]
pub(crate) fn pairs<A: Allocator + Copy>(alloc: A, pairs: u64) -> u64 {
    let layout = Layout::new::<[u64; 8]>();
    let take = |_| {
        let layout = black_box(layout);
        let block = black_box(alloc.allocate(layout).expect("there is memory")).cast::<u8>();
        // SAFETY: the block was allocated above with this layout, and nobody else has it.
        unsafe { alloc.deallocate(block, layout) };
        layout.size() as u64
    };
    (0..pairs).map(take).sum()
}

/// A handle whose port is known when it is compiled: what dispatch at run time is compared with.
#[derive(Clone, Copy)]
pub(crate) struct StaticHandle<'a>(pub(crate) &'a System<false>);

// SAFETY: every block is the system port's, which the handle borrows; copies name the same port.
unsafe impl Allocator for StaticHandle<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let start = self.0.allocate(layout, OpTag::NONE).map_err(|_| AllocError)?;
        Ok(NonNull::slice_from_raw_parts(start, layout.size()))
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises a live block of this allocator that fits.
        unsafe { self.0.deallocate(ptr, layout, OpTag::NONE) };
    }
}
