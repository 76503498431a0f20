//! The way home of blocks that were dropped on another thread.
//!
//! A lock-free stack through the blocks themselves: any thread pushes, only the owner takes, and it
//! takes everything at once, so a block cannot come back while a push compares with it.
//! Sources: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986;
//! mimalloc's cross-thread free list (Leijen et al., MSR-TR-2019-18).

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use crate::sync::{AtomicUsize, Ordering};

/// What is written into a block on its way: the address of the one before it, or zero.
pub(super) type Link = usize;

/// Blocks on their way to the slab that owns them.
#[repr(align(128))]
pub(super) struct Home {
    /// The address of the block that was sent last, or zero.
    newest: AtomicUsize,
    /// The thread that may take them.
    owner: u64,
}

impl Home {
    /// The home of blocks of this thread.
    pub(super) fn new() -> Self {
        Self { newest: AtomicUsize::new(0), owner: this_thread() }
    }

    /// Whether this is the thread that may take blocks out.
    pub(super) fn is_here(&self) -> bool {
        self.owner == this_thread()
    }

    /// Sends a block home.
    ///
    /// # Safety
    /// - The block is live, aligned for a [`Link`] and no smaller, and nobody else accesses it from
    ///   here on.
    /// - Its memory stays until it is taken, or is never taken.
    pub(super) unsafe fn send(&self, block: NonNull<u8>) {
        let link = block.cast::<Link>();
        debug_assert!(link.is_aligned(), "slots are aligned to 32 bytes at least");
        let address = link.expose_provenance().get();
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            // SAFETY: the caller promises a live block that is aligned and large enough for it.
            unsafe { link.write(newest) };
            // Release: whoever takes the block sees the link, and all that was done to the block.
            let sent = self.newest.compare_exchange_weak(
                newest,
                address,
                Ordering::Release,
                Ordering::Relaxed,
            );
            match sent {
                Ok(_) => return,
                Err(other) => newest = other,
            }
        }
    }

    /// Takes everything out that has arrived; the newest first. Call it on the owner's thread.
    pub(super) fn take(&self) -> impl Iterator<Item = NonNull<u8>> {
        // The load keeps the line shared as long as nothing arrives.
        let mut next = match self.newest.load(Ordering::Relaxed) {
            0 => 0,
            // Acquire pairs with the release of every push, since pushes extend each other's
            // release sequences.
            _ => self.newest.swap(0, Ordering::Acquire),
        };
        std::iter::from_fn(move || {
            let link = NonNull::new(ptr::with_exposed_provenance_mut::<Link>(next))?;
            // SAFETY: `send` wrote the link of a block that is live until it is taken here.
            next = unsafe { link.read() };
            Some(link.cast())
        })
    }
}

/// A number that no other thread has, or had.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static THREAD: Cell<u64> = const { Cell::new(0) };
    }
    match THREAD.get() {
        0 => {
            THREAD.set(NEXT.fetch_add(1, Ordering::Relaxed));
            THREAD.get()
        }
        known => known,
    }
}

#[cfg(all(test, gm_loom))]
mod loom_tests;

#[cfg(all(test, not(gm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_one_number_that_no_other_has() {
        let mine = this_thread();
        let theirs = std::thread::spawn(|| [this_thread(), this_thread()]);
        let theirs = theirs.join().expect("no panic in it");
        assert_eq!((mine, theirs[0]), (this_thread(), theirs[1]));
        assert_ne!(mine, theirs[0]);
    }

    #[test]
    fn blocks_arrive_newest_first_and_once() {
        let (home, mut blocks) = (Home::new(), [[0_usize; 4]; 3]);
        let sent: Vec<_> = blocks.iter_mut().map(|block| NonNull::from(block).cast()).collect();
        for block in &sent {
            // SAFETY: the blocks outlive `home`, and are accessed through it alone.
            unsafe { home.send(*block) };
        }
        let arrived: Vec<_> = home.take().collect();
        assert!(arrived.iter().rev().eq(&sent));
        assert_eq!(home.take().next(), None);
    }
}
