//! The table for its only user: no lock is taken.
//!
//! A lock is two locked instructions, and a processor does not look past one for what to load next.
//! Interning is mostly waiting for memory, so without them several strings are waited for at once.

use super::{InternError, InternTable, Shard, Symbol, error, place_of};
use crate::error::MemoryError;

/// An [`InternTable`] with one user, without locks.
///
/// ```
/// use gitmind_memory::{Alloc, InternTable, Pooling, System, Zeroing};
/// let system = System::new();
/// let mut table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
/// let mut unshared = table.unshared();
/// let symbol = unshared.acquire(b"src/main.rs")?;
/// assert_eq!(unshared.resolve(symbol)?, b"src/main.rs");
/// assert_eq!(table.acquire(b"src/main.rs")?, symbol);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Unshared<'t, 'a>(pub(super) &'t mut InternTable<'a>);

impl<'a> Unshared<'_, 'a> {
    /// As [`InternTable::acquire`].
    ///
    /// # Ownership
    /// Released by [`Unshared::release`].
    ///
    /// # Errors
    /// As there.
    pub fn acquire(&mut self, bytes: &[u8]) -> Result<Symbol, MemoryError> {
        let (shard, hash) = place_of(&self.0.hasher, bytes);
        Ok(Symbol::new(shard, self.shard(shard).acquire(bytes, hash)?))
    }

    /// As [`InternTable::retain`].
    ///
    /// # Ownership
    /// Released by [`Unshared::release`], once for each call.
    ///
    /// # Errors
    /// As there.
    pub fn retain(&mut self, symbol: Symbol) -> Result<(), InternError> {
        let (shard, key) = symbol.parts();
        self.shard(shard).retain(key).map_err(|failure| error(failure, symbol))
    }

    /// As [`InternTable::release`].
    ///
    /// # Errors
    /// As there.
    pub fn release(&mut self, symbol: Symbol) -> Result<(), InternError> {
        let (shard, key) = symbol.parts();
        self.shard(shard).release(key).map_err(|failure| error(failure, symbol))
    }

    /// The string of `symbol`, 16-byte aligned.
    ///
    /// # Errors
    /// As [`InternTable::resolve`].
    pub fn resolve(&mut self, symbol: Symbol) -> Result<&[u8], InternError> {
        let (shard, key) = symbol.parts();
        self.shard(shard).resolve(key).map_err(|failure| error(failure, symbol))
    }

    fn shard(&mut self, number: usize) -> &mut Shard<'a> {
        self.0.shards[number].get_mut()
    }
}
