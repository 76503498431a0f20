//! The edges of one object that do not fit in the arena: as a bitmap, a window of ids at a time.

use super::ids::EdgeIds;
use super::partition::Partition;
use super::record::number;
use super::scratch::Scratch;
use crate::bitmap::{CONTAINER_WORDS, IdsEncoder};
use crate::error::RebuildError;
use crate::postings::zeroed;
use gitmind_memory::{Alloc, Arena};

/// A window may use 1/4 of the arena's cap.
const CAP_SHARE: u64 = 4;
/// Ids of a word of a window.
const WORD_IDS: u32 = u32::BITS;

/// The ids of the edges in `partition`, which are of one object, encoded. Reads the partition once
/// for each window of ids, and calls `visit` with each of the records once.
pub(super) fn encode<'a>(
    (arena, alloc): (&Arena<'_>, Alloc<'a>),
    (scratch, partition): (&Scratch<'_>, &Partition<'_>),
    (ids, edges): (&EdgeIds<'_>, u32),
    mut visit: impl FnMut(&[u8]),
) -> Result<IdsEncoder<'a>, RebuildError> {
    let mut encoder = IdsEncoder::new(alloc);
    let words = usize::try_from(arena.cap_bytes().get() / CAP_SHARE / 4).unwrap_or(usize::MAX);
    let words = words.min(edges.div_ceil(WORD_IDS) as usize);
    let window = zeroed(arena, words.next_multiple_of(CONTAINER_WORDS))?;
    let mut first = 0_u32;
    while first < edges {
        window.fill(0);
        let mut cursor = ids.cursor();
        partition.read(scratch, |record| {
            let id = cursor.id(number(record));
            let place = id.checked_sub(first).map(|id| (id / WORD_IDS) as usize);
            if let Some(word) = place.and_then(|place| window.get_mut(place)) {
                *word |= 1 << (id % WORD_IDS);
            }
            if first == 0 {
                visit(record);
            }
            Ok::<_, RebuildError>(())
        })?;
        for container in window.chunks_exact(CONTAINER_WORDS) {
            encoder.try_push(first >> 16, container)?;
            match first.checked_add(1 << 16) {
                Some(next) => first = next,
                None => return Ok(encoder),
            }
        }
    }
    Ok(encoder)
}
