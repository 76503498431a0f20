//! An intern table: each string once, named by four bytes, freed with its last reference.
//!
//! **Threads.** A table is shared by reference. A string belongs to one of 16 shards by its hash,
//! each behind its own lock, and an operation holds exactly one of these at a time.
//!
//! **Symbols.** A [`Symbol`] is a shard, an index and a generation. Equal symbols of one table mean
//! equal bytes, for as long as the string is held. The symbol of a released string stays an error:
//! generations are not reused, so it never names another string. The price is a bound: a shard adds
//! at most 2^20 x 255 strings in all, then [`InternTable::acquire`] fails. A symbol means nothing
//! to another table.
//!
//! **Memory.** All of it is allocated through the port, which can fail. A release never allocates;
//! when more than half of a shard is holes it closes them in place. [`InternTable::trim`] returns
//! what is not used.

mod handle;
mod shard;
mod store;
mod unshared;

use std::fmt;
use std::hash::{BuildHasher, Hasher as _};
use std::num::NonZeroU32;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

pub use self::handle::Interned;
use self::shard::{Failure, INDEX_BITS, Key, Shard};
use self::store::GENERATION_MAX;
pub use self::unshared::Unshared;
use foldhash::SharedSeed;

use super::alloc::Alloc;
use super::error::{ErrorKind, MemoryError};
use super::pooling::{Pooling, Zeroing};
use super::slab::this_thread;
use super::sync::{Mutex, MutexGuard};
use crate::units::Bytes;

const SHARD_BITS: u32 = 4;
const SHARDS: usize = 1 << SHARD_BITS;
const GENERATION_BITS: u32 = 8;
const _: () = assert!(SHARD_BITS + INDEX_BITS + GENERATION_BITS == u32::BITS);
const _: () = assert!(GENERATION_MAX < 1 << GENERATION_BITS);

/// The four-byte name of a string in one table; `Option<Symbol>` has four bytes as well.
///
/// It is not a hold on the string: see [`Interned`] for one that releases itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Symbol(NonZeroU32);

const _: () = assert!(size_of::<Option<Symbol>>() == 4);

impl Symbol {
    fn new(shard: usize, (index, generation): Key) -> Self {
        debug_assert!(shard < SHARDS && index >> INDEX_BITS == 0, "out of range");
        debug_assert!((1..=GENERATION_MAX).contains(&generation), "out of range");
        let shard = u32::try_from(shard).expect("it fits because there are 16 shards");
        let bits = ((shard << INDEX_BITS | index) << GENERATION_BITS) | generation;
        Self(NonZeroU32::new(bits).expect("it is not zero because generations begin at one"))
    }

    /// A small number that no other string of the table has while this one is held: below 16 times
    /// the largest number of strings that a shard has held at once. An array can be indexed by it.
    pub const fn slot(self) -> usize {
        let bits = self.0.get() >> GENERATION_BITS;
        let index = bits & ((1 << INDEX_BITS) - 1);
        (index << SHARD_BITS | bits >> INDEX_BITS) as usize
    }

    fn parts(self) -> (usize, Key) {
        let (bits, mask) = (self.0.get(), (1 << INDEX_BITS) - 1);
        let index = bits >> GENERATION_BITS & mask;
        ((bits >> (INDEX_BITS + GENERATION_BITS)) as usize, (index, bits & GENERATION_MAX))
    }
}

/// Why a symbol could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InternError {
    /// No string of this table has the symbol: it was released, or it is another table's.
    Stale(Symbol),
    /// The table was called by a callback of a call of its own, on the same shard.
    Reentrant(Symbol),
    /// The string is held 2^32 - 1 times already.
    TooManyHolds(Symbol),
}

impl fmt::Display for InternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stale(symbol) => {
                write!(f, "symbol {:#010x} names no string of this table", symbol.0)
            }
            Self::Reentrant(symbol) => {
                write!(f, "symbol {:#010x} was used inside a call of its table", symbol.0)
            }
            Self::TooManyHolds(symbol) => {
                write!(f, "symbol {:#010x} is held {} times already", symbol.0, u32::MAX)
            }
        }
    }
}

impl std::error::Error for InternError {}

/// A shard on cache lines of its own. What every lock writes is on the first of them.
#[repr(C, align(64))]
struct Padded<'a> {
    /// The thread that holds the lock, or zero.
    holder: AtomicU64,
    /// What the shard held when it was locked, for callbacks.
    held_before: [AtomicU64; 2],
    shard: Mutex<Shard<'a>>,
    /// Holds that the holder gave up in callbacks, before the first zero.
    deferred: [AtomicU32; DEFERRED_MAX],
}

/// Holds that a callback can give up of strings of the shard in change.
const DEFERRED_MAX: usize = 16;

/// A shard that is locked.
struct Locked<'t, 'a> {
    // Released last: `drop` runs before the fields do.
    shard: MutexGuard<'t, Shard<'a>>,
    padded: &'t Padded<'a>,
}

impl Locked<'_, '_> {
    #[cold]
    #[inline(never)]
    fn release_deferred(&mut self) {
        // A release may call back as well, and what that gives up is behind what is left.
        while self.padded.deferred[0].load(Relaxed) != 0 {
            let last = self.padded.deferred.iter().rfind(|place| place.load(Relaxed) != 0);
            let symbol = last.and_then(|place| NonZeroU32::new(place.swap(0, Relaxed)));
            let key = symbol.map(|symbol| Symbol(symbol).parts().1);
            let released = key.map(|key| self.shard.release(key));
            debug_assert!(matches!(released, Some(Ok(()))), "a hold that was not the caller's");
        }
    }
}

impl Drop for Locked<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        if self.padded.deferred[0].load(Relaxed) != 0 {
            self.release_deferred();
        }
        self.padded.holder.store(0, Relaxed);
    }
}

impl<'a> Deref for Locked<'_, 'a> {
    type Target = Shard<'a>;

    fn deref(&self) -> &Shard<'a> {
        &self.shard
    }
}

impl<'a> DerefMut for Locked<'_, 'a> {
    fn deref_mut(&mut self) -> &mut Shard<'a> {
        &mut self.shard
    }
}

/// This thread holds the lock already: a callback of the port, or of a reader, called the table.
struct Reentered;

impl<'a> Padded<'a> {
    /// The shard of a table that is not shared.
    fn get_mut(&mut self) -> &mut Shard<'a> {
        self.shard.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

type Hasher = foldhash::fast::SeedableRandomState;

/// The shard of a string, and its hash in there: two parts of one hash that have no bit in common.
#[inline]
fn place_of(hasher: &Hasher, bytes: &[u8]) -> (usize, u32) {
    let mut state = hasher.build_hasher();
    // The bytes alone: nothing follows them, so the prefix that `Hash` writes has no use.
    state.write(bytes);
    let hash = state.finish();
    (usize::from(hash.to_le_bytes()[0]) % SHARDS, (hash >> u32::BITS) as u32)
}

/// A table of strings with reference counts, each stored once.
///
/// ```
/// use gitmind_memory::{Alloc, InternTable, Pooling, System, Zeroing};
/// let system = System::new();
/// let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
/// let first = table.acquire(b"src/main.rs")?;
/// assert_eq!(table.acquire(b"src/main.rs")?, first);
/// assert!(table.resolve(first, |bytes| bytes == b"src/main.rs")?);
/// table.release(first)?;
/// table.release(first)?;
/// assert!(table.resolve(first, |_| ()).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct InternTable<'a> {
    shards: [Padded<'a>; SHARDS],
    hasher: Hasher,
    settings: (Alloc<'a>, Pooling, Zeroing),
}

impl<'a> InternTable<'a> {
    /// An empty table; does not allocate.
    pub fn new(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing) -> Self {
        let shard = |_| Padded {
            holder: AtomicU64::new(0),
            held_before: [const { AtomicU64::new(0) }; 2],
            shard: Mutex::new(Shard::new(alloc, pooling, zeroing)),
            deferred: [const { AtomicU32::new(0) }; DEFERRED_MAX],
        };
        let settings = (alloc, pooling, zeroing);
        Self { shards: std::array::from_fn(shard), hasher: Hasher::random(), settings }
    }

    /// The handle that the memory is from.
    pub const fn alloc(&self) -> Alloc<'a> {
        self.settings.0
    }

    /// An empty table on the same handle, with the same settings and the same hash.
    pub fn empty_like(&self) -> Self {
        let (alloc, pooling, zeroing) = self.settings;
        Self { hasher: self.hasher.clone(), ..Self::new(alloc, pooling, zeroing) }
    }

    /// As [`InternTable::new`], with strings in the same places in each run that has the same seed:
    /// for tests. A caller who knows the seed can choose strings that collide.
    pub fn seeded(alloc: Alloc<'a>, pooling: Pooling, zeroing: Zeroing, seed: u64) -> Self {
        let hasher = Hasher::with_seed(seed, SharedSeed::global_fixed());
        Self { hasher, ..Self::new(alloc, pooling, zeroing) }
    }

    /// Adds a reference to `bytes` and returns their symbol.
    ///
    /// # Errors
    /// Every failure of the port; `OverCap` for a string of 16 MiB, a shard without a symbol left
    /// and a string held 2^32 - 1 times; `Reentrant`. Nothing has changed then.
    ///
    /// # Ownership
    /// The hold is the caller's, until [`InternTable::release`] gives it up.
    pub fn acquire(&self, bytes: &[u8]) -> Result<Symbol, MemoryError> {
        let (shard, hash) = place_of(&self.hasher, bytes);
        let key = self.lock_for(shard, bytes.len())?.acquire(bytes, hash)?;
        Ok(Symbol::new(shard, key))
    }

    /// Holds `bytes` until the handle is dropped.
    ///
    /// # Errors
    /// As [`InternTable::acquire`].
    pub fn intern(&self, bytes: &[u8]) -> Result<Interned<'_, 'a>, MemoryError> {
        Ok(Interned::new(self, self.acquire(bytes)?))
    }

    /// Adds a reference to the string of `symbol`.
    ///
    /// # Errors
    /// `Stale`, `TooManyHolds`, `Reentrant`; nothing has changed then.
    ///
    /// # Ownership
    /// Each call is one hold, which [`InternTable::release`] gives up.
    pub fn retain(&self, symbol: Symbol) -> Result<(), InternError> {
        let (shard, key) = symbol.parts();
        self.lock_of(shard, symbol)?.retain(key).map_err(|failure| error(failure, symbol))
    }

    /// Removes one reference; the last one removes the string.
    ///
    /// # Errors
    /// `Stale`, `Reentrant`; nothing has changed then.
    pub fn release(&self, symbol: Symbol) -> Result<(), InternError> {
        let (shard, key) = symbol.parts();
        let released = self.lock_of(shard, symbol)?.release(key);
        released.map_err(|failure| error(failure, symbol))
    }

    /// Gives up one hold: at once, or when the shard that this thread has locked is unlocked.
    fn release_or_defer(&self, symbol: Symbol) -> Result<(), InternError> {
        let released = self.release(symbol);
        let Err(InternError::Reentrant(Symbol(bits))) = released else { return released };
        let deferred = &self.shards[symbol.parts().0].deferred;
        // Only this thread, which holds the lock, looks at them.
        let Some(place) = deferred.iter().find(|place| place.load(Relaxed) == 0) else {
            return released;
        };
        place.store(bits.get(), Relaxed);
        Ok(())
    }

    /// Calls `read` with the string of `symbol`, 16-byte aligned.
    ///
    /// The shard is locked meanwhile: a call of this table by `read` may be `Reentrant`.
    ///
    /// # Errors
    /// `Stale`, `Reentrant`.
    pub fn resolve<R>(
        &self,
        symbol: Symbol,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, InternError> {
        let (shard, key) = symbol.parts();
        let shard = self.lock_of(shard, symbol)?;
        shard.resolve(key).map(read).map_err(|failure| error(failure, symbol))
    }

    /// The table without its locks, for its only user.
    pub const fn unshared(&mut self) -> Unshared<'_, 'a> {
        Unshared(self)
    }

    /// Frees memory that no referenced string needs; all of it when there is none.
    ///
    /// # Errors
    /// Every failure of the port, since strings move to smaller blocks; the table is intact then.
    pub fn trim(&self) -> Result<(), MemoryError> {
        (0..SHARDS).try_for_each(|shard| self.lock_for(shard, 0)?.trim())
    }

    /// Distinct strings; while other threads work, a sum of values at different moments.
    ///
    /// A callback of a call of this table sees the shard that the call uses as it was before.
    pub fn len(&self) -> usize {
        usize::try_from(self.held().0).unwrap_or(usize::MAX)
    }

    /// How many distinct strings are held, and how many bytes they have, as [`InternTable::len`].
    pub fn held(&self) -> (u64, Bytes) {
        let held = (0..SHARDS).map(|shard| match self.lock(shard) {
            Ok(shard) => shard.held(),
            Err(Reentered) => {
                let [strings, bytes] = &self.shards[shard].held_before;
                (strings.load(Relaxed), bytes.load(Relaxed))
            }
        });
        let (strings, bytes) = held.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (strings, Bytes::new(bytes))
    }

    /// Whether no string is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A panic while a shard is locked is a reader's or the port's, and the shard is right whenever
    /// either is called.
    #[inline]
    fn lock(&self, shard: usize) -> Result<Locked<'_, 'a>, Reentered> {
        let padded = &self.shards[shard];
        let this = this_thread();
        // Only this thread stores its own number, so the answer is exact. The threads of loom are
        // one thread to std.
        if cfg!(not(gm_loom)) && padded.holder.load(Relaxed) == this {
            return Err(Reentered);
        }
        let shard = padded.shard.lock().unwrap_or_else(PoisonError::into_inner);
        padded.holder.store(this, Relaxed);
        let (strings, bytes) = shard.held();
        padded.held_before[0].store(strings, Relaxed);
        padded.held_before[1].store(bytes, Relaxed);
        Ok(Locked { shard, padded })
    }

    #[inline]
    fn lock_for(&self, shard: usize, bytes: usize) -> Result<Locked<'_, 'a>, MemoryError> {
        let reentrant = |Reentered| MemoryError::new(ErrorKind::Reentrant, None, bytes.into());
        self.lock(shard).map_err(reentrant)
    }

    #[inline]
    fn lock_of(&self, shard: usize, symbol: Symbol) -> Result<Locked<'_, 'a>, InternError> {
        self.lock(shard).map_err(|Reentered| InternError::Reentrant(symbol))
    }
}

impl fmt::Debug for InternTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternTable").finish_non_exhaustive()
    }
}

fn error(failure: Failure, symbol: Symbol) -> InternError {
    match failure {
        Failure::Stale => InternError::Stale(symbol),
        Failure::TooManyRefs => InternError::TooManyHolds(symbol),
    }
}

#[cfg(all(test, gm_loom))]
mod loom_tests;
