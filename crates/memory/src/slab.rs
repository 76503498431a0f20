//! The slab: small blocks of a thread, out of superblocks of one size each.
//!
//! A heap call for the key or the value of an event costs more than the work on it. A slab serves
//! requests of up to 256 bytes from four bins (32, 64, 128, 256 bytes; alignment up to the bin's
//! size) by taking a slot off a short stack. Whatever is larger goes to the port.
//!
//! A bin's slots come from superblocks of 64 KiB, carved from regions, which come from the port:
//! the first has one superblock, and later ones as many as the slab has then, up to four. A
//! superblock without a block goes back to its region and a region without a block to the port, at
//! once, but for a bounded reserve: one superblock per bin, regions of 256 KiB together.
//!
//! **Threads.** A slab belongs to the thread that made it: it is neither `Send` nor `Sync`, so a
//! container on `&Slab` cannot be freed elsewhere. [`SlabBox`] is the exception: it may be dropped
//! anywhere, and its block returns through a lock-free list of remote frees.
//!
//! With [`Pooling::Off`] each request is one of the port. With [`Zeroing::On`] freed bytes are zero
//! before they are freed, to the slab or to the port. Under AddressSanitizer a free slot is
//! poisoned, and so is the rest of a slot behind a shorter block.
//!
//! What a slab does not do: it never returns a block's memory while the block is in use, so one
//! block of 24 bytes holds a region.

mod allocator;
mod bin;
mod boxed;
mod list;
mod magazine;
mod pool;
mod region;
mod remote_free;
mod stats;
mod superblock;

use std::alloc::Layout;
use std::fmt;

use self::bin::{BLOCK_BYTES_MAX, Bin};
use self::pool::Pool;
use super::alloc::Alloc;
use super::pooling::{Pooling, Zeroing};

pub use self::boxed::SlabBox;
pub(crate) use self::remote_free::this_thread;
pub use self::stats::SlabStats;

/// The largest block, and the largest alignment, that a slab pools.
pub const SMALL_BYTES_MAX: usize = BLOCK_BYTES_MAX;

/// Small blocks of one thread; `&Slab` is an allocator of `allocator_api2`.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use gitmind_memory::{Alloc, Slab, System};
/// let system = System::new();
/// let slab = Slab::new(Alloc::new(&system));
/// let mut key = Vec::new_in(&slab);
/// key.try_reserve(40)?;
/// key.extend_from_slice(b"alloc.op");
/// assert_eq!(slab.stats().blocks_outstanding, 1);
/// drop(key);
/// assert_eq!(slab.stats().blocks_outstanding, 0);
/// # Ok::<(), allocator_api2::collections::TryReserveError>(())
/// ```
///
/// A container stays on the slab's thread, whatever is in it:
///
/// ```compile_fail,E0277
/// use allocator_api2::vec::Vec;
/// use gitmind_memory::{Alloc, Slab, System};
/// let system = System::new();
/// let slab = Slab::new(Alloc::new(&system));
/// let kept: Vec<u8, _> = Vec::new_in(&slab);
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(kept));
/// });
/// ```
pub struct Slab<'a> {
    pool: Pool<'a>,
    alloc: Alloc<'a>,
    /// The largest request that is pooled; zero when nothing is.
    pooled_bytes_max: usize,
    zeroing: Zeroing,
}

impl<'a> Slab<'a> {
    /// A slab over `alloc` that pools and does not zero. It allocates nothing before the first
    /// request.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self::with(alloc, Pooling::On, Zeroing::Off)
    }

    /// A slab over `alloc` with the given pooling and zeroing.
    pub fn with(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        let pooled_bytes_max = match pooling {
            Pooling::On => BLOCK_BYTES_MAX,
            Pooling::Off => 0,
        };
        Self { pool: Pool::new(alloc, zeroing), alloc, pooled_bytes_max, zeroing }
    }

    /// Collects the blocks that other threads have dropped, and frees everything that is not in
    /// use, the reserve included.
    pub fn trim(&self) {
        self.pool.trim();
    }

    /// What the slab holds; blocks in the remote-free list are still outstanding.
    ///
    /// The time is that of a walk over all superblocks.
    pub fn stats(&self) -> SlabStats {
        self.pool.stats()
    }

    /// The bin of `layout`, when it is pooled.
    #[inline]
    fn bin(&self, layout: Layout) -> Option<Bin> {
        Bin::of(layout, self.pooled_bytes_max)
    }
}

impl fmt::Debug for Slab<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slab")
            .field("alloc", &self.alloc)
            .field("pooled_bytes_max", &self.pooled_bytes_max)
            .field("zeroing", &self.zeroing)
            .field("stats", &self.stats())
            .finish()
    }
}

#[cfg(all(test, not(gm_loom)))]
mod tests;
