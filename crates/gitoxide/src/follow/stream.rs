//! Streaming a pack: chunks in pack order, decoded ahead of the walk.

use std::ops::Range;

use super::chunk::Chunk;
use super::decode::Decoder;
use super::pack::Pack;
use gitmind_memory::{Alloc, MemoryError};
use gitmind_ports::pipeline::Work;

/// The shared input of the threads that decode chunks.
pub(super) struct Decoding<'s, 'a> {
    pub(super) pack: &'s Pack,
    /// The index positions of the pack's objects, in pack order.
    pub(super) order: &'s [u32],
    pub(super) alloc: Alloc<'a>,
}

/// The ranges of `order` that the chunks from index `start` on cover.
pub(super) fn positions<'s>(
    pack: &'s Pack,
    order: &'s [u32],
    mut start: usize,
) -> impl Iterator<Item = Range<usize>> + Send + 's {
    std::iter::from_fn(move || {
        let positions = Chunk::positions(pack, order, start);
        start = positions.end;
        (!positions.is_empty()).then_some(positions)
    })
}

impl<'a> Work for Decoding<'_, 'a> {
    type Job = Range<usize>;
    type Output = Chunk<'a>;
    type Error = MemoryError;
    type Tools = Decoder;

    fn run(
        &self,
        job: Range<usize>,
        old: Option<Chunk<'a>>,
        decoder: &mut Decoder,
    ) -> Result<Chunk<'a>, MemoryError> {
        let mut chunk = old.unwrap_or_else(|| Chunk::new(self.alloc));
        let object = |number| (self.pack.index.id(number), self.pack.index.offset(number));
        let objects = self.order[job].iter().copied().map(object);
        chunk.fill(self.pack, objects, decoder)?;
        Ok(chunk)
    }
}
