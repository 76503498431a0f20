//! The arena: memory of one operation, freed all at once.
//!
//! A rebuild needs millions of small objects that all end together. An arena allocates them by
//! moving a pointer, allocates blocks, and frees everything when it is reset or dropped.
//!
//! - **Small objects** share blocks of bumpalo. The first block has the hint's size, or what
//!   [`Arena::expect_bytes`] says if that is less, and at least a page; each further one twice the
//!   last up to 1 MiB and a page, all clipped to what the cap leaves. The port is charged for a
//!   block, footer included, before it is made, and refunded after it is gone.
//! - **Objects of [`DEDICATED_BYTES_MIN`] and more** that the newest block has no room for are
//!   blocks of the port by themselves: bumpalo's blocks are whole pages less 64 bytes, so new ones
//!   for objects of a page would waste most of a page each. Smaller ones follow when the cap has no
//!   room for a block. [`Arena::with_large_objects_in_blocks`] turns this off: a large object then
//!   gets a block of its size, below the newest, which goes on to serve.
//! - **The cap** bounds everything the arena holds: blocks, footers, dedicated allocations, and
//!   records of them beyond the first 16, which are in the arena itself. A request that does not
//!   fit is [`OverCap`](super::ErrorKind::OverCap), changes nothing, and the arena stays usable.
//! - **Nothing outlives it**: objects borrow the arena, and [`Arena::reset`] needs it alone. No
//!   destructor runs, so a type that needs one does not compile.
//!
//! **Threads.** An arena belongs to one thread: it is neither `Send` nor `Sync`. Handles on it are
//! borrows, so they stay as well.
//!
//! With [`Pooling::Off`] each object is a dedicated allocation, so that a sanitizer sees it. With
//! [`Zeroing::On`] what was used, and nothing else, is zero before it is freed or reused.
//! Under AddressSanitizer what is not allocated is poisoned.

mod allocator;
mod blocks;
mod dedicated;
mod ledger;
mod size;
mod stats;
mod wipe;

use std::alloc::Layout;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::{slice, str};

use self::blocks::Blocks;
use self::dedicated::Dedicated;
use self::ledger::{Failure, Ledger};
use super::alloc::Alloc;
use super::error::{self, MemoryError};
use super::pooling::{Pooling, Zeroing};
use crate::units::Bytes;

pub use self::stats::ArenaStats;

/// The size from which on an object gets no new block of bumpalo.
pub const DEDICATED_BYTES_MIN: usize = 4096;

/// Memory of one operation; `&Arena` is an allocator of `allocator_api2`.
///
/// ```
/// use gitmind_memory::{Alloc, Arena, ErrorKind, System};
/// use gitmind_memory::units::Bytes;
/// let system = System::new();
/// let mut arena = Arena::begin(Alloc::new(&system), Bytes::new(4096), Bytes::new(9000));
/// let name = arena.try_alloc_str("refs/heads/main")?;
/// let ids = arena.try_alloc_slice_with(3, |index| index * index)?;
/// assert_eq!((&*name, &*ids), ("refs/heads/main", &[0, 1, 4][..]));
/// let error = arena.try_alloc_slice_copy(&[0_u8; 9001]).unwrap_err();
/// assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, Bytes::new(9000)));
/// arena.reset();
/// assert!(arena.stats().held_bytes <= Bytes::new(4096));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
///
/// It can neither move to another thread nor be shared with one:
///
/// ```compile_fail,E0277
/// # use gitmind_memory::{Alloc, Arena, System};
/// # use gitmind_memory::units::Bytes;
/// # let system = System::new();
/// # let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
/// std::thread::scope(|scope| drop(scope.spawn(move || drop(arena))));
/// ```
///
/// ```compile_fail,E0277
/// # use gitmind_memory::{Alloc, Arena, System};
/// # use gitmind_memory::units::Bytes;
/// # let system = System::new();
/// # let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
/// std::thread::scope(|scope| drop(scope.spawn(|| arena.try_alloc(1_u8).is_ok())));
/// ```
pub struct Arena<'a> {
    blocks: Blocks,
    dedicated: Dedicated,
    ledger: Ledger<'a>,
    hint_bytes: u64,
    /// Bytes of the first block.
    first_bytes: u64,
    /// The size from which on an object is a dedicated allocation.
    dedicated_bytes_min: usize,
    pooling: Pooling,
    zeroing: Zeroing,
    /// Blocks lead to one another by pointers, and counts are not atomic.
    confined: PhantomData<*mut u8>,
}

impl<'a> Arena<'a> {
    /// An arena over `alloc` that pools and does not zero: `hint` is the size of its first block,
    /// `cap` the most that it holds at any time. It allocates nothing before the first request.
    pub fn begin(alloc: Alloc<'a>, hint: Bytes, cap: Bytes) -> Self {
        Self::with(alloc, hint, cap, Pooling::On, Zeroing::Off)
    }

    /// As [`Arena::begin`], with the given pooling and zeroing.
    pub fn with(
        alloc: Alloc<'a>,
        hint: Bytes,
        cap: Bytes,
        pooling: Pooling,
        zeroing: Zeroing,
    ) -> Self {
        Self {
            blocks: Blocks::new(),
            dedicated: Dedicated::new(),
            ledger: Ledger::new(alloc, cap),
            hint_bytes: hint.get(),
            first_bytes: hint.get(),
            dedicated_bytes_min: DEDICATED_BYTES_MIN,
            pooling,
            zeroing,
            confined: PhantomData,
        }
    }

    /// The same arena, in which objects of any size are in blocks. It suits objects that never
    /// grow or grow by segments, as a [`Column`](crate::Column): an array that moves when it grows
    /// leaves its old memory unused.
    #[must_use]
    pub fn with_large_objects_in_blocks(mut self) -> Self {
        self.dedicated_bytes_min = usize::MAX;
        self
    }

    /// Makes the first block this large, but at most as large as the hint.
    pub fn expect_bytes(&mut self, expected: Bytes) {
        self.first_bytes = self.hint_bytes.min(expected.get());
    }

    /// Allocates uninitialised memory for `layout`, aligned to at least 16 bytes.
    ///
    /// A size of zero costs nothing and never fails.
    ///
    /// # Errors
    /// `OverCap` when it fits neither a block nor under the cap, `Exhausted` when the heap has no
    /// block, and every failure of the port; the objects are as before then.
    ///
    /// # Ownership
    /// Valid until the next [`Arena::reset`] or the arena's end, which free everything.
    #[inline(always)]
    pub fn try_alloc_layout(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        // Without pooling there is no block, so the slow path decides.
        match self.blocks.take(layout) {
            Some(object) => Ok(object),
            None => self.take_elsewhere(layout),
        }
    }

    /// Moves `value` into the arena.
    ///
    /// A type with a destructor does not compile, because nothing would run it:
    /// ```compile_fail,E0080
    /// # use gitmind_memory::{Alloc, Arena, System};
    /// # use gitmind_memory::units::Bytes;
    /// let system = System::new();
    /// let arena = Arena::begin(Alloc::new(&system), Bytes::ZERO, Bytes::from_mib(1));
    /// assert!(arena.try_alloc(String::from("leaked")).is_ok());
    /// ```
    ///
    /// # Errors
    /// As [`Arena::try_alloc_layout`].
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call returns memory of its own")]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, MemoryError> {
        const { assert!(!std::mem::needs_drop::<T>(), "an arena runs no destructor") };
        let place = self.try_alloc_layout(Layout::new::<T>())?.cast::<T>();
        // SAFETY: the place is writable, aligned and large enough for a `T`, and new.
        unsafe { place.write(value) };
        // SAFETY: written above; it lives until the arena is reset or dropped, which the borrow of
        // the arena rules out while the reference lives.
        Ok(unsafe { &mut *place.as_ptr() })
    }

    /// Copies `values` into the arena.
    ///
    /// # Errors
    /// As [`Arena::try_alloc_layout`].
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call returns memory of its own")]
    pub fn try_alloc_slice_copy<T: Copy>(&self, values: &[T]) -> Result<&mut [T], MemoryError> {
        let place = self.try_alloc_layout(Layout::for_value(values))?.cast::<T>();
        // SAFETY: the place is new, so it overlaps nothing, and holds as many values.
        unsafe { place.copy_from_nonoverlapping(NonNull::from(values).cast(), values.len()) };
        // SAFETY: written above; it lives as long as in `try_alloc`.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), values.len()) })
    }

    /// Fills a slice of `len` values with what `value` returns for each index.
    ///
    /// # Errors
    /// As [`Arena::try_alloc_layout`], and `Overflow` when no slice is that long.
    #[expect(clippy::mut_from_ref, reason = "each call returns memory of its own")]
    pub fn try_alloc_slice_with<T>(
        &self,
        len: usize,
        mut value: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], MemoryError> {
        const { assert!(!std::mem::needs_drop::<T>(), "an arena runs no destructor") };
        let layout = Layout::array::<T>(len).map_err(|_| error::OVERFLOW)?;
        let place = self.try_alloc_layout(layout)?.cast::<T>();
        for index in 0..len {
            // SAFETY: the place holds `len` values, and the index is below that.
            let slot = unsafe { place.add(index) };
            // SAFETY: the slot is aligned, writable and new.
            unsafe { slot.write(value(index)) };
        }
        // SAFETY: all were written above; it lives as long as in `try_alloc`.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) })
    }

    /// Allocates `len` zero bytes at an address that is a multiple of `align`.
    ///
    /// # Errors
    /// As [`Arena::try_alloc_layout`], and `Overflow` when `align` is not a power of two or the
    /// size does not fit the address space.
    #[expect(clippy::mut_from_ref, reason = "each call returns memory of its own")]
    pub fn try_alloc_zeroed(&self, len: usize, align: usize) -> Result<&mut [u8], MemoryError> {
        let place = self.try_alloc_layout(error::layout(len, align)?)?;
        // SAFETY: the place is new and holds `len` bytes.
        unsafe { place.write_bytes(0, len) };
        // SAFETY: written above; it lives as long as in `try_alloc`.
        Ok(unsafe { slice::from_raw_parts_mut(place.as_ptr(), len) })
    }

    /// Copies `text` into the arena.
    ///
    /// # Errors
    /// As [`Arena::try_alloc_layout`].
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "each call returns memory of its own")]
    pub fn try_alloc_str(&self, text: &str) -> Result<&mut str, MemoryError> {
        let bytes = self.try_alloc_slice_copy(text.as_bytes())?;
        // SAFETY: the bytes are those of `text`.
        Ok(unsafe { str::from_utf8_unchecked_mut(bytes) })
    }

    /// Ends every object. The largest block is kept for what comes next; all others, and objects
    /// that are dedicated allocations, are freed.
    pub fn reset(&mut self) {
        self.dedicated.end(self.zeroing, &self.ledger);
        self.blocks.reset(self.zeroing, &self.ledger);
    }

    /// Counts one spill: the owner has moved its objects elsewhere, which absorbs the failures so
    /// far.
    pub fn note_spill(&self) {
        self.ledger.note_spill();
    }

    /// Subtracts the failures so far from the count: the owner continues without the memory.
    pub fn absorb_failures(&self) {
        self.ledger.absorb_failures();
    }

    /// The bytes it holds now.
    pub const fn held_bytes(&self) -> Bytes {
        self.ledger.held()
    }

    /// The most that it may hold.
    pub const fn cap_bytes(&self) -> Bytes {
        self.ledger.cap()
    }

    /// What the arena holds and has held. The time is that of a walk over blocks and records.
    pub fn stats(&self) -> ArenaStats {
        ArenaStats::read(&self.ledger, &self.blocks, &self.dedicated)
    }

    /// Serves what the newest block has no room for: from a new block, or by a dedicated
    /// allocation.
    #[cold]
    #[inline(never)]
    fn take_elsewhere(&self, layout: Layout) -> Result<NonNull<u8>, MemoryError> {
        let is_pooled = self.pooling == Pooling::On && layout.size() < self.dedicated_bytes_min;
        let taken = if is_pooled {
            self.take_from_new_block(layout)
        } else {
            self.dedicated.take(layout, &self.ledger)
        };
        taken.map_err(|failure| self.ledger.error(failure, layout.size()))
    }

    /// From a new block if the cap has room for one, else by a dedicated allocation.
    fn take_from_new_block(&self, layout: Layout) -> Result<NonNull<u8>, Failure> {
        match self.blocks.grow(layout, self.first_bytes, &self.ledger) {
            Err(Failure::OverCap) => self.dedicated.take(layout, &self.ledger),
            taken => taken,
        }
    }
}

/// Ends an arena, also what is left when the port unwinds.
struct Ending<'e, 'a>(&'e mut Arena<'a>);

impl Ending<'_, '_> {
    fn end(&mut self) {
        let Arena { dedicated, blocks, ledger, zeroing, .. } = &mut *self.0;
        dedicated.end(*zeroing, ledger);
        blocks.end(*zeroing, ledger);
    }
}

impl Drop for Ending<'_, '_> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for Arena<'_> {
    fn drop(&mut self) {
        // Its own destructor finds nothing left unless this unwinds.
        Ending(self).end();
    }
}

impl fmt::Debug for Arena<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("alloc", &self.ledger.alloc)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
