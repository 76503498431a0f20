//! Following first parents, with read-ahead from packs.
//!
//! git packs commits newest first, so the parent of a journal commit is mostly its neighbour in the
//! pack. There are three ways of reading:
//!
//! - Streaming: after [`NEAR_MIN`] neighbours, threads decode the pack ahead in pack order, and the
//!   walk picks its commits out of that stream.
//! - Random-order prefetch: after [`FAR_MIN`] commits that are not neighbours, one thread follows
//!   the chain ahead of the walk.
//! - One at a time: everywhere else.
//!
//! State is kept from one chain of a walk to the next: the order of a pack is computed once, and a
//! read-ahead that served few commits starts later the next time.
//!
//! A commit that is damaged, large, unusual or not in an open pack is read by [`Objects`], so the
//! result is the same as that of reading every commit there, with one exception: commits that
//! threads decode ahead are not hashed, which would take a sixth more time. There an index that
//! maps an id to another commit is trusted.

mod bases;
mod chunk;
mod decode;
mod delta;
mod index;
mod inflate;
mod loose;
mod order;
mod pack;
mod packs;
mod prefetch;
mod small;
mod stream;

use std::marker::PhantomData;

pub(super) use self::bases::Bases;
use self::chunk::Chunk;
use self::decode::{COMMIT_BYTES_MAX, Decoded};
pub(super) use self::decode::{Decoder, Scratch};
pub use self::inflate::Inflater;
pub(super) use self::loose::{Loose, Problem};
use self::order::{ORDERED_MAX, Orders};
use self::pack::Pack;
use self::packs::{Finder, Locality};
pub(super) use self::packs::{PackFile, Packs};
use self::prefetch::{PassThrough, Prefetcher};
pub(super) use self::small::Small;
use self::stream::positions;
use super::objects::Objects;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Error, ObjectKind, Visit, object_id};
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::pipeline::{Pipeline, Work, pipeline};

/// Consecutive neighbours after which streaming starts.
const NEAR_MIN: u32 = 64;
/// Commits that were not neighbours after which random-order prefetch starts.
const FAR_MIN: u32 = 64;
/// Most consecutive objects of a stream that the walk does not need before the stream ends. Where
/// journals and code interleave, some hundreds lie between two commits of a journal.
const MISSES_MAX: u32 = 1024;
/// Bytes of a pack that a stream passes between two releases of mapped pages.
const RELEASE_BYTES_MIN: u64 = 512 << 10;
/// Fewest commits that justify a read-ahead; after fewer, the next one starts later.
const SERVED_MIN: u32 = 1024;

/// Largest capacity in bytes that the commit buffer retains for the next commit.
const BYTES_RETAINED_MAX: usize = 256 << 10;

/// Follows the chains of one walk, as `Repository::follow_many` says.
pub(super) struct Follower<'w, 'a> {
    objects: &'w Objects,
    alloc: Alloc<'a>,
    workers: usize,
    decoder: Decoder,
    scratch: Scratch<'a>,
    bytes: Vec<'a, u8>,
    finder: Finder<'w>,
    locality: Locality,
    /// State for later chains too: the order of packs, and the thresholds of the read-aheads.
    orders: Orders<'a>,
    near_min: u32,
    far_min: u32,
    /// Whether a read-ahead has left mapped pages resident.
    has_pages: bool,
}

impl<'w, 'a> Follower<'w, 'a> {
    /// A follower that decodes ahead with `workers` threads.
    pub(super) fn new(objects: &'w Objects, workers: usize, alloc: Alloc<'a>) -> Self {
        Self {
            objects,
            alloc,
            workers,
            decoder: Decoder::default(),
            scratch: Scratch::new(alloc),
            bytes: Vec::new(alloc),
            finder: Finder::new(objects.packs()),
            locality: Locality::default(),
            orders: Orders::new(ORDERED_MAX, alloc),
            near_min: NEAR_MIN,
            far_min: FAR_MIN,
            has_pages: false,
        }
    }

    /// Visits `tip` and its first parents, as `Repository::follow` says.
    pub(super) fn follow(&mut self, tip: Oid, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.locality = Locality::default();
        let mut next = Some(tip);
        while let Some(id) = next {
            next = if self.objects.is_replaced(id) {
                Some(id)
            } else if self.locality.near >= self.near_min {
                self.locality = Locality::default();
                self.stream(id, visit)?
            } else if self.locality.far >= self.far_min {
                self.locality = Locality::default();
                self.prefetch(id, visit)?
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
        let is_replaced = self.objects.is_replaced(id);
        let found = if is_replaced { None } else { self.finder.find(id) };
        if let Some((pack, position)) = found {
            self.bytes.clear();
            let Self { decoder, scratch, bytes, .. } = self;
            let (offset, limit) = (position.offset, COMMIT_BYTES_MAX);
            let decoded = decoder.commit(pack, offset, limit, scratch, bytes)?;
            if let Decoded::Commit { end } = decoded
                && has_id(id, bytes)
            {
                self.locality.note(position, end);
                return take(id, bytes, visit);
            }
        }
        self.locality = Locality::default();
        let Self { objects, decoder, scratch, bytes, .. } = self;
        let is_loose = found.is_none()
            && !is_replaced
            && objects.loose().commit(id, &mut decoder.inflater, scratch, bytes)?;
        if is_loose && has_id(id, &self.bytes) {
            return take(id, &self.bytes, visit);
        }
        self.objects.read(id, ObjectKind::Commit, &mut self.bytes)?;
        let next = take(id, &self.bytes, visit);
        if self.bytes.capacity() > BYTES_RETAINED_MAX {
            self.bytes = Vec::new(self.alloc);
        }
        next
    }

    /// Visits commits from `id` on by streaming the pack of the last commit; returns the first
    /// commit that the stream did not contain.
    fn stream(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let Some((number, pack)) = self.finder.latest() else { return Ok(Some(id)) };
        let Some(offset) = pack.index.find(id) else { return Ok(Some(id)) };
        let Some(order) = self.orders.of(number, pack)? else {
            self.near_min = u32::MAX;
            return Ok(Some(id));
        };
        let before = |index: &u32| pack.index.offset(*index) < offset;
        let decoding = stream::Decoding { pack, order, alloc: self.alloc };
        let jobs = positions(pack, order, order.partition_point(before));
        let mut released = 0;
        let passed = |chunk: &Chunk<'_>| {
            if chunk.offset() > released + RELEASE_BYTES_MIN {
                pack.release(released..chunk.offset());
                released = chunk.offset();
            }
        };
        let (mut served, decoder, objects) = (0, &mut self.decoder, self.objects);
        let next = pipeline(&decoding, jobs, self.alloc, self.workers, |stream| {
            consume(stream, decoder, (id, MISSES_MAX), passed, (objects, visit), &mut served)
        });
        if !self.was_worth_it(served) {
            self.near_min = self.near_min.saturating_mul(2);
        }
        next
    }

    /// Visits commits from `id` on by random-order prefetch, until one is in no pack or they are
    /// neighbours again; returns the first that was not visited.
    fn prefetch(&mut self, id: Oid, visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
        let jobs = Prefetcher::new(self.finder, id, self.near_min, self.alloc);
        let (mut served, decoder, objects) = (0, &mut self.decoder, self.objects);
        let next = pipeline(&PassThrough(PhantomData), jobs, self.alloc, self.workers, |chunks| {
            consume(chunks, decoder, (id, 0), |_| (), (objects, visit), &mut served)
        });
        if !self.was_worth_it(served) {
            self.far_min = self.far_min.saturating_mul(2);
        }
        next
    }

    /// Whether the read-ahead that has ended served enough commits. If so, its mapped pages are
    /// released, which takes time and makes a later read-ahead load them again.
    fn was_worth_it(&mut self, served: u32) -> bool {
        self.has_pages = served < SERVED_MIN;
        if !self.has_pages {
            self.finder.opened().for_each(Pack::release_all);
        }
        !self.has_pages
    }
}

impl Drop for Follower<'_, '_> {
    fn drop(&mut self) {
        if self.has_pages {
            self.finder.opened().for_each(Pack::release_all);
        }
    }
}

/// Visits commits from `id` on that `chunks` contains in this order, with at most `misses_max`
/// other objects in between; returns the first commit that it does not contain.
fn consume<'a, W, J>(
    chunks: &Pipeline<'_, W, J>,
    decoder: &mut Decoder,
    (id, misses_max): (Oid, u32),
    mut passed: impl FnMut(&Chunk<'a>),
    (objects, visit): (&Objects, &mut Visit<'_>),
    served: &mut u32,
) -> Result<Option<Oid>, Error>
where
    W: Work<Output = Chunk<'a>, Error = MemoryError, Tools = Decoder>,
    J: Iterator<Item = W::Job> + Send,
{
    let (mut wanted, mut misses) = (id, 0);
    while let Some(chunk) = chunks.next(decoder) {
        let chunk = chunk?;
        passed(&chunk);
        for (id, bytes) in chunk.iter() {
            if id != wanted {
                misses += 1;
                continue;
            }
            let Some(bytes) = bytes else { return Ok(Some(wanted)) };
            match take(id, bytes, visit)? {
                Some(parent) if objects.is_replaced(parent) => return Ok(Some(parent)),
                Some(parent) => wanted = parent,
                None => return Ok(None),
            }
            misses = 0;
            *served = served.saturating_add(1);
        }
        chunks.done(chunk);
        if misses > misses_max {
            break;
        }
    }
    Ok(Some(wanted))
}

/// Whether `id` is the hash of the commit `bytes`.
fn has_id(id: Oid, bytes: &[u8]) -> bool {
    object_id(ObjectKind::Commit, bytes).is_ok_and(|name| name == id)
}

/// Visits a commit; returns its first parent when the walk goes on.
fn take(id: Oid, bytes: &[u8], visit: &mut Visit<'_>) -> Result<Option<Oid>, Error> {
    let commit = Commit::parse_stored(id, bytes)?;
    if visit(&commit).is_break() { Ok(None) } else { Ok(commit.parents().next()) }
}

#[cfg(test)]
mod tests;
