//! Writing the cache from spilled edges, one shard at a time.
//!
//! The first pass writes the forward files of all shards, the second their reverse files and trees,
//! the third the files of the path index. A reverse file equals a forward file exactly when all
//! edges of its object come from one source, which has no others. So the first pass stores a record
//! of each source with a single target in the partition of the target, and the second pass compares
//! the numbers of edges.
//!
//! A shard that does not fit in the arena is handled in ranges of keys, each of which does; the
//! edges of one object that do not fit are a range of their own, and never in memory at once.

use super::Spilled;
use super::hub;
use super::ids::EdgeIds;
use super::key_range::KeyRange;
use super::lists::{Lists, LoadError};
use super::partition::Shards;
use super::record::{FILE_BYTES, SINGLE_BYTES, file, number, oid, single};
use crate::commit_ids::CommitIds;
use crate::error::RebuildError;
use crate::meta::Meta;
use crate::numbered::NumberedCommits;
use crate::shard::Direction;
use crate::write::{CacheWriter, Target, Written};
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaColumn, Vec};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::progress::Step;

/// Progress steps: 256 shards in three passes.
const STEPS: u64 = 768;

/// What writing a cache from spilled edges needs.
pub(crate) struct SpilledPlan<'w, 'a> {
    pub(crate) target: Target<'a>,
    pub(crate) spilled: &'w Spilled<'a>,
    pub(crate) commits: &'w NumberedCommits<'a, CommitIds<'a>>,
}

/// What the passes share.
struct Passes<'p, 'w, 'a> {
    plan: &'p SpilledPlan<'w, 'a>,
    ids: EdgeIds<'p>,
    writer: CacheWriter<'a>,
    /// The forward file of each object.
    files: Shards<'a>,
    /// The forward file of each object with a single target.
    singles: Shards<'a>,
}

impl<'a> SpilledPlan<'_, 'a> {
    /// Writes the cache; `meta` has no number of paths yet. Resets the arena for each range.
    pub(crate) fn write(
        &self,
        arena: &mut Arena<'_>,
        meta: Meta,
        time: Timestamp,
    ) -> Result<Written<'a>, RebuildError> {
        let Self { target: Target { repository, alloc, progress, .. }, spilled, commits } = *self;
        let mut passes = Passes {
            plan: self,
            ids: EdgeIds::new(alloc, commits)?,
            writer: CacheWriter::start(repository, alloc, None)?,
            files: Shards::new(alloc, FILE_BYTES, &spilled.scratch)?,
            singles: Shards::new(alloc, SINGLE_BYTES, &spilled.scratch)?,
        };
        let mut step = 0;
        for pass in [Passes::forward, Passes::reverse, Passes::paths] {
            for shard in 0..=u8::MAX {
                progress.report(Step::Writing, step, Some(STEPS));
                step += 1;
                passes.in_ranges(arena, shard, pass)?;
            }
        }
        arena.reset();
        passes.writer.finish(repository, commits.records(), meta, time)
    }
}

/// One pass over a range of a shard, with all of it in the arena.
type Pass<'p, 'w, 'a> =
    fn(&mut Passes<'p, 'w, 'a>, &Arena<'_>, (u8, KeyRange)) -> Result<(), LoadError>;

impl<'p, 'w, 'a> Passes<'p, 'w, 'a> {
    /// Runs a pass over a shard, in as many ranges as it takes.
    fn in_ranges(
        &mut self,
        arena: &mut Arena<'_>,
        shard: u8,
        pass: Pass<'p, 'w, 'a>,
    ) -> Result<(), RebuildError> {
        let mut ranges = Vec::new(self.plan.target.alloc);
        ranges.try_push(KeyRange::of_shard(shard))?;
        while let Some(range) = ranges.pop() {
            arena.reset();
            match pass(self, arena, (shard, range)) {
                Ok(()) => {}
                Err(LoadError::TooLarge(least, most)) => {
                    arena.absorb_failures();
                    for part in range.split(least, most).into_iter().rev().flatten() {
                        ranges.try_push(part)?;
                    }
                }
                Err(LoadError::Rebuild(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes the forward files of a range.
    fn forward(
        &mut self,
        arena: &Arena<'_>,
        (shard, range): (u8, KeyRange),
    ) -> Result<(), LoadError> {
        let Self { plan: SpilledPlan { target, spilled, commits }, ids, .. } = self;
        let (places, partition) = ((arena, target.alloc), spilled.forward.get(shard));
        if let Some(source) = range.single() {
            let (mut first, mut is_single) = (None, true);
            let edges = (&*ids, commits.edges());
            let parts = (&spilled.scratch, partition);
            let encoded = hub::encode(places, parts, source, edges, |record| {
                let target = oid(record, Oid::LEN + 4);
                is_single &= *first.get_or_insert(target) == target;
            })?;
            let name = self.writer.encoded_file(&encoded).map_err(RebuildError::from)?;
            let target = first.filter(|_| is_single);
            return Ok(self.record(shard, (source, name), target, encoded.count())?);
        }
        // For each source its first target, and whether it is the only one.
        let mut targets: ArenaColumn<'_, (Oid, bool)> = ArenaColumn::new(arena);
        let visit = |source: u32, record: &[u8]| {
            let target = oid(record, Oid::LEN + 4);
            match targets.get_mut(source as usize) {
                Some((first, is_single)) => *is_single &= *first == target,
                None => targets.try_push((target, true))?,
            }
            Ok(())
        };
        let lists = Lists::load(places, &spilled.scratch, (partition, range), ids, visit)?;
        for (source, id, edges) in lists.iter() {
            let name = self.writer.file(edges).map_err(RebuildError::from)?;
            let (target, is_single) = targets[source as usize];
            self.record(shard, (id, name), is_single.then_some(target), edges.len())?;
        }
        Ok(())
    }

    /// Records the forward file of an object; `target` is the target of all its edges, if that is
    /// one object.
    fn record(
        &mut self,
        shard: u8,
        (source, name): (Oid, Oid),
        target: Option<Oid>,
        edges: usize,
    ) -> Result<(), RebuildError> {
        let scratch = &self.plan.spilled.scratch;
        self.files.try_push(scratch, shard, &file(source, name))?;
        if let Some(target) = target {
            let edges = u32::try_from(edges).map_err(|_| RebuildError::TooManyEdges)?;
            self.singles.try_push(scratch, target.shard(), &single(target, edges, name))?;
        }
        Ok(())
    }

    /// Writes the reverse files of a range, and its entries in the tree of the shard; after the
    /// last one the tree.
    fn reverse(
        &mut self,
        arena: &Arena<'_>,
        (shard, range): (u8, KeyRange),
    ) -> Result<(), LoadError> {
        let Self { plan: SpilledPlan { target, spilled, commits }, ids, writer, files, singles } =
            self;
        let (scratch, places) = (&spilled.scratch, (arena, target.alloc));
        let partition = spilled.reverse.get(shard);
        if let Some(target) = range.single() {
            let edges = (&*ids, commits.edges());
            let encoded = hub::encode(places, (scratch, partition), target, edges, |_| ())?;
            let mut shared = None;
            singles.get(shard).read(scratch, |record| {
                if oid(record, 0) == target && number(record) as usize == encoded.count() {
                    shared = Some(oid(record, Oid::LEN + 4));
                }
                Ok::<_, RebuildError>(())
            })?;
            files.get(shard).read(scratch, |record| {
                if oid(record, 0) == target {
                    writer.entry(target, Direction::Forward, oid(record, Oid::LEN))?;
                }
                Ok::<_, RebuildError>(())
            })?;
            let name = match shared {
                Some(name) => name,
                None => writer.encoded_file(&encoded).map_err(RebuildError::from)?,
            };
            writer.entry(target, Direction::Reverse, name).map_err(RebuildError::from)?;
        } else {
            let lists = Lists::load(places, scratch, (partition, range), ids, |_, _| Ok(()))?;
            let shared_and_forward = || {
                let shared = arena.try_alloc_slice_with(lists.objects().oids().len(), |_| None)?;
                singles.get(shard).read(scratch, |record| {
                    if let Some(target) = lists.objects().find(oid(record, 0))
                        && lists.of(target).len() == number(record) as usize
                    {
                        shared[target as usize] = Some(oid(record, Oid::LEN + 4));
                    }
                    Ok::<_, RebuildError>(())
                })?;
                let mut forward: ArenaColumn<'_, (Oid, Oid)> = ArenaColumn::new(arena);
                files.get(shard).read(scratch, |record| match oid(record, 0) {
                    source if range.contains(source) => {
                        Ok(forward.try_push((source, oid(record, Oid::LEN)))?)
                    }
                    _ => Ok::<_, RebuildError>(()),
                })?;
                Ok::<_, RebuildError>((shared, forward))
            };
            let (shared, forward) = shared_and_forward()
                .map_err(|error| LoadError::from(error).after(lists.objects()))?;
            let mut forward = forward.view().iter().copied().peekable();
            for (target, id, edges) in lists.iter() {
                while let Some((source, name)) = forward.next_if(|(source, _)| *source <= id) {
                    writer.entry(source, Direction::Forward, name).map_err(RebuildError::from)?;
                }
                let name = match shared[target as usize] {
                    Some(name) => name,
                    None => writer.file(edges).map_err(RebuildError::from)?,
                };
                writer.entry(id, Direction::Reverse, name).map_err(RebuildError::from)?;
            }
            for (source, name) in forward {
                writer.entry(source, Direction::Forward, name).map_err(RebuildError::from)?;
            }
        }
        if range.is_last_of_shard() {
            writer.end_shard(shard).map_err(RebuildError::from)?;
        }
        Ok(())
    }

    /// Adds the paths of a range to the file of the path index; after the last one writes the file.
    fn paths(
        &mut self,
        arena: &Arena<'_>,
        (shard, range): (u8, KeyRange),
    ) -> Result<(), LoadError> {
        let Self { plan: SpilledPlan { target, spilled, commits }, ids, writer, .. } = self;
        let (scratch, places) = (&spilled.scratch, (arena, target.alloc));
        let (sources, targets) = (spilled.path_forward.get(shard), spilled.path_reverse.get(shard));
        if let Some(key) = range.single() {
            writer.paths.try_push_with(key, |direction, out| {
                let partition = match direction {
                    Direction::Forward => sources,
                    Direction::Reverse => targets,
                };
                let edges = (&*ids, commits.edges());
                let encoded = hub::encode(places, (scratch, partition), key, edges, |_| ())?;
                if encoded.count() > 0 {
                    encoded.encode(out)?;
                }
                Ok::<_, RebuildError>(())
            })?;
        } else {
            let load =
                |partition| Lists::load(places, scratch, (partition, range), ids, |_, _| Ok(()));
            let forward = load(sources)?;
            let reverse = match load(targets) {
                // Both must fit, so the range is split even if the second has no keys yet.
                Err(error) => return Err(error.after(forward.objects())),
                Ok(reverse) => reverse,
            };
            let (mut forward, mut reverse) = (forward.iter().peekable(), reverse.iter().peekable());
            loop {
                let key = match (forward.peek(), reverse.peek()) {
                    (Some((_, a, _)), Some((_, b, _))) => *a.min(b),
                    (Some((_, key, _)), None) | (None, Some((_, key, _))) => *key,
                    (None, None) => break,
                };
                let [starts, ends] = [&mut forward, &mut reverse].map(|lists| {
                    lists.next_if(|(_, other, _)| *other == key).map_or(&[][..], |(_, _, ids)| ids)
                });
                writer.paths.try_push(key, starts, ends).map_err(RebuildError::from)?;
            }
        }
        if range.is_last_of_shard() {
            writer.end_path_file(shard)?;
        }
        Ok(())
    }
}
