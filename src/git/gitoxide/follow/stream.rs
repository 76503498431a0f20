//! Chunks of a pack, decoded ahead by worker threads within a window.
//!
//! Whoever needs the next chunk decodes as well while it is not ready, so that without workers this
//! is the plain loop. A window bounds the memory: chunks are used again.

use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::chunk::Chunk;
use super::decode::Decoder;
use super::pack::Pack;
use crate::memory::{Alloc, MemoryError};

/// Chunks that are decoded ahead of the one in use.
const WINDOW: usize = 8;

/// What the threads of a stream share.
pub(super) struct Stream<'s, 'a> {
    pack: &'s Pack,
    order: &'s [u32],
    alloc: Alloc<'a>,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    /// Chunk number N is in slot N modulo the window.
    slots: [Slot<'a>; WINDOW],
    /// The chunk that nobody has claimed.
    next: u64,
    /// Where it starts in the order.
    start: usize,
    /// The chunk that is in use, or the next to be.
    current: u64,
    is_over: bool,
}

enum Slot<'a> {
    Free(Option<Chunk<'a>>),
    Claimed,
    Ready(Result<Chunk<'a>, MemoryError>),
}

/// A chunk that one thread decodes.
struct Job<'a> {
    slot: usize,
    positions: Range<usize>,
    chunk: Chunk<'a>,
}

impl<'s, 'a> Stream<'s, 'a> {
    /// A stream of the objects from position `start` of `order` on.
    pub(super) fn new(pack: &'s Pack, order: &'s [u32], start: usize, alloc: Alloc<'a>) -> Self {
        let slots = [const { Slot::Free(None) }; WINDOW];
        let state = State { slots, next: 0, start, current: 0, is_over: false };
        Self { pack, order, alloc, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Decodes chunks until the stream is ended; the work of a worker thread.
    pub(super) fn work(&self) {
        let _entered = self.alloc.enter();
        let mut decoder = Decoder::default();
        let mut state = self.lock();
        while !state.is_over {
            state = match self.claim(&mut state) {
                Some(job) => {
                    drop(state);
                    self.decode(job, &mut decoder)
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The next chunk, decoded here if nobody does; `None` after the last one.
    pub(super) fn next(&self, decoder: &mut Decoder) -> Option<Result<Chunk<'a>, MemoryError>> {
        let mut state = self.lock();
        loop {
            let current = state.current;
            let slot = &mut state.slots[slot_of(current)];
            if matches!(slot, Slot::Ready(_))
                && let Slot::Ready(chunk) = std::mem::replace(slot, Slot::Claimed)
            {
                return Some(chunk);
            }
            let is_last = current == state.next && state.start == self.order.len();
            if is_last || state.is_over {
                return None;
            }
            state = match self.claim(&mut state) {
                Some(job) => {
                    drop(state);
                    self.decode(job, decoder)
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Gives the chunk back that [`Stream::next`] returned last.
    pub(super) fn done(&self, chunk: Chunk<'a>) {
        let mut state = self.lock();
        let slot = slot_of(state.current);
        state.slots[slot] = Slot::Free(Some(chunk));
        state.current += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the work of every thread.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Takes the next chunk of the window that nobody decodes.
    fn claim(&self, state: &mut State<'a>) -> Option<Job<'a>> {
        let is_in_window = state.next < state.current + WINDOW as u64;
        if !is_in_window || state.start == self.order.len() {
            return None;
        }
        let slot = slot_of(state.next);
        let Slot::Free(chunk) = std::mem::replace(&mut state.slots[slot], Slot::Claimed) else {
            return None;
        };
        let positions = Chunk::positions(self.pack, self.order, state.start);
        state.start = positions.end;
        state.next += 1;
        let chunk = chunk.unwrap_or_else(|| Chunk::new(self.alloc));
        Some(Job { slot, positions, chunk })
    }

    fn decode(&self, job: Job<'a>, decoder: &mut Decoder) -> MutexGuard<'_, State<'a>> {
        let Job { slot, positions, mut chunk } = job;
        let filled = chunk.fill(self.pack, &self.order[positions], decoder);
        let mut state = self.lock();
        state.slots[slot] = Slot::Ready(filled.map(|()| chunk));
        self.changed.notify_all();
        state
    }

    /// Nothing is half done when a thread panics: a slot stays claimed, and the scope passes the
    /// panic on.
    fn lock(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slot_of(chunk: u64) -> usize {
    usize::try_from(chunk % WINDOW as u64).expect("it fits because the window is small")
}

/// Ends a stream when dropped, so that its workers end whatever happens to their customer.
pub(super) struct Ending<'r, 's, 'a>(pub(super) &'r Stream<'s, 'a>);

impl Drop for Ending<'_, '_, '_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
