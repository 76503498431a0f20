//! The rebuild: writes the cache of a branch from its journal.
//!
//! The journal is only read. The cache becomes visible atomically, when its ref is updated. A
//! failure before that leaves the refs unchanged, and at most unreachable objects, which `git gc`
//! removes.

use super::collect::Source;
use super::error::{FullBecause, RebuildError};
use super::existing::{Existing, ExistingError};
use super::full::Full;
use super::meta::Meta;
use super::newer::{Newer, NotRead};
use super::plan::Plan;
use super::update::{Update, UpdateError};
use super::write::{Outermost, Target, Written};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, BoxedTransaction, RefUpdate, Repository, Stored};
use gitmind_journal::{EdgeOrder, MalformedCounts};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable};
use gitmind_ports::clock::Clock;
use gitmind_ports::fs::FileSystem;
use gitmind_ports::progress::Progress;

/// Attempts to update the cache ref. An attempt fails only if another process has updated the ref
/// meanwhile, so up to this many concurrent rebuilds all succeed.
const ATTEMPTS_MAX: usize = 16;
/// Most caches of summer 2025 that are removed at once.
const OLD_CACHES_MAX: usize = 10_000;
/// An incremental rebuild reads at most this many new commits, or half as many as the cache has,
/// whichever is more.
const NEWER_MIN: usize = 4096;

/// Bytes of the arena that the columns of an edge use while the journal is read.
const BYTES_PER_EDGE: u64 = 8;

/// What a rebuild needs.
#[derive(Clone, Copy)]
pub struct Rebuild<'t, 'a> {
    /// Allocates everything outside the arena.
    pub alloc: Alloc<'a>,
    /// The repository that holds the journal and the cache.
    pub repository: &'a dyn Repository,
    /// Gives the time of the cache commit.
    pub clock: &'a dyn Clock,
    /// Receives progress reports.
    pub progress: &'a dyn Progress,
    /// The file system for edges that exceed the arena's cap; with `None` the rebuild fails then.
    pub disk: Option<&'a dyn FileSystem>,
    /// Number of worker threads beside the calling thread.
    pub workers: usize,
    /// An empty table; paths are interned in another one with the same settings.
    pub texts: &'t InternTable<'a>,
}

impl core::fmt::Debug for Rebuild<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Rebuild").finish_non_exhaustive()
    }
}

/// Options of a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildOptions {
    /// The order in which edges are numbered.
    pub edge_order: EdgeOrder,
    /// Rebuild even when the cache is current.
    pub force: bool,
    /// Strict mode: fail on the first malformed commit instead of skipping it.
    pub strict: bool,
}

/// What a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It read the whole journal and wrote the whole cache.
    Full,
    /// It read the new commits, and those whose edges get other ids after a merge, and wrote the
    /// files of the objects that these edges touch.
    Incremental,
    /// Nothing: the cache was current.
    Current,
}

impl Mode {
    /// The name used in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
            Self::Current => "current",
        }
    }
}

/// The outcome of a rebuild.
#[derive(Debug)]
pub struct Report {
    /// What the rebuild did.
    pub mode: Mode,
    /// The metadata of the cache.
    pub meta: Meta,
    /// Edges that were read and indexed: all, those of an incremental rebuild, or 0 when the cache
    /// was current.
    pub edges_indexed: u32,
    /// The commit that the cache ref points to.
    pub cache_commit: Oid,
    /// The root tree of the cache.
    pub root_tree: Oid,
    /// The id of a tree with only the shard directories.
    pub shards_tree: Oid,
    /// The objects that were written; `None` when the cache was current, or another process has
    /// written the same one.
    pub written: Option<Stored>,
    /// The malformed commits of the journal: their counts, and the first few that were read now.
    pub malformed: MalformedCounts,
    /// Why the existing cache could not be read, if so.
    pub replaced_because: Option<ExistingError>,
    /// Why the existing cache was fully rebuilt instead of incrementally, if so.
    pub full_because: Option<FullBecause>,
    /// Bytes that were spilled to disk.
    pub spilled: Bytes,
}

/// A cache, and the transaction that updates its ref; `None` if the cache was current.
struct Built<'a> {
    report: Report,
    transaction: Option<BoxedTransaction<'a>>,
}

impl<'a> Built<'a> {
    fn new(
        mode: Mode,
        edges_indexed: Option<u32>,
        written: Written<'a>,
        mut malformed: MalformedCounts,
    ) -> Self {
        let Written { meta, outermost, transaction } = written;
        let edges_indexed = edges_indexed.unwrap_or(meta.edges);
        let Outermost { commit, root_tree, shards_tree } = outermost;
        // The metadata also counts those that an earlier rebuild read.
        (malformed.skipped, malformed.truncated) = (meta.commits_skipped, meta.edges_truncated);
        let existing = Existing { commit, root_tree, shards_tree, meta };
        let report = Report { mode, edges_indexed, malformed, ..current(existing) };
        Self { report, transaction: Some(transaction) }
    }

    fn with(self, change: impl FnOnce(Report) -> Report) -> Self {
        Self { report: change(self.report), ..self }
    }
}

/// Forced caches of attempts that lost the race, oldest first, each built incrementally from the
/// one before. Their transactions protect their objects from a concurrent gc.
type LostCaches<'a> = [Option<(Oid, BoxedTransaction<'a>)>; ATTEMPTS_MAX];

impl<'t, 'a> Rebuild<'t, 'a> {
    /// Makes the cache of `branch` current, with the edges in `arena`.
    ///
    /// # Errors
    /// A [`RebuildError`]; the ref is then unchanged, except after [`git::Error::RefUnsure`].
    pub fn run(
        &self,
        arena: &mut Arena<'_>,
        branch: &BranchName,
        options: RebuildOptions,
    ) -> Result<Report, RebuildError> {
        let mut lost: LostCaches<'a> = [const { None }; ATTEMPTS_MAX];
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(arena, branch, options, &mut lost) {
                Err(RebuildError::Write(git::Error::RefMoved { .. } | git::Error::Removed(_))) => {}
                outcome => return outcome,
            }
        }
        self.attempt(arena, branch, options, &mut lost)
    }

    /// One attempt. After a forced rebuild that lost the race, it updates that cache incrementally;
    /// otherwise incremental rebuilds of other processes, which are faster, would always win.
    fn attempt(
        &self,
        arena: &mut Arena<'_>,
        branch: &BranchName,
        options: RebuildOptions,
        lost: &mut LostCaches<'a>,
    ) -> Result<Report, RebuildError> {
        arena.reset();
        let tip = self.repository.resolve(&branch.journal_ref())?;
        let tip = tip.ok_or_else(|| RebuildError::NoJournal(branch.clone()))?;
        let name = &branch.cache_ref();
        let expected = self.repository.resolve(name)?;
        let Built { report, transaction } = match lost.iter().flatten().last() {
            None => self.build(arena, tip, expected, options)?,
            Some((lost_cache, _)) => {
                let update = RebuildOptions { force: false, ..options };
                let built = self.build(arena, tip, Some(*lost_cache), update)?;
                built.with(|report| Report {
                    mode: Mode::Full,
                    edges_indexed: report.meta.edges,
                    full_because: None,
                    replaced_because: None,
                    ..report
                })
            }
        };
        // A lost cache that is still current is committed by its own transaction.
        let mut newest = lost.iter_mut().rev().filter_map(Option::take);
        let transaction = transaction.or_else(|| newest.next().map(|(_, transaction)| transaction));
        let Some(mut transaction) = transaction else { return Ok(report) };
        let (time, reason) = (self.clock.now(), "git-mind: cache-rebuild");
        let update = RefUpdate { name, expected, new: report.cache_commit, time, reason };
        let mut outcome = transaction.commit(update);
        for _ in 0..ATTEMPTS_MAX {
            match &outcome {
                Err(git::Error::RefConflict { .. }) if self.remove_old_caches(branch)? => {
                    outcome = transaction.commit(update);
                }
                _ => break,
            }
        }
        match outcome {
            Ok(written) => Ok(Report { written: Some(written), ..report }),
            Err(error @ git::Error::RefMoved { .. }) => {
                let read = |commit| Existing::read(self.repository, self.alloc, commit);
                let theirs = self.repository.resolve(name)?.map(read).transpose();
                match theirs.ok().flatten().flatten() {
                    // Another process has written the same cache, so this attempt has succeeded.
                    Some(theirs) if theirs.root_tree == report.root_tree => {
                        Ok(Report { cache_commit: theirs.commit, ..report })
                    }
                    _ => {
                        let slot = lost.iter_mut().find(|slot| slot.is_none());
                        if let Some(slot) = slot.filter(|_| options.force) {
                            *slot = Some((report.cache_commit, transaction));
                        }
                        Err(error.into())
                    }
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the refs of caches that the program of summer 2025 made below the ref of this cache,
    /// one for each rebuild. Returns whether there were any, and only those: other refs below it
    /// stay, and keep the cache from being written.
    fn remove_old_caches(&self, branch: &BranchName) -> Result<bool, git::Error> {
        let prefix = &branch.old_caches_prefix();
        let names = self.repository.refs(prefix, OLD_CACHES_MAX)?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let mut numbers = names.iter().map(|name| name.strip_prefix(&**prefix));
        let are_old = !names.is_empty() && numbers.all(|number| number.is_some_and(is_number));
        if are_old {
            self.repository.remove_refs(&names)?;
        }
        Ok(are_old)
    }

    /// Builds the cache for `tip`, incrementally from the one at `commit` if possible. Updates no
    /// ref.
    fn build(
        &self,
        arena: &mut Arena<'_>,
        tip: Oid,
        commit: Option<Oid>,
        options: RebuildOptions,
    ) -> Result<Built<'a>, RebuildError> {
        let existing = commit.map(|commit| Existing::read(self.repository, self.alloc, commit));
        let edges = match &existing {
            Some(Ok(Some(existing))) => u64::from(existing.meta.edges),
            _ => 0,
        };
        Ok(match existing {
            Some(Ok(Some(existing))) if is_current(&existing.meta, tip, options) => {
                Built { report: current(existing), transaction: None }
            }
            Some(Ok(Some(existing))) if can_update(&existing.meta, options) => {
                arena.expect_bytes(Bytes::ZERO);
                let because = match self.incremental(arena, tip, &existing, options) {
                    Ok(Ok(built)) => return Ok(built),
                    Ok(Err(because)) => because,
                    Err(error) if error.is_over_cap() && self.disk.is_some() => {
                        FullBecause::OverLimit(arena.cap_bytes())
                    }
                    // An update stages its objects in memory; a full rebuild streams them.
                    Err(error) => FullBecause::OverLimit(error.budget().ok_or(error)?),
                };
                arena.absorb_failures();
                let built = self.full(arena, edges, tip, options)?;
                built.with(|report| Report { full_because: Some(because), ..report })
            }
            Some(Err(error)) => match error.memory() {
                Some(failure) => return Err(failure.into()),
                None => {
                    let built = self.full(arena, edges, tip, options)?;
                    built.with(|report| Report { replaced_because: Some(error), ..report })
                }
            },
            // No cache, a cache in another order, or one of the C tool.
            _ => self.full(arena, edges, tip, options)?,
        })
    }

    /// Reads the commits that are newer than the cache `existing`, and writes the files that they
    /// change; or returns why a full rebuild is needed. Updates no ref.
    fn incremental<'r>(
        &self,
        arena: &'r Arena<'r>,
        tip: Oid,
        existing: &Existing,
        options: RebuildOptions,
    ) -> Result<Result<Built<'a>, FullBecause>, RebuildError> {
        let old = &existing.meta;
        let commits_max = NEWER_MIN.max(old.commits as usize / 2);
        let source = self.source(options);
        let read = source.read_newer(arena, tip, existing, commits_max);
        let Newer { commits, edges, marks, malformed, kept, added } = match read {
            Ok(newer) => newer,
            Err(NotRead::Full(because)) => return Ok(Err(because)),
            Err(NotRead::Failed(error)) => return Err(error),
        };
        let new = kept.extended(&added).ok_or(RebuildError::TooManyEdges)?;
        let plan = Plan::new(arena, commits, edges)?;
        let Target { repository, alloc, .. } = self.target();
        let update = Update { repository, alloc, old, kept, new };
        match update.write(existing.commit, plan, &marks, self.clock.now()) {
            Ok(written) => {
                Ok(Ok(Built::new(Mode::Incremental, Some(added.edges), written, malformed)))
            }
            Err(UpdateError::Existing(error)) => Ok(Err(error.into())),
            Err(UpdateError::Read(error)) => Err(error.into()),
            Err(UpdateError::Write(error)) => Err(error.into()),
        }
    }

    /// Reads the whole journal, which has about `edges` edges if that is known, and writes the
    /// whole cache. Updates no ref.
    fn full(
        &self,
        arena: &mut Arena<'_>,
        edges: u64,
        tip: Oid,
        options: RebuildOptions,
    ) -> Result<Built<'a>, RebuildError> {
        arena.expect_bytes(Bytes::new(edges * BYTES_PER_EDGE));
        let full = Full {
            target: self.target(),
            source: self.source(options),
            edge_order: options.edge_order,
            time: self.clock.now(),
        };
        let (malformed, written, spilled) = full.run(arena, tip, self.disk)?;
        let built = Built::new(Mode::Full, None, written, malformed);
        Ok(built.with(|report| Report { spilled, ..report }))
    }

    const fn source(&self, options: RebuildOptions) -> Source<'t, 'a> {
        let Self { alloc, repository, progress, texts, .. } = *self;
        Source { repository, alloc, strict: options.strict, progress, texts }
    }

    const fn target(&self) -> Target<'a> {
        let Self { alloc, repository, progress, workers, .. } = *self;
        Target { repository, alloc, progress, workers }
    }
}

/// Whether a cache with this metadata can be updated incrementally. Only the ids of the order
/// oldest first are stable; in strict mode, a cache of a malformed journal is not reused.
fn can_update(meta: &Meta, options: RebuildOptions) -> bool {
    let is_whole = meta.commits_skipped == 0 && meta.edges_truncated == 0;
    meta.edge_order == EdgeOrder::OldestFirst
        && options.edge_order == EdgeOrder::OldestFirst
        && !options.force
        && (is_whole || !options.strict)
}

/// Whether a cache with this metadata is current. In strict mode, a cache of a malformed journal is
/// not: the journal is read again, so that the error names the malformed commit.
fn is_current(meta: &Meta, tip: Oid, options: RebuildOptions) -> bool {
    let is_whole = meta.commits_skipped == 0 && meta.edges_truncated == 0;
    meta.journal_tip == tip
        && meta.edge_order == options.edge_order
        && !options.force
        && (is_whole || !options.strict)
}

/// The report of a rebuild that found the cache current.
fn current(existing: Existing) -> Report {
    Report {
        mode: Mode::Current,
        meta: existing.meta,
        edges_indexed: 0,
        cache_commit: existing.commit,
        root_tree: existing.root_tree,
        shards_tree: existing.shards_tree,
        written: None,
        malformed: existing.meta.malformed(),
        replaced_because: None,
        full_because: None,
        spilled: Bytes::ZERO,
    }
}
