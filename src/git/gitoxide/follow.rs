//! Following first parents, fast where a journal's commits lie in a row.
//!
//! git packs commits newest first, so the parent of a journal's commit is mostly its neighbour.
//! After a run of neighbours the pack is read as a stream, which threads decode ahead in the order
//! of the pack; the walk takes from it what it is looking for. Elsewhere commits are read one by
//! one. Whatever is odd, damaged or not in a pack that is known is left to [`Objects`], so the
//! outcome is that of reading every commit there.

mod chunk;
mod decode;
mod loose;
mod order;
mod pack;
mod stream;

use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::OnceLock;

use self::decode::{Decoded, Decoder};
use self::loose::Loose;
use self::pack::Pack;
use self::stream::{Decoding, positions};
use super::objects::{OBJECT_BYTES_MAX, Objects};
use crate::git::{Commit, Error, ObjectKind};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use crate::pipeline::{Pipeline, pipeline};

/// Neighbours after which a stream begins.
const RUN_MIN: u32 = 64;
/// Bytes of a pack that may lie between neighbours: other commits, in most packs.
const GAP_BYTES_MAX: u64 = 16 << 10;
/// Objects that a stream passes before it is left. Where journals and code interleave, some
/// hundreds lie between two commits of a journal.
const MISSES_MAX: u32 = 1024;
/// Bytes of a pack that a stream has passed before their pages are given back.
const RELEASE_BYTES_MIN: u64 = 2 << 20;
/// A stream that served fewer commits was not worth its threads: the next one begins later.
const SERVED_MIN: u32 = 1024;

/// The packs of a repository, opened when a journal is first followed.
#[derive(Default)]
pub(super) struct Packs(OnceLock<std::vec::Vec<Pack>>);

impl std::fmt::Debug for Packs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packs").finish_non_exhaustive()
    }
}

impl Packs {
    fn get<'p>(&'p self, folders: impl Iterator<Item = &'p Path>) -> &'p [Pack] {
        let open = |folder| Pack::open_all(folder, OBJECT_BYTES_MAX);
        self.0.get_or_init(|| folders.flat_map(open).collect())
    }
}

type Visit<'v> = dyn FnMut(&Commit<'_>) -> ControlFlow<()> + 'v;

/// Visits `tip` and its first parents, as `Repository::follow` says, with so many threads that
/// decode ahead.
pub(super) fn follow(
    objects: &Objects,
    (packs, workers): (&Packs, usize),
    alloc: Alloc<'_>,
    tip: Oid,
    visit: &mut Visit<'_>,
) -> Result<(), Error> {
    let packs = packs.get(objects.folders());
    let mut walk = Walk {
        objects,
        packs,
        alloc,
        workers,
        decoder: Decoder::default(),
        loose: Loose::open(objects.folders().next(), alloc),
        bytes: Vec::new(alloc),
        newest: packs.len(),
        run: Run { pack: packs.len(), end: 0, len: 0 },
        run_min: RUN_MIN,
    };
    let mut next = Some(tip);
    while let Some(id) = next {
        next = walk.one(id, visit)?;
        while let Some(id) = next
            && walk.run.len >= walk.run_min
        {
            walk.run.len = 0;
            next = walk.stream(id, visit)?;
        }
    }
    Ok(())
}

struct Walk<'w, 'a> {
    objects: &'w Objects,
    packs: &'w [Pack],
    alloc: Alloc<'a>,
    workers: usize,
    decoder: Decoder,
    loose: Loose<'a>,
    bytes: Vec<'a, u8>,
    /// The pack that the last commit was in.
    newest: usize,
    run: Run,
    run_min: u32,
}

/// Commits that were neighbours in a pack.
struct Run {
    pack: usize,
    /// Where the last of them ends.
    end: u64,
    len: u32,
}

impl Run {
    fn note(&mut self, pack: usize, start: u64, end: u64) {
        let gap = start.checked_sub(self.end);
        let is_near = self.pack == pack && gap.is_some_and(|gap| gap <= GAP_BYTES_MAX);
        let len = if is_near { self.len + 1 } else { 0 };
        *self = Self { pack, end, len };
    }
}

impl Walk<'_, '_> {
    /// Visits the commit `id`; returns its first parent when the walk goes on.
    fn one(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let found = self.find(id);
        if let Some((pack, start)) = found {
            self.newest = pack;
            self.bytes.clear();
            let Self { packs, decoder, bytes, .. } = self;
            let decoded = decoder.commit(&packs[pack], start, OBJECT_BYTES_MAX, bytes)?;
            if let Decoded::Commit { end } = decoded {
                self.run.note(pack, start, end);
                return take(id, bytes, visit);
            }
        }
        self.run.len = 0;
        let inflate = &mut self.decoder.inflate;
        if found.is_none() && self.loose.commit(id, inflate, &mut self.bytes)? {
            return take(id, &self.bytes, visit);
        }
        self.objects.read(id, ObjectKind::Commit, &mut self.bytes)?;
        take(id, &self.bytes, visit)
    }

    /// The pack with the object `id` and its offset there. The pack of the last one comes first.
    fn find(&self, id: Oid) -> Option<(usize, u64)> {
        let others = (0..self.packs.len()).rev().filter(|pack| *pack != self.newest);
        let first = Some(self.newest).filter(|pack| *pack < self.packs.len());
        let mut packs = first.into_iter().chain(others);
        packs.find_map(|pack| self.packs[pack].find(id).map(|offset| (pack, offset)))
    }

    /// Visits commits from `id` on out of a stream of the newest pack; returns the first one that
    /// is not to be found there.
    fn stream(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let pack = &self.packs[self.newest];
        let Some(offset) = pack.find(id) else { return Ok(Some(id)) };
        let Some(order) = order::by_offset(pack, self.alloc)? else {
            self.run_min = u32::MAX;
            return Ok(Some(id));
        };
        let before = |index: &u32| pack.index.pack_offset_at_index(*index) < offset;
        let decoding = Decoding { pack, order: &order, alloc: self.alloc };
        let jobs = positions(pack, &order, order.partition_point(before));
        let (mut served, decoder) = (0, &mut self.decoder);
        let next = pipeline(&decoding, jobs, self.alloc, self.workers, |stream| {
            consume((pack, stream), decoder, id, visit, &mut served)
        });
        pack.release_all();
        if served < SERVED_MIN {
            self.run_min = self.run_min.saturating_mul(2);
        }
        next
    }
}

/// Visits commits from `id` on while the stream has them; returns the first that it does not.
fn consume<'a, J: Iterator<Item = Range<usize>> + Send>(
    (pack, stream): (&Pack, &Pipeline<'_, Decoding<'_, 'a>, J>),
    decoder: &mut Decoder,
    id: Oid,
    visit: &mut Visit<'_>,
    served: &mut u32,
) -> Result<Option<Oid>, Error> {
    let (mut wanted, mut misses, mut released) = (id, 0, 0);
    while let Some(chunk) = stream.next(decoder) {
        let chunk = chunk?;
        if chunk.offset() > released + RELEASE_BYTES_MIN {
            pack.release(released..chunk.offset());
            released = chunk.offset();
        }
        for (id, bytes) in chunk.iter() {
            if id != wanted {
                misses += 1;
                continue;
            }
            let Some(bytes) = bytes else { return Ok(Some(wanted)) };
            match take(id, bytes, visit)? {
                Some(parent) => wanted = parent,
                None => return Ok(None),
            }
            misses = 0;
            *served = served.saturating_add(1);
        }
        stream.done(chunk);
        if misses > MISSES_MAX {
            break;
        }
    }
    Ok(Some(wanted))
}

/// Visits a commit; returns its first parent when the walk goes on.
fn take(id: Oid, bytes: &[u8], visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
    let commit = Commit::parse_stored(id, bytes)?;
    if visit(&commit).is_break() { Ok(None) } else { Ok(commit.parents().next()) }
}
