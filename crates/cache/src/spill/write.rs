//! Writing the cache from spilled edges, one shard at a time.
//!
//! The first pass writes the forward files of all shards, the second their reverse files and trees,
//! the third the files of the path index. A reverse file equals a forward file exactly when all
//! edges of its object come from one source, which has no others. So the first pass stores a record
//! of each source with a single target in the partition of the target, and the second pass compares
//! the numbers of edges.
//!
//! A shard that does not fit in the arena is split by a later byte of its keys, until each part
//! does. The edges of one object that do not fit are never in memory at once.

use super::Spilled;
use super::hub;
use super::ids::EdgeIds;
use super::lists::Lists;
use super::partition::{Partition, Shards};
use super::record::{FILE_BYTES, SINGLE_BYTES, file, number, oid, single};
use crate::commit_ids::CommitIds;
use crate::error::RebuildError;
use crate::marks::Marks;
use crate::meta::Meta;
use crate::numbered::NumberedCommits;
use crate::shard::Direction;
use crate::write::{CacheWriter, Target, Written};
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaColumn};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::progress::Step;

/// Progress steps: 256 shards in three passes.
const STEPS: u64 = 768;

/// What writing a cache from spilled edges needs.
pub(crate) struct SpilledPlan<'w, 'a> {
    pub(crate) target: Target<'a>,
    pub(crate) spilled: &'w Spilled<'a>,
    pub(crate) commits: &'w NumberedCommits<'a, CommitIds<'a>>,
    pub(crate) marks: &'w Marks<'a>,
}

/// What the passes share.
struct Passes<'p, 'a> {
    plan: &'p SpilledPlan<'p, 'a>,
    ids: EdgeIds<'p>,
    writer: CacheWriter<'a>,
}

impl<'a> SpilledPlan<'_, 'a> {
    /// Writes the cache; `meta` has no number of paths yet. Resets the arena for each part.
    pub(crate) fn write(
        &self,
        arena: &mut Arena<'_>,
        meta: Meta,
        time: Timestamp,
    ) -> Result<Written<'a>, RebuildError> {
        let Self { target: Target { repository, alloc, progress, .. }, spilled, commits, marks } =
            *self;
        let mut passes = Passes {
            plan: self,
            ids: EdgeIds::new(alloc, commits)?,
            writer: CacheWriter::start(repository, alloc, None)?,
        };
        let mut files = Shards::new(alloc, FILE_BYTES, &spilled.scratch)?;
        let mut singles = Shards::new(alloc, SINGLE_BYTES, &spilled.scratch)?;
        let none = &Partition::empty(alloc);
        let mut report = {
            let mut step = 0;
            move || {
                progress.report(Step::Writing, step, Some(STEPS));
                step += 1;
            }
        };
        for shard in 0..=u8::MAX {
            report();
            let outputs = &mut (&mut files, &mut singles);
            let inputs = [spilled.forward.get(shard), none, none];
            passes.in_parts(arena, inputs, &mut |passes, arena, part| {
                passes.forward(arena, part, shard, outputs)
            })?;
        }
        for shard in 0..=u8::MAX {
            report();
            let inputs = [spilled.reverse.get(shard), files.get(shard), singles.get(shard)];
            passes.in_parts(arena, inputs, &mut Passes::reverse)?;
            passes.writer.end_shard(shard)?;
        }
        for shard in 0..=u8::MAX {
            report();
            let inputs = [spilled.path_forward.get(shard), spilled.path_reverse.get(shard), none];
            passes.in_parts(arena, inputs, &mut Passes::paths)?;
            passes.writer.end_path_file(shard)?;
        }
        arena.reset();
        passes.writer.finish(repository, (commits.records(), marks), meta, time)
    }
}

/// What a pass reads.
#[derive(Clone, Copy)]
struct Part<'i, 'a> {
    inputs: [&'i Partition<'a>; 3],
    /// The only key of the records, when they do not fit in the arena.
    hub: Option<Oid>,
}

impl<'p, 'a> Passes<'p, 'a> {
    /// Runs a pass over the records of `inputs`, in as many parts as it takes, with ascending keys.
    fn in_parts(
        &mut self,
        arena: &mut Arena<'_>,
        inputs: [&Partition<'a>; 3],
        pass: &mut dyn FnMut(&mut Self, &Arena<'_>, Part<'_, 'a>) -> Result<(), RebuildError>,
    ) -> Result<(), RebuildError> {
        if inputs.iter().all(|input| input.is_empty()) {
            return Ok(());
        }
        arena.reset();
        match pass(self, arena, Part { inputs, hub: None }) {
            Err(error) if error.is_over_cap() => {}
            outcome => return outcome,
        }
        arena.absorb_failures();
        arena.reset();
        let Target { alloc, .. } = self.plan.target;
        let scratch = &self.plan.spilled.scratch;
        let mut bounds: Option<(Oid, Oid)> = None;
        for input in inputs {
            if let Some((least, most)) = input.bounds(scratch)? {
                let (low, high) = bounds.unwrap_or((least, most));
                bounds = Some((low.min(least), high.max(most)));
            }
        }
        let (least, most) = bounds.expect("this holds because one of them is not empty");
        let differs = least.as_bytes().iter().zip(most.as_bytes()).position(|(a, b)| a != b);
        let Some(at) = differs else {
            return pass(self, arena, Part { inputs, hub: Some(least) });
        };
        let [a, b, c] = inputs.map(|input| input.split(alloc, scratch, at));
        let parts = [a?, b?, c?];
        for byte in 0..=u8::MAX {
            self.in_parts(arena, parts.each_ref().map(|part| part.get(byte)), pass)?;
        }
        Ok(())
    }

    /// Writes the forward files of a part.
    fn forward(
        &mut self,
        arena: &Arena<'_>,
        Part { inputs: [edges, ..], hub }: Part<'_, 'a>,
        shard: u8,
        (files, singles): &mut (&mut Shards<'a>, &mut Shards<'a>),
    ) -> Result<(), RebuildError> {
        let Self { plan: SpilledPlan { target, spilled, commits, .. }, ids, writer } = self;
        let (scratch, places) = (&spilled.scratch, (arena, target.alloc));
        // `target` is that of all edges of the object, if it is one.
        let mut record = |source, name, target: Option<Oid>, count| {
            files.try_push(scratch, shard, &file(source, name))?;
            if let Some(target) = target {
                let count = u32::try_from(count).map_err(|_| RebuildError::TooManyEdges)?;
                singles.try_push(scratch, target.shard(), &single(target, count, name))?;
            }
            Ok::<_, RebuildError>(())
        };
        if let Some(source) = hub {
            let (mut first, mut is_single) = (None, true);
            let encoded =
                hub::encode(places, (scratch, edges), (ids, commits.edges()), |record| {
                    let target = oid(record, Oid::LEN + 4);
                    is_single &= *first.get_or_insert(target) == target;
                })?;
            let name = writer.encoded_file(&encoded)?;
            return record(source, name, first.filter(|_| is_single), encoded.count());
        }
        // For each source its first target, and whether it is the only one.
        let mut targets: ArenaColumn<'_, (Oid, bool)> = ArenaColumn::new(arena);
        let lists = Lists::load(places, scratch, edges, ids, |source, record| {
            let target = oid(record, Oid::LEN + 4);
            match targets.get_mut(source as usize) {
                Some((first, is_single)) => *is_single &= *first == target,
                None => targets.try_push((target, true))?,
            }
            Ok(())
        })?;
        for (source, id, edges) in lists.iter() {
            let name = writer.file(edges)?;
            let (target, is_single) = targets[source as usize];
            record(id, name, is_single.then_some(target), edges.len())?;
        }
        Ok(())
    }

    /// Writes the reverse files of a part, and its entries in the tree of the shard.
    fn reverse(
        &mut self,
        arena: &Arena<'_>,
        Part { inputs: [edges, files, singles], hub }: Part<'_, 'a>,
    ) -> Result<(), RebuildError> {
        let Self { plan: SpilledPlan { target, spilled, commits, .. }, ids, writer } = self;
        let (scratch, places) = (&spilled.scratch, (arena, target.alloc));
        if let Some(target) = hub {
            let encoded = hub::encode(places, (scratch, edges), (ids, commits.edges()), |_| ())?;
            files.read(scratch, |record| {
                Ok::<_, RebuildError>(writer.entry(
                    target,
                    Direction::Forward,
                    oid(record, Oid::LEN),
                )?)
            })?;
            let mut shared = None;
            singles.read(scratch, |record| {
                if number(record) as usize == encoded.count() {
                    shared = Some(oid(record, Oid::LEN + 4));
                }
                Ok::<_, RebuildError>(())
            })?;
            if encoded.count() > 0 {
                let name = shared.map_or_else(|| writer.encoded_file(&encoded), Ok)?;
                writer.entry(target, Direction::Reverse, name)?;
            }
            return Ok(());
        }
        let lists = Lists::load(places, scratch, edges, ids, |_, _| Ok(()))?;
        let shared = arena.try_alloc_slice_with(lists.objects().keys().len(), |_| None)?;
        singles.read(scratch, |record| {
            if let Some(target) = lists.objects().find(oid(record, 0))
                && lists.of(target).len() == number(record) as usize
            {
                shared[target as usize] = Some(oid(record, Oid::LEN + 4));
            }
            Ok::<_, RebuildError>(())
        })?;
        let mut forward: ArenaColumn<'_, (Oid, Oid)> = ArenaColumn::new(arena);
        files.read(scratch, |record| {
            Ok::<_, RebuildError>(forward.try_push((oid(record, 0), oid(record, Oid::LEN)))?)
        })?;
        let mut forward = forward.view().iter().copied().peekable();
        for (target, id, edges) in lists.iter() {
            while let Some((source, name)) = forward.next_if(|(source, _)| *source <= id) {
                writer.entry(source, Direction::Forward, name)?;
            }
            let name = match shared[target as usize] {
                Some(name) => name,
                None => writer.file(edges)?,
            };
            writer.entry(id, Direction::Reverse, name)?;
        }
        for (source, name) in forward {
            writer.entry(source, Direction::Forward, name)?;
        }
        Ok(())
    }

    /// Adds the paths of a part to the file of the path index.
    fn paths(
        &mut self,
        arena: &Arena<'_>,
        Part { inputs: [sources, targets, _], hub }: Part<'_, 'a>,
    ) -> Result<(), RebuildError> {
        let Self { plan: SpilledPlan { target, spilled, commits, .. }, ids, writer } = self;
        let (scratch, places) = (&spilled.scratch, (arena, target.alloc));
        if let Some(key) = hub {
            return writer.paths.try_push_with(key, |direction, out| {
                let edges = match direction {
                    Direction::Forward => sources,
                    Direction::Reverse => targets,
                };
                if edges.is_empty() {
                    return Ok(());
                }
                let ids = (&*ids, commits.edges());
                let encoded = hub::encode(places, (scratch, edges), ids, |_| ())?;
                Ok::<_, RebuildError>(encoded.encode(out)?)
            });
        }
        let [starts, ends] =
            [sources, targets].map(|edges| Lists::load(places, scratch, edges, ids, |_, _| Ok(())));
        let (starts, ends) = (starts?, ends?);
        let (mut starts, mut ends) = (starts.iter().peekable(), ends.iter().peekable());
        loop {
            let key = match (starts.peek(), ends.peek()) {
                (Some((_, a, _)), Some((_, b, _))) => *a.min(b),
                (Some((_, key, _)), None) | (None, Some((_, key, _))) => *key,
                (None, None) => return Ok(()),
            };
            let [forward, reverse] = [&mut starts, &mut ends].map(|lists| {
                lists.next_if(|(_, other, _)| *other == key).map_or(&[][..], |(_, _, ids)| ids)
            });
            writer.paths.try_push(key, forward, reverse)?;
        }
    }
}
