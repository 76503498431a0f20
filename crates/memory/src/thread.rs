//! Small numbers for threads, so that counters need no atomic read-modify-write.
//!
//! A running thread owns one of [`SLOTS`] slots by itself; a counter that only the owner writes is
//! advanced by a plain load and store. Threads beyond that, and threads that are being torn down,
//! get [`SHARED`], whose counters are advanced atomically. A slot returns when its thread ends.
//!
//! Nothing here allocates through Rust's global allocator, so a global allocator may use it.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

/// Threads that can own a slot at the same time.
pub(crate) const SLOTS: usize = u32::BITS as usize;

/// The slot of all threads that own none.
pub(crate) const SHARED: usize = SLOTS;

/// What a slot counts in the number that a thread keeps: the bytes of a cache line, as the parts of
/// threads in an array have them, so that such a part is found without a multiplication.
const STRIDE: usize = 64;

/// The value before the first call of a thread.
const UNKNOWN: usize = NO_SLOT;

/// Or-ed to a number of [`owned`], this makes one that is of no slot.
pub(crate) const NO_SLOT: usize = usize::MAX - (STRIDE - 1);

/// A bit is set while a running thread owns the slot of that number.
static OWNED: AtomicU32 = AtomicU32::new(0);

thread_local! {
    // Without a destructor, so that reading it costs one load.
    static OFFSET: Cell<usize> = const { Cell::new(UNKNOWN) };
    // Touched once per thread, so that its destructor runs when the thread ends.
    static RELEASE: ReleaseOnExit = const { ReleaseOnExit };
}

/// The number of this thread's slot: below [`SLOTS`] when owned, else [`SHARED`].
#[inline]
pub(crate) fn slot() -> usize {
    let offset = OFFSET.with(Cell::get);
    if offset == UNKNOWN { acquire() } else { offset / STRIDE }
}

/// The element of this thread's slot in `parts`; `None` when the thread owns none, or has not asked
/// for one by [`slot`], and when `mask` is [`NO_SLOT`] instead of zero.
#[inline]
pub(crate) fn own<T>(parts: &[T; SLOTS], mask: usize) -> Option<&T> {
    let offset = OFFSET.with(Cell::get) | mask;
    // SAFETY: every number that is stored in the cell is a multiple, and so is the mask.
    unsafe { std::hint::assert_unchecked(offset.is_multiple_of(STRIDE)) };
    parts.get(offset / STRIDE)
}

#[cold]
#[inline(never)]
fn acquire() -> usize {
    // Whatever the registration below does is counted in the shared slot.
    OFFSET.with(|offset| offset.set(SHARED * STRIDE));
    // During the thread's teardown the destructor can no longer be registered.
    if RELEASE.try_with(|_| ()).is_err() {
        return SHARED;
    }
    // The lowest zero bit becomes one; no free slot when there is none.
    let take = |owned: u32| Some(owned | owned.checked_add(1)?);
    // Acquire pairs with the release of the last owner: its counters are visible to us.
    let index = match OWNED.fetch_update(Ordering::Acquire, Ordering::Relaxed, take) {
        Ok(owned) => owned.trailing_ones() as usize,
        Err(_) => SHARED,
    };
    OFFSET.with(|offset| offset.set(index * STRIDE));
    index
}

/// Returns the slot of a thread when the thread ends.
struct ReleaseOnExit;

impl Drop for ReleaseOnExit {
    fn drop(&mut self) {
        let index = OFFSET.with(|offset| offset.replace(SHARED * STRIDE)) / STRIDE;
        if index < SLOTS {
            OWNED.fetch_and(!(1 << index), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn running_threads_never_share_an_owned_slot() {
        let threads = SLOTS + 8;
        let barrier = Barrier::new(threads);
        let mut slots: Vec<usize> = std::thread::scope(|scope| {
            let spawn = |_| {
                scope.spawn(|| {
                    let mine = slot();
                    barrier.wait();
                    mine
                })
            };
            let handles: Vec<_> = (0..threads).map(spawn).collect();
            handles.into_iter().map(|handle| handle.join().expect("no panic in it")).collect()
        });
        slots.retain(|slot| *slot < SLOTS);
        slots.sort_unstable();
        let owned = slots.len();
        slots.dedup();
        assert_eq!(slots.len(), owned, "two threads owned one slot");
    }

    #[test]
    fn a_slot_is_used_again_after_its_thread() {
        let seen: Vec<usize> = (0..4 * SLOTS)
            .map(|_| std::thread::spawn(slot).join().expect("no panic in it"))
            .collect();
        assert!(seen.iter().any(|slot| *slot < SLOTS));
    }
}
