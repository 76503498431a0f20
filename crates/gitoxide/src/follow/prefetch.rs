//! Commits that lie anywhere in packs: a thread reads them ahead while the walk takes what they
//! hold.

use std::marker::PhantomData;

use super::chunk::Chunk;
use super::decode::Decoder;
use super::packs::{Finder, Run};
use gitmind_git::Commit;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, MemoryError};
use gitmind_ports::pipeline::Work;

/// Commits that are handed over at once.
const COMMITS_MAX: usize = 32;

/// Reads the commits of a journal, each where the one before it says.
pub(super) struct Scout<'s, 'a> {
    finder: Finder<'s>,
    /// The commit that comes next; none when the others are left to whoever asked.
    next: Option<Oid>,
    decoder: Decoder,
    run: Run,
    /// Neighbours in a row after which another way of reading is better.
    near_max: u32,
    alloc: Alloc<'a>,
}

impl<'s, 'a> Scout<'s, 'a> {
    /// One that starts at the commit `next` and stops after `near_max` neighbours.
    pub(super) fn new(finder: Finder<'s>, next: Oid, near_max: u32, alloc: Alloc<'a>) -> Self {
        let (next, decoder, run) = (Some(next), Decoder::default(), Run::default());
        Self { finder, next, decoder, run, near_max, alloc }
    }

    /// Adds the next commit to `chunk`; `false` when it is in no pack, or damaged.
    fn step(&mut self, chunk: &mut Chunk<'a>) -> Result<bool, MemoryError> {
        let Some(id) = self.next.take() else { return Ok(false) };
        let Some(place) = self.finder.find(id) else { return Ok(false) };
        let pack = &self.finder.packs[place.pack];
        self.run.note(place, place.offset);
        chunk.add(id, pack, place.offset, &mut self.decoder)?;
        let parent = chunk.last().and_then(Commit::first_parent);
        self.next = parent.filter(|_| self.run.near < self.near_max);
        Ok(true)
    }
}

impl<'a> Iterator for Scout<'_, 'a> {
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

/// Hands over what the scout has read.
pub(super) struct Handing<'a>(pub(super) PhantomData<Chunk<'a>>);

impl<'a> Work for Handing<'a> {
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
