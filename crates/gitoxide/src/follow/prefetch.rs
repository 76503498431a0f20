//! Random-order prefetch: one thread follows a chain through packs and decodes its commits ahead of
//! the walk, in whatever order they are packed.

use std::marker::PhantomData;

use super::chunk::Chunk;
use super::decode::Decoder;
use super::packs::{Finder, Locality};
use gitmind_git::Commit;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError};
use gitmind_ports::pipeline::Work;

/// Most commits of a chunk.
const COMMITS_MAX: usize = 32;

/// Iterates over chunks of a chain: each commit is found by the first parent of the one before.
pub(super) struct Prefetcher<'s, 'a> {
    finder: Finder<'s>,
    /// The next commit; `None` when the prefetch has ended and the caller reads the rest.
    next: Option<Oid>,
    decoder: Decoder,
    locality: Locality,
    /// Consecutive neighbours after which the prefetch ends, because streaming is faster.
    near_max: u32,
    alloc: Alloc<'a>,
}

impl<'s, 'a> Prefetcher<'s, 'a> {
    /// A prefetch that starts at the commit `next` and ends after `near_max` neighbours.
    pub(super) fn new(finder: Finder<'s>, next: Oid, near_max: u32, alloc: Alloc<'a>) -> Self {
        let (next, decoder, locality) = (Some(next), Decoder::default(), Locality::default());
        Self { finder, next, decoder, locality, near_max, alloc }
    }

    /// Adds the next commit to `chunk`; `false` when there is none or it is in no pack.
    fn step(&mut self, chunk: &mut Chunk<'a>) -> Result<bool, MemoryError> {
        let Some(id) = self.next.take() else { return Ok(false) };
        let Some((pack, position)) = self.finder.find(id) else { return Ok(false) };
        self.locality.note(position, position.offset);
        chunk.add(id, pack, position.offset, &mut self.decoder)?;
        let parent = chunk.last().and_then(Commit::first_parent);
        self.next = parent.filter(|_| self.locality.near < self.near_max);
        Ok(true)
    }
}

impl<'a> Iterator for Prefetcher<'_, 'a> {
    type Item = Result<Chunk<'a>, MemoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut chunk = Chunk::new(self.alloc);
        for _ in 0..COMMITS_MAX {
            match self.step(&mut chunk) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Some(Err(error)),
            }
        }
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

/// The work of the pipeline for a prefetch: it returns the job, which is already a chunk.
pub(super) struct PassThrough<'a>(pub(super) PhantomData<Chunk<'a>>);

impl<'a> Work for PassThrough<'a> {
    type Job = Result<Chunk<'a>, MemoryError>;
    type Output = Chunk<'a>;
    type Error = MemoryError;
    type Tools = Decoder;

    fn run(
        &self,
        job: Self::Job,
        _: Option<Chunk<'a>>,
        _: &mut Decoder,
    ) -> Result<Chunk<'a>, MemoryError> {
        job
    }
}
