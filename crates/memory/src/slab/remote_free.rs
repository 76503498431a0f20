//! The remote-free list: blocks that were freed on another thread than the slab's.
//!
//! A lock-free stack through the blocks themselves: any thread pushes, only the owner takes, and it
//! takes everything at once, so a block cannot come back while a push compares with it.
//! Sources: R. K. Treiber, "Systems Programming: Coping with Parallelism", IBM RJ 5118, 1986;
//! mimalloc's cross-thread free list (Leijen et al., MSR-TR-2019-18).

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use crate::sync::{AtomicUsize, Ordering};

/// What is written into a block in the list: the address of the one before it, or zero.
pub(super) type Link = usize;

/// Freed blocks that the slab which owns them has not taken back yet.
#[repr(align(128))]
pub(super) struct RemoteFreeList {
    /// The address of the block that was sent last, or zero.
    newest: AtomicUsize,
    /// The thread that may take them.
    owner: u64,
}

impl RemoteFreeList {
    /// An empty list, owned by this thread.
    pub(super) fn new() -> Self {
        Self { newest: AtomicUsize::new(0), owner: this_thread() }
    }

    /// Whether this is the thread that may take blocks out.
    pub(super) fn is_owner(&self) -> bool {
        // A thread without a number has made no slab.
        self.owner == THREAD.get()
    }

    /// Adds a block, on any thread.
    ///
    /// # Safety
    /// - The block is live, aligned for a [`Link`] and no smaller, and nothing else accesses it
    ///   from here on.
    /// - Its memory stays until it is taken, or is never taken.
    pub(super) unsafe fn push(&self, block: NonNull<u8>) {
        let link = block.cast::<Link>();
        debug_assert!(link.is_aligned(), "slots are aligned to 32 bytes at least");
        let address = link.expose_provenance().get();
        let mut newest = self.newest.load(Ordering::Relaxed);
        loop {
            // SAFETY: the caller promises a live block that is aligned and large enough for it.
            unsafe { link.write(newest) };
            // Release: the thread that takes the block sees the link, and all that was done to the
            // block.
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
            // SAFETY: `push` wrote the link of a block that is live until it is taken here.
            next = unsafe { link.read() };
            Some(link.cast())
        })
    }
}

thread_local! {
    /// The number of the thread, or zero. It is here because each free of a slab asks for it.
    static THREAD: Cell<u64> = const { Cell::new(0) };
}

/// A number that no other thread has, or had.
#[inline]
pub(crate) fn this_thread() -> u64 {
    match THREAD.get() {
        0 => number_this_thread(),
        known => known,
    }
}

#[cold]
#[inline(never)]
fn number_this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    THREAD.set(number);
    number
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
        let (list, mut blocks) = (RemoteFreeList::new(), [[0_usize; 4]; 3]);
        let sent: Vec<_> = blocks.iter_mut().map(|block| NonNull::from(block).cast()).collect();
        for block in &sent {
            // SAFETY: the blocks outlive `list`, and are accessed through it alone.
            unsafe { list.push(*block) };
        }
        let arrived: Vec<_> = list.take().collect();
        assert!(arrived.iter().rev().eq(&sent));
        assert_eq!(list.take().next(), None);
    }
}
