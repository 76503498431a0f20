//! The rebuild: a branch's journal becomes its cache.
//!
//! The journal is only read. The cache becomes visible in one step, when its ref moves; until then,
//! whatever fails leaves the repository as it was, but for objects that `git gc` removes.

use super::collect::{Collected, MalformedCounts};
use super::error::{FullBecause, RebuildError};
use super::existing::{Existing, ExistingError};
use super::meta::Meta;
use super::plan::Plan;
use super::update::{Update, UpdateError};
use super::write::{Written, write};
use crate::branch::BranchName;
use crate::clock::Clock;
use crate::git::{self, PackSummary, RefUpdate, Repository};
use crate::journal::{EdgeOrder, Malformed};
use crate::memory::Alloc;
use crate::oid::Oid;
use crate::progress::Progress;

/// How often a rebuild starts over because the cache's ref was moved meanwhile.
const ATTEMPTS_MAX: u32 = 3;
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
}

impl std::fmt::Debug for Rebuild<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// The pack that was written.
    pub pack: Option<PackSummary>,
    /// The first few malformed commits; empty when nothing was read.
    pub malformed: Vec<Malformed>,
    /// Why the cache that was there could not be read, when it could not.
    pub replaced_because: Option<ExistingError>,
    /// Why a cache that was there was built anew instead of being brought up to date.
    pub full_because: Option<FullBecause>,
}

impl Report {
    fn of(mode: Mode, meta: Meta, written: Written, malformed: MalformedCounts) -> Self {
        Self {
            mode,
            meta,
            cache_commit: written.commit,
            root_tree: written.root_tree,
            shards_tree: written.shards_tree,
            pack: Some(written.pack),
            malformed: malformed.named,
            replaced_because: None,
            full_because: None,
        }
    }
}

impl Rebuild<'_> {
    /// Makes the cache of `branch` that of its journal.
    ///
    /// # Errors
    /// A [`RebuildError`]; the ref is then unchanged.
    pub fn run(
        &self,
        branch: &BranchName,
        options: RebuildOptions,
    ) -> Result<Report, RebuildError> {
        branch.check_cache()?;
        for _ in 1..ATTEMPTS_MAX {
            match self.attempt(branch, options) {
                Err(RebuildError::Write(git::Error::RefMoved { .. })) => {}
                outcome => return outcome,
            }
        }
        self.attempt(branch, options)
    }

    fn attempt(
        &self,
        branch: &BranchName,
        options: RebuildOptions,
    ) -> Result<Report, RebuildError> {
        let tip = self.repository.resolve(&branch.journal_ref())?;
        let tip = tip.ok_or_else(|| RebuildError::NoJournal(branch.clone()))?;
        let expected = self.repository.resolve(&branch.cache_ref())?;
        let read = |commit| Existing::read(self.repository, self.alloc, commit);
        let existing = expected.map(read);
        let report = match existing {
            Some(Ok(Some(existing))) if is_current(&existing.meta, tip, options) => {
                return Ok(current(existing));
            }
            Some(Ok(Some(existing))) if can_go_on(&existing.meta, options) => {
                match self.incremental(tip, &existing, options)? {
                    Ok(report) => report,
                    Err(because) => {
                        let full_because = Some(because);
                        Report { full_because, ..self.full(tip, options)? }
                    }
                }
            }
            Some(Err(error)) => match error.memory() {
                Some(refused) => return Err(refused.into()),
                None => Report { replaced_because: Some(error), ..self.full(tip, options)? },
            },
            // None there, another order's, or one of the C tool's.
            _ => self.full(tip, options)?,
        };
        self.repository.update_ref(RefUpdate {
            name: &branch.cache_ref(),
            expected,
            new: report.cache_commit,
        })?;
        Ok(report)
    }

    /// Reads what is newer than the cache `existing` and writes what that touches; or says why the
    /// whole cache has to be built. Moves no ref.
    fn incremental(
        &self,
        tip: Oid,
        existing: &Existing,
        options: RebuildOptions,
    ) -> Result<Result<Report, FullBecause>, RebuildError> {
        let Self { alloc, repository, progress, .. } = *self;
        let old = &existing.meta;
        let commits_max = NEWER_MIN.max(old.commits as usize / 2);
        let range = (tip, old.journal_tip);
        let strict = options.strict;
        let read = Collected::read_since(repository, alloc, range, commits_max, strict, progress)?;
        let collected = match read {
            Ok(collected) => collected,
            Err(because) => return Ok(Err(because)),
        };
        let malformed = collected.malformed.clone();
        let added = meta_of(tip, options.edge_order, &collected)?;
        let meta = old.extended(&added).ok_or(RebuildError::TooManyEdges)?;
        let plan = Plan::new(alloc, collected)?;
        let update = Update { repository, alloc, old, new: &meta };
        match update.write(existing.commit, &plan, self.clock.now()) {
            Ok(written) => Ok(Ok(Report::of(Mode::Incremental, meta, written, malformed))),
            Err(UpdateError::Existing(error)) => Ok(Err(error.into())),
            Err(UpdateError::Write(error)) => Err(error.into()),
        }
    }

    /// Reads the whole journal and writes the whole cache; moves no ref.
    fn full(&self, tip: Oid, options: RebuildOptions) -> Result<Report, RebuildError> {
        let RebuildOptions { edge_order, strict, .. } = options;
        let Self { alloc, repository, progress, .. } = *self;
        let collected = Collected::read(repository, alloc, tip, edge_order, strict, progress)?;
        let malformed = collected.malformed.clone();
        let meta = meta_of(tip, edge_order, &collected)?;
        let plan = Plan::new(alloc, collected)?;
        let written = write(repository, alloc, &plan, &meta, self.clock.now(), progress)?;
        Ok(Report::of(Mode::Full, meta, written, malformed))
    }
}

/// The metadata of a cache of all that was collected.
fn meta_of(
    tip: Oid,
    edge_order: EdgeOrder,
    collected: &Collected<'_>,
) -> Result<Meta, RebuildError> {
    let count = |count| u32::try_from(count).map_err(|_| RebuildError::TooManyEdges);
    Ok(Meta {
        journal_tip: tip,
        edge_order,
        edges: collected.commits.edges(),
        commits: count(collected.commits.len())?,
        commits_skipped: collected.malformed.skipped,
        edges_truncated: collected.malformed.truncated,
        commits_indexed: count(collected.commits.spans().count())?,
    })
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
        pack: None,
        malformed: Vec::new(),
        replaced_because: None,
        full_because: None,
    }
}
