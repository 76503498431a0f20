//! Following first parents, fast where a journal's commits lie in a row.
//!
//! git packs commits newest first, so the parent of a journal's commit is mostly its neighbour.
//! After a run of neighbours the pack is read as a stream, which threads decode ahead in the order
//! of the pack; the walk takes from it what it is looking for. Where commits of packs are no
//! neighbours, a thread reads them ahead one after the other. Elsewhere they are read one by one.
//! What one chain has taught serves the next: the order of a pack is found once for all chains of
//! a walk, and a way of reading that served few commits begins later next time.
//! Whatever is odd, damaged, large or not in a pack that is known is left to [`Objects`], so the
//! outcome is that of reading every commit there, but for one thing: a commit that is read alone is
//! hashed, and what threads decode ahead is not, which would take a sixth more time. An index that
//! gives a commit another one's name is believed there.

mod chunk;
mod decode;
mod loose;
mod order;
mod pack;
mod packs;
mod scattered;
mod stream;

use std::marker::PhantomData;

use self::chunk::Chunk;
use self::decode::{COMMIT_BYTES_MAX, Decoded, Decoder};
use self::loose::Loose;
use self::order::{ORDERED_MAX, Orders};
use self::pack::Pack;
pub(super) use self::packs::Packs;
use self::packs::{Finder, Run};
use self::scattered::{Handing, Scout};
use self::stream::positions;
use super::objects::Objects;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Error, ObjectKind, Visit, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::pipeline::{Pipeline, Work, pipeline};

/// Neighbours after which a stream begins.
const NEAR_MIN: u32 = 64;
/// Commits that were no neighbours, after which threads decode what one of them finds ahead.
const FAR_MIN: u32 = 64;
/// Objects that a stream passes before it is left. Where journals and code interleave, some
/// hundreds lie between two commits of a journal.
const MISSES_MAX: u32 = 1024;
/// Bytes of a pack that a stream has passed before their pages are given back.
const RELEASE_BYTES_MIN: u64 = 512 << 10;
/// A lane that served fewer commits was not worth its threads: the next one begins later.
const SERVED_MIN: u32 = 1024;

/// Bytes that stay for the next commit; a larger one gives its memory back.
const BYTES_KEPT: usize = 256 << 10;

/// Follows the chains of one walk, as `Repository::follow_many` says.
pub(super) struct Follower<'w, 'a> {
    objects: &'w Objects,
    alloc: Alloc<'a>,
    workers: usize,
    decoder: Decoder,
    loose: Loose<'a>,
    bytes: Vec<'a, u8>,
    finder: Finder<'w>,
    run: Run,
    /// What serves the later chains as well: the order of packs, and when a lane was worth it.
    orders: Orders<'a>,
    near_min: u32,
    far_min: u32,
    /// Whether a lane has read pages that are not given back.
    has_pages: bool,
}

impl<'w, 'a> Follower<'w, 'a> {
    /// One that has so many threads decode ahead.
    pub(super) fn new(
        objects: &'w Objects,
        (packs, workers): (&'w Packs, usize),
        alloc: Alloc<'a>,
    ) -> Self {
        Self {
            objects,
            alloc,
            workers,
            decoder: Decoder::default(),
            loose: Loose::open(objects.directories().next(), alloc),
            bytes: Vec::new(alloc),
            finder: Finder::new(packs.get(objects.directories())),
            run: Run::default(),
            orders: Orders::new(ORDERED_MAX, alloc),
            near_min: NEAR_MIN,
            far_min: FAR_MIN,
            has_pages: false,
        }
    }

    /// Visits `tip` and its first parents, as `Repository::follow` says.
    pub(super) fn follow(&mut self, tip: Oid, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.run = Run::default();
        let mut next = Some(tip);
        while let Some(id) = next {
            next = if self.run.near >= self.near_min {
                self.run = Run::default();
                self.stream(id, visit)?
            } else if self.run.far >= self.far_min {
                self.run = Run::default();
                self.scattered(id, visit)?
            } else {
                Some(id)
            };
            if let Some(id) = next {
                next = self.one(id, visit)?;
            }
        }
        Ok(())
    }

    /// Visits the commit `id`; returns its first parent when the walk goes on.
    fn one(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let found = self.finder.find(id);
        if let Some(place) = found {
            self.bytes.clear();
            let Self { finder, decoder, bytes, .. } = self;
            let pack = &finder.packs[place.pack];
            let decoded = decoder.commit(pack, place.offset, COMMIT_BYTES_MAX, bytes)?;
            if let Decoded::Commit { end } = decoded
                && is_named(id, bytes)
            {
                self.run.note(place, end);
                return take(id, bytes, visit);
            }
        }
        self.run = Run::default();
        let inflate = &mut self.decoder.inflate;
        let is_loose = found.is_none() && self.loose.commit(id, inflate, &mut self.bytes)?;
        if is_loose && is_named(id, &self.bytes) {
            return take(id, &self.bytes, visit);
        }
        self.objects.read(id, ObjectKind::Commit, &mut self.bytes)?;
        let next = take(id, &self.bytes, visit);
        if self.bytes.capacity() > BYTES_KEPT {
            self.bytes = Vec::new(self.alloc);
        }
        next
    }

    /// Visits commits from `id` on out of a stream of the newest pack; returns the first one that
    /// is not to be found there.
    fn stream(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let Some((number, pack)) = self.finder.newest() else { return Ok(Some(id)) };
        let Some(offset) = pack.find(id) else { return Ok(Some(id)) };
        let Some(order) = self.orders.of(number, pack)? else {
            self.near_min = u32::MAX;
            return Ok(Some(id));
        };
        let before = |index: &u32| pack.index.pack_offset_at_index(*index) < offset;
        let decoding = stream::Decoding { pack, order, alloc: self.alloc };
        let jobs = positions(pack, order, order.partition_point(before));
        let mut released = 0;
        let passed = |chunk: &Chunk<'_>| {
            if chunk.offset() > released + RELEASE_BYTES_MIN {
                pack.release(released..chunk.offset());
                released = chunk.offset();
            }
        };
        let (mut served, decoder) = (0, &mut self.decoder);
        let next = pipeline(&decoding, jobs, self.alloc, self.workers, |stream| {
            consume(stream, decoder, (id, MISSES_MAX), passed, visit, &mut served)
        });
        if !self.was_worth_it(served) {
            self.near_min = self.near_min.saturating_mul(2);
        }
        next
    }

    /// Visits commits from `id` on wherever they are in packs, until one is in none or they are
    /// neighbours again; returns the first that was not visited.
    fn scattered(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let jobs = Scout::new(self.finder, id, self.near_min, self.alloc);
        let (mut served, decoder) = (0, &mut self.decoder);
        let next = pipeline(&Handing(PhantomData), jobs, self.alloc, self.workers, |chunks| {
            consume(chunks, decoder, (id, 0), |_| (), visit, &mut served)
        });
        if !self.was_worth_it(served) {
            self.far_min = self.far_min.saturating_mul(2);
        }
        next
    }

    /// Whether the lane that has ended served enough; then the pages that it read are given back,
    /// which takes a while and makes the next one read them again.
    fn was_worth_it(&mut self, served: u32) -> bool {
        self.has_pages = served < SERVED_MIN;
        if !self.has_pages {
            self.finder.packs.iter().for_each(Pack::release_all);
        }
        !self.has_pages
    }
}

impl Drop for Follower<'_, '_> {
    fn drop(&mut self) {
        if self.has_pages {
            self.finder.packs.iter().for_each(Pack::release_all);
        }
    }
}

/// Visits commits from `id` on while the lane has them, with at most so many others in between;
/// returns the first that it does not have.
fn consume<'a, W, J>(
    lane: &Pipeline<'_, W, J>,
    decoder: &mut Decoder,
    (id, misses_max): (Oid, u32),
    mut passed: impl FnMut(&Chunk<'a>),
    visit: &mut Visit<'_>,
    served: &mut u32,
) -> Result<Option<Oid>, Error>
where
    W: Work<Output = Chunk<'a>, Error = MemoryError, Tools = Decoder>,
    J: Iterator<Item = W::Job> + Send,
{
    let (mut wanted, mut misses) = (id, 0);
    while let Some(chunk) = lane.next(decoder) {
        let chunk = chunk?;
        passed(&chunk);
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
        lane.done(chunk);
        if misses > misses_max {
            break;
        }
    }
    Ok(Some(wanted))
}

/// Whether the commit `bytes` is the one that `id` stands for.
fn is_named(id: Oid, bytes: &[u8]) -> bool {
    object_id(ObjectKind::Commit, bytes).is_ok_and(|name| name == id)
}

/// Visits a commit; returns its first parent when the walk goes on.
fn take(id: Oid, bytes: &[u8], visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
    let commit = Commit::parse_stored(id, bytes)?;
    if visit(&commit).is_break() { Ok(None) } else { Ok(commit.parents().next()) }
}

#[cfg(test)]
mod tests;
