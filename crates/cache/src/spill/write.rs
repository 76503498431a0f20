//! Writing the cache from spilled edges, one shard at a time.
//!
//! The first pass writes the forward files of all shards, the second their reverse files and trees.
//! A reverse file equals a forward file exactly when all edges of its object come from one source,
//! which has no others. So the first pass stores a record of each source with a single target in
//! the partition of the target, and the second pass compares the numbers of edges.

use super::Spilled;
use super::ids::EdgeIds;
use super::lists::Lists;
use super::partition::Shards;
use super::record::{FILE_BYTES, SINGLE_BYTES, file, number, oid, single};
use crate::commit_ids::CommitIds;
use crate::error::RebuildError;
use crate::meta::Meta;
use crate::numbered::NumberedCommits;
use crate::shard::Direction;
use crate::write::{CacheWriter, Target, Written};
use gitmind_git::oid::Oid;
use gitmind_memory::{Arena, ArenaVec};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::progress::Step;

/// Progress steps: 256 shards in two passes.
const STEPS: u64 = 512;

/// What writing a cache from spilled edges needs.
pub(crate) struct SpilledPlan<'w, 'a> {
    pub(crate) target: Target<'a>,
    pub(crate) spilled: &'w Spilled<'a>,
    pub(crate) commits: &'w NumberedCommits<'a, CommitIds<'a>>,
}

impl<'a> SpilledPlan<'_, 'a> {
    /// Writes the cache. Resets the arena for each shard.
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
        writer.finish(repository, commits.records(), meta, time)
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
        // For each source its first target, and whether it is the only one.
        let mut targets: ArenaVec<'r, (Oid, bool)> = ArenaVec::new(arena);
        let visit = |source: u32, record: &[u8]| {
            let target = oid(record, Oid::LEN + 4);
            match targets.get_mut(source as usize) {
                Some((first, is_single)) => *is_single &= *first == target,
                None => targets.try_push((target, true))?,
            }
            Ok(())
        };
        let lists = Lists::load(arena, scratch, forward.get(shard), ids, visit)?;
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
