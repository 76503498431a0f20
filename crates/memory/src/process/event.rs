//! Events of the process's heap, as counters and ledgers record them.

use crate::callsite::CallStack;
use crate::counters::Counters;
use crate::profile::{NoRoom, SiteLedger};
use crate::units::Bytes;

/// A change of the heap, or a request that failed.
#[derive(Clone, Copy)]
pub(super) enum Event {
    Failed,
    Taken { start: usize, size: usize },
    Freed { start: usize, size: usize },
    Resized { from: usize, old: usize, to: usize, new: usize },
}

impl Event {
    /// The result of a request to resize.
    #[inline]
    pub(super) fn resized(from: usize, (old, new): (usize, usize), moved: *mut u8) -> Self {
        if moved.is_null() {
            return Self::Failed;
        }
        Self::Resized { from, old, to: moved.addr(), new }
    }

    /// The live bytes now, less those before.
    #[inline]
    pub(super) fn change(self) -> i64 {
        match self {
            Self::Failed => 0,
            Self::Taken { size, .. } => change_of(size),
            Self::Freed { size, .. } => -change_of(size),
            Self::Resized { old, new, .. } => change_of(new) - change_of(old),
        }
    }

    #[inline]
    pub(super) fn count(self, counters: &Counters) {
        match self {
            Self::Failed => counters.failed(),
            Self::Taken { size, .. } => counters.allocated(size),
            Self::Freed { size, .. } => counters.freed(size),
            Self::Resized { old, new, .. } => counters.resized(old, new),
        }
    }

    /// Enters the event, whose caller is `stack`, in the ledger. Blocks that it does not know, or
    /// has no room for, are attributed to no stack.
    pub(super) fn enter(self, sites: &mut SiteLedger, stack: Option<&CallStack>) {
        let entry = stack.map_or(Err(NoRoom), |stack| sites.entry(None, stack));
        match (self, entry) {
            (Self::Failed, _) => {}
            (Self::Taken { start, size }, Ok(entry)) => sites.insert(start, size, entry, 0),
            (Self::Taken { size, .. }, Err(NoRoom)) => sites.unattributed(change_of(size)),
            (Self::Freed { start, size }, _) => free(sites, start, size),
            (Self::Resized { from, old, to, new }, Ok(entry)) => match sites.detach(from, old) {
                Some(block) => sites.replace(block, (to, new), (entry, 0)),
                None => {
                    sites.unattributed(-change_of(old));
                    sites.insert(to, new, entry, 0);
                }
            },
            (Self::Resized { from, old, new, .. }, Err(NoRoom)) => {
                free(sites, from, old);
                sites.unattributed(change_of(new));
            }
        }
    }
}

fn free(sites: &mut SiteLedger, start: usize, size: usize) {
    if !sites.remove(start, size) {
        sites.unattributed(-change_of(size));
    }
}

/// The size of a block as a change.
#[inline]
fn change_of(size: usize) -> i64 {
    Bytes::from(size).signed()
}
