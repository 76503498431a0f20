//! Writing the cache of spilled edges, a shard at a time.
//!
//! Forward files come first, for all shards; then reverse files and trees. A reverse file equals a
//! forward one exactly when all edges of its object come from one source, which has no others. So a
//! source with a single target leaves a record in the shard of that target, where the two counts
//! are compared.

use super::Spilled;
use super::ids::EdgeIds;
use super::lists::Lists;
use super::partition::Shards;
use super::record::{FILE_BYTES, SINGLE_BYTES, file, number, oid, single};
use crate::error::RebuildError;
use crate::meta::Meta;
use crate::names::Names;
use crate::numbered::NumberedCommits;
use crate::shard::Direction;
use crate::write::{CacheWriter, Target, Written};
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaVec};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::progress::Step;

/// Shards, for all of which there are two steps.
const STEPS: u64 = 512;

/// What a cache of spilled edges is written with.
pub(crate) struct SpilledPlan<'w, 'a> {
    pub(crate) target: Target<'a>,
    pub(crate) spilled: &'w Spilled<'a>,
    pub(crate) commits: &'w NumberedCommits<'a, Names<'a>>,
}

impl<'a> SpilledPlan<'_, 'a> {
    /// Writes the cache. The arena is reset for each shard.
    pub(crate) fn write(
        &self,
        arena: &mut Arena<'_>,
        meta: &Meta,
        time: Timestamp,
    ) -> Result<Written<'a>, RebuildError> {
        let Self { target, spilled, commits } = *self;
        let Target { repository, alloc, progress, .. } = target;
        let mut writer = CacheWriter::start(repository, alloc, None)?;
        let ids = EdgeIds::new(alloc, commits)?;
        let mut files = Shards::new(alloc, FILE_BYTES, &spilled.scratch)?;
        let mut singles = Shards::new(alloc, SINGLE_BYTES, &spilled.scratch)?;
        for shard in 0..=u8::MAX {
            progress.report(Step::Writing, shard.into(), Some(STEPS));
            arena.reset();
            self.forward(arena, shard, &ids, &mut writer, (&mut files, &mut singles))?;
        }
        for shard in 0..=u8::MAX {
            progress.report(Step::Writing, STEPS / 2 + u64::from(shard), Some(STEPS));
            arena.reset();
            self.reverse(arena, shard, &ids, &mut writer, (&files, &singles))?;
        }
        arena.reset();
        writer.finish(repository, alloc, commits.records(), meta, time)
    }

    /// Writes the forward files of a shard.
    fn forward<'r>(
        &self,
        arena: &'r Arena<'r>,
        shard: u8,
        ids: &EdgeIds<'_>,
        writer: &mut CacheWriter<'_>,
        (files, singles): (&mut Shards<'_>, &mut Shards<'_>),
    ) -> Result<(), RebuildError> {
        let Spilled { scratch, forward, .. } = self.spilled;
        // The first target of each source, and whether it is the only one.
        let mut targets: ArenaVec<'r, (Oid, bool)> = ArenaVec::new(arena);
        let note = |source: u32, record: &[u8]| {
            let target = oid(record, Oid::LEN + 4);
            match targets.get_mut(source as usize) {
                Some((first, is_single)) => *is_single &= *first == target,
                None => targets.try_push((target, true))?,
            }
            Ok(())
        };
        let lists = Lists::load(arena, scratch, forward.get(shard), ids, note)?;
        for (source, id, edges) in lists.iter() {
            let name = writer.file(edges)?;
            files.try_push(scratch, shard, &file(id, name))?;
            let (target, is_single) = targets[source as usize];
            if is_single {
                let count = u32::try_from(edges.len()).map_err(|_| RebuildError::TooManyEdges)?;
                singles.try_push(scratch, target.shard(), &single(target, count, name))?;
            }
        }
        Ok(())
    }

    /// Writes the reverse files and the tree of a shard.
    fn reverse<'r>(
        &self,
        arena: &'r Arena<'r>,
        shard: u8,
        ids: &EdgeIds<'_>,
        writer: &mut CacheWriter<'_>,
        (files, singles): (&Shards<'_>, &Shards<'_>),
    ) -> Result<(), RebuildError> {
        let Spilled { scratch, reverse, .. } = self.spilled;
        let lists = Lists::load(arena, scratch, reverse.get(shard), ids, |_, _| Ok(()))?;
        let mut shared: ArenaVec<'r, Option<Oid>> = ArenaVec::new(arena);
        shared.try_resize(lists.objects.oids().len(), None)?;
        singles.get(shard).read(scratch, |record| {
            if let Some(target) = lists.objects.find(oid(record, 0))
                && lists.of(target).len() == number(record) as usize
            {
                shared[target as usize] = Some(oid(record, Oid::LEN + 4));
            }
            Ok::<_, RebuildError>(())
        })?;
        let mut forward: ArenaVec<'r, (Oid, Oid)> = ArenaVec::new(arena);
        files.get(shard).read(scratch, |record| {
            Ok::<_, RebuildError>(forward.try_push((oid(record, 0), oid(record, Oid::LEN)))?)
        })?;
        let mut forward = forward.iter().copied().peekable();
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
        Ok(writer.end_shard(shard)?)
    }
}
