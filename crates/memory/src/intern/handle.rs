//! A hold on an interned string that cannot be forgotten.

use super::{InternError, InternTable, Symbol};

/// A counted reference to an interned string, released when dropped.
///
/// Dropped by a callback of a call that changes the same shard, it is released after that call.
/// Beyond 16 such holds in one call, a string stays until the table ends.
#[derive(Debug)]
pub struct Interned<'t, 'a> {
    table: &'t InternTable<'a>,
    symbol: Symbol,
}

impl<'t, 'a> Interned<'t, 'a> {
    pub(super) const fn new(table: &'t InternTable<'a>, symbol: Symbol) -> Self {
        Self { table, symbol }
    }

    /// The name of the string, good for as long as it is held.
    ///
    /// # Ownership
    /// No hold of its own, so nothing for [`InternTable::release`].
    pub const fn symbol(&self) -> Symbol {
        self.symbol
    }

    /// Calls `read` with the string, as [`InternTable::resolve`] does.
    ///
    /// # Errors
    /// `Stale` when a hold was released that was not there.
    pub fn read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, InternError> {
        self.table.resolve(self.symbol, read)
    }

    /// A second reference to the string.
    ///
    /// # Errors
    /// As [`InternTable::retain`].
    pub fn try_clone(&self) -> Result<Self, InternError> {
        self.table.retain(self.symbol)?;
        Ok(Self::new(self.table, self.symbol))
    }
}

impl Drop for Interned<'_, '_> {
    fn drop(&mut self) {
        let released = self.table.release_or_defer(self.symbol);
        let is_stale = matches!(released, Err(InternError::Stale(_)));
        debug_assert!(!is_stale, "a hold was released that was not the caller's");
    }
}
