//! Arenas that add their bytes to the total of their operation when they are dropped.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::memory::{Arena, Op};
use crate::units::Bytes;

/// An arena that adds the bytes of its blocks to the total of its operation when it is dropped.
#[derive(Debug)]
pub struct OpArena<'a> {
    arena: Arena<'a>,
    grown: Option<&'a AtomicU64>,
}

/// Bytes that arenas allocated, by operation.
#[derive(Debug)]
pub(super) struct ArenaGrowth([AtomicU64; Op::COUNT_MAX]);

impl ArenaGrowth {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Op::COUNT_MAX])
    }

    /// `arena`, counted for `op`; an untagged arena is not counted.
    pub(super) fn of<'a>(&'a self, op: Option<Op>, arena: Arena<'a>) -> OpArena<'a> {
        OpArena { arena, grown: op.map(|op| &self.0[op.index()]) }
    }

    pub(super) fn read(&self, op: Op) -> Bytes {
        Bytes::new(self.0[op.index()].load(Relaxed))
    }
}

impl<'a> Deref for OpArena<'a> {
    type Target = Arena<'a>;

    fn deref(&self) -> &Arena<'a> {
        &self.arena
    }
}

impl<'a> DerefMut for OpArena<'a> {
    fn deref_mut(&mut self) -> &mut Arena<'a> {
        &mut self.arena
    }
}

impl Drop for OpArena<'_> {
    fn drop(&mut self) {
        if let Some(grown) = self.grown {
            grown.fetch_add(self.arena.stats().grow_bytes.get(), Relaxed);
        }
    }
}
