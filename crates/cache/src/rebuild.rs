//! The rebuild: a branch's journal becomes its cache.
//!
//! The journal is only read. The cache becomes visible in one step, when its ref moves; until then,
//! whatever fails leaves the repository as it was, but for objects that `git gc` removes.

use super::collect::Source;
use super::error::{FullBecause, RebuildError};
use super::existing::{Existing, ExistingError};
use super::full::{Full, meta_of};
use super::meta::Meta;
use super::plan::Plan;
use super::update::{Update, UpdateError};
use super::write::{Target, Written};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, BoxedTransaction, RefUpdate, Repository, Stored};
use gitmind_journal::{EdgeOrder, MalformedCounts};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena};
use gitmind_ports::clock::Clock;
use gitmind_ports::fs::FileSystem;
use gitmind_ports::progress::Progress;

/// How often a rebuild starts over because the cache's ref was moved meanwhile: each time somebody
/// else has built the cache, so that all of fewer at once get through.
const ATTEMPTS_MAX: usize = 16;
/// New commits that are always few enough to bring a cache up to date; so is half of the journal.
const NEWER_MIN: usize = 4096;

/// What a rebuild needs.
#[derive(Clone, Copy)]
pub struct Rebuild<'a> {
    /// Where the memory of the rebuild comes from.
    pub alloc: Alloc<'a>,
    /// Where the journal is and the cache goes.
    pub repository: &'a dyn Repository,
    /// Dates the cache commit.
    pub clock: &'a dyn Clock,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Where edges go that would exceed the arena's cap; without one, that is an error.
    pub disk: Option<&'a dyn FileSystem>,
    /// Threads that help the one that calls.
    pub workers: usize,
}

impl core::fmt::Debug for Rebuild<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Rebuild").finish_non_exhaustive()
    }
}

/// What a rebuild may and must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildOptions {
    /// How edges are numbered.
    pub edge_order: EdgeOrder,
    /// Rebuild even when the cache is current.
    pub force: bool,
    /// Fail on the first malformed commit instead of skipping it.
    pub strict: bool,
}

/// How much work a rebuild did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The whole journal was read and the whole cache written.
    Full,
    /// What is new was read, and what that touches written.
    Incremental,
    /// The cache was already that of the journal.
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

/// What a rebuild found and made.
#[derive(Debug)]
pub struct Report {
    /// How much work it was.
    pub mode: Mode,
    /// What the cache is built from.
    pub meta: Meta,
    /// The commit that the cache's ref names.
    pub cache_commit: Oid,
    /// Its tree.
    pub root_tree: Oid,
    /// The tree of the shard folders alone.
    pub shards_tree: Oid,
    /// What was written; `None` when somebody else has written it.
    pub written: Option<Stored>,
    /// The malformed commits of the journal: how many, and the first few that were read now.
    pub malformed: MalformedCounts,
    /// Why the cache that was there could not be read, when it could not.
    pub replaced_because: Option<ExistingError>,
    /// Why a cache that was there was built anew instead of being brought up to date.
    pub full_because: Option<FullBecause>,
    /// What went to the disk because it did not fit the arena.
    pub spilled: Bytes,
}

/// A cache that was made or found, and what makes it visible where that is to be done.
struct Built<'a> {
    report: Report,
    transaction: Option<BoxedTransaction<'a>>,
}

impl<'a> Built<'a> {
    fn new(mode: Mode, meta: Meta, written: Written<'a>, mut malformed: MalformedCounts) -> Self {
        let Written { commit, root_tree, shards_tree, transaction } = written;
        // Those that the rest of the journal has were counted by an earlier rebuild.
        (malformed.skipped, malformed.truncated) = (meta.commits_skipped, meta.edges_truncated);
        let existing = Existing { commit, root_tree, shards_tree, meta };
        let report = Report { mode, malformed, ..current(existing) };
        Self { report, transaction: Some(transaction) }
    }

    fn with(self, change: impl FnOnce(Report) -> Report) -> Self {
        Self { report: change(self.report), ..self }
    }
}

/// Caches that were built by force in races that were lost, the newest last, each on top of the one
/// before; their transactions protect them.
type Lost<'a> = [Option<(Oid, BoxedTransaction<'a>)>; ATTEMPTS_MAX];

impl<'a> Rebuild<'a> {
    /// Makes the cache of `branch` that of its journal, with its buffers in `arena`.
    ///
    /// # Errors
    /// A [`RebuildError`]; the ref is then unchanged, but for [`git::Error::RefUnsure`].
    pub fn run(
        &self,
        arena: &mut Arena<'_>,
        branch: &BranchName,
        options: RebuildOptions,
    ) -> Result<Report, RebuildError> {
        branch.check_cache()?;
        let mut lost: Lost<'a> = [const { None }; ATTEMPTS_MAX];
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(arena, branch, options, &mut lost) {
                Err(RebuildError::Write(git::Error::RefMoved { .. } | git::Error::Removed(_))) => {}
                outcome => return outcome,
            }
        }
        self.attempt(arena, branch, options, &mut lost)
    }

    /// One try. The newest cache that `lost` its race is brought up to date, so that those who do
    /// less work do not always win.
    fn attempt(
        &self,
        arena: &mut Arena<'_>,
        branch: &BranchName,
        options: RebuildOptions,
        lost: &mut Lost<'a>,
    ) -> Result<Report, RebuildError> {
        arena.reset();
        let tip = self.repository.resolve(&branch.journal_ref())?;
        let tip = tip.ok_or_else(|| RebuildError::NoJournal(branch.clone()))?;
        let name = &branch.cache_ref();
        let expected = self.repository.resolve(name)?;
        let Built { report, transaction } = match lost.iter().flatten().last() {
            None => self.build(arena, tip, expected, options)?,
            Some((own, _)) => {
                let update = RebuildOptions { force: false, ..options };
                let built = self.build(arena, tip, Some(*own), update)?;
                built.with(|report| Report {
                    mode: Mode::Full,
                    full_because: None,
                    replaced_because: None,
                    ..report
                })
            }
        };
        // One that is current is the newest that lost.
        let mut newest = lost.iter_mut().rev().filter_map(Option::take);
        let transaction = transaction.or_else(|| newest.next().map(|(_, own)| own));
        let Some(mut transaction) = transaction else { return Ok(report) };
        match transaction.commit(RefUpdate { name, expected, new: report.cache_commit }) {
            Ok(written) => Ok(Report { written: Some(written), ..report }),
            Err(error @ git::Error::RefMoved { .. }) => {
                let read = |commit| Existing::read(self.repository, self.alloc, commit);
                let theirs = self.repository.resolve(name)?.map(read).transpose();
                match theirs.ok().flatten().flatten() {
                    // Somebody else has built the same one: that it is there is what was asked for.
                    Some(theirs) if theirs.root_tree == report.root_tree => {
                        Ok(Report { cache_commit: theirs.commit, ..report })
                    }
                    _ => {
                        let free = lost.iter_mut().find(|lost| lost.is_none());
                        if let Some(free) = free.filter(|_| options.force) {
                            *free = Some((report.cache_commit, transaction));
                        }
                        Err(error.into())
                    }
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The cache for `tip`, from the one at `commit` where that will do; moves no ref.
    fn build(
        &self,
        arena: &mut Arena<'_>,
        tip: Oid,
        commit: Option<Oid>,
        options: RebuildOptions,
    ) -> Result<Built<'a>, RebuildError> {
        let existing = commit.map(|commit| Existing::read(self.repository, self.alloc, commit));
        Ok(match existing {
            Some(Ok(Some(existing))) if is_current(&existing.meta, tip, options) => {
                Built { report: current(existing), transaction: None }
            }
            Some(Ok(Some(existing))) if can_go_on(&existing.meta, options) => {
                let because = match self.incremental(arena, tip, &existing, options) {
                    Ok(Ok(built)) => return Ok(built),
                    Ok(Err(because)) => because,
                    Err(error) if error.is_over_cap() && self.disk.is_some() => {
                        FullBecause::TooMuch(arena.cap_bytes())
                    }
                    // What is touched waits in memory, and a full rebuild writes it as it goes.
                    Err(error) => FullBecause::TooMuch(error.budget().ok_or(error)?),
                };
                let built = self.full(arena, tip, options)?;
                built.with(|report| Report { full_because: Some(because), ..report })
            }
            Some(Err(error)) => match error.memory() {
                Some(refused) => return Err(refused.into()),
                None => {
                    let built = self.full(arena, tip, options)?;
                    built.with(|report| Report { replaced_because: Some(error), ..report })
                }
            },
            // None there, another order's, or one of the C tool's.
            _ => self.full(arena, tip, options)?,
        })
    }

    /// Reads what is newer than the cache `existing` and writes what that touches; or says why the
    /// whole cache has to be built. Moves no ref.
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
        let read = source.read_since(arena, (tip, old.journal_tip), commits_max)?;
        let (commits, kept, malformed) = match read {
            Ok(read) => read,
            Err(because) => return Ok(Err(because)),
        };
        let added = meta_of(tip, options.edge_order, &commits, &malformed)?;
        let meta = old.extended(&added).ok_or(RebuildError::TooManyEdges)?;
        let plan = Plan::new(arena, commits, kept)?;
        let Target { repository, alloc, .. } = self.target();
        let update = Update { repository, alloc, old, new: &meta };
        match update.write(existing.commit, &plan, self.clock.now()) {
            Ok(written) => Ok(Ok(Built::new(Mode::Incremental, meta, written, malformed))),
            Err(UpdateError::Existing(error)) => Ok(Err(error.into())),
            Err(UpdateError::Read(error)) => Err(error.into()),
            Err(UpdateError::Write(error)) => Err(error.into()),
        }
    }

    /// Reads the whole journal and writes the whole cache; moves no ref.
    fn full(
        &self,
        arena: &mut Arena<'_>,
        tip: Oid,
        options: RebuildOptions,
    ) -> Result<Built<'a>, RebuildError> {
        let full = Full {
            target: self.target(),
            source: self.source(options),
            edge_order: options.edge_order,
            time: self.clock.now(),
        };
        let (meta, malformed, written, spilled) = full.run(arena, tip, self.disk)?;
        let built = Built::new(Mode::Full, meta, written, malformed);
        Ok(built.with(|report| Report { spilled, ..report }))
    }

    const fn source(&self, options: RebuildOptions) -> Source<'a> {
        let Self { alloc, repository, progress, .. } = *self;
        Source { repository, alloc, strict: options.strict, progress }
    }

    const fn target(&self) -> Target<'a> {
        let Self { alloc, repository, progress, workers, .. } = *self;
        Target { repository, alloc, progress, workers }
    }
}

/// Whether a cache with this metadata can be brought up to date. Ids are stable oldest first only;
/// a strict rebuild does not take over a cache of a malformed journal.
fn can_go_on(meta: &Meta, options: RebuildOptions) -> bool {
    let is_whole = meta.commits_skipped == 0 && meta.edges_truncated == 0;
    meta.edge_order == EdgeOrder::OldestFirst
        && options.edge_order == EdgeOrder::OldestFirst
        && !options.force
        && (is_whole || !options.strict)
}

/// Whether a cache with this metadata is what the options ask for. A strict rebuild does not take a
/// cache of a malformed journal: it reads the journal again to name the commit.
fn is_current(meta: &Meta, tip: Oid, options: RebuildOptions) -> bool {
    let is_whole = meta.commits_skipped == 0 && meta.edges_truncated == 0;
    meta.journal_tip == tip
        && meta.edge_order == options.edge_order
        && !options.force
        && (is_whole || !options.strict)
}

fn current(existing: Existing) -> Report {
    Report {
        mode: Mode::Current,
        meta: existing.meta,
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
