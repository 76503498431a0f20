//! Appending edges to a journal: commits on top of its tip, then one update of its ref.
//!
//! Only the tip of the journal is read, to check that it is a commit, so the cost does not depend
//! on the length of the journal. When another process has updated the ref meanwhile
//! (compare-and-swap fails), the commits are made again on top of the new tip, after exponential
//! backoff with jitter. Readers see none of the commits until the ref is updated.

use super::backoff::Backoff;
use super::batch::Batch;
use super::message::{MessageError, encode_message};
use core::time::Duration;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Authors, CommitDraft, ObjectKind, RefUpdate, Repository};
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::clock::{Clock, Timestamp};
use gitmind_ports::random::{Random, RandomError};

/// Attempts to update the ref before the append fails with [`AppendError::Contended`].
const ATTEMPTS_MAX: u32 = 40;
/// Upper bound of the wait after the first failed attempt; it doubles with each attempt.
const FIRST_WAIT_MAX: Duration = Duration::from_millis(2);
/// Upper bound of every wait.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// The inputs of an append.
#[derive(Clone, Copy)]
pub struct Append<'a> {
    /// Allocates the buffers and the objects of the transaction.
    pub alloc: Alloc<'a>,
    /// The repository that holds the journal.
    pub repository: &'a dyn Repository,
    /// Gives the time of the commits, and sleeps between attempts.
    pub clock: &'a dyn Clock,
    /// Jitter of the waits, so that two processes that collided do not collide again.
    pub random: &'a dyn Random,
}

impl core::fmt::Debug for Append<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Append").finish_non_exhaustive()
    }
}

/// The result of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The newest commit, to which the journal's ref points now; `None` for an empty batch.
    pub tip: Option<Oid>,
    /// Number of new commits.
    pub commits: u32,
    /// Attempts to update the ref, the successful one included.
    pub attempts: u32,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The repository cannot be read or written.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// A payload cannot be encoded as a commit message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The batch needs more commits than a pack can hold.
    #[error("{commits} commits are more than a pack can hold")]
    TooManyCommits {
        /// Commits that the batch needs.
        commits: usize,
    },
    /// Another process updated the journal's ref during each attempt.
    #[error("other processes updated the journal during each of {attempts} attempts")]
    Contended {
        /// Number of attempts.
        attempts: u32,
    },
    /// There are no random bytes for the jitter.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// An allocation failed.
    #[error("no memory to append: {0}")]
    Memory(#[from] MemoryError),
}

impl AppendError {
    /// The allocation failure, if one is the cause, at whatever depth.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Memory(error)
            | Self::Repository(git::Error::Memory(error))
            | Self::Message(MessageError::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

impl Append<'_> {
    /// Appends the edges of `batch` to the journal of `branch`: all of them, or none.
    ///
    /// ```
    /// use gitmind_git::branch::BranchName;
    /// use gitmind_ports::clock::{FixedClock, Timestamp};
    /// use gitmind_git::{Repository, fake::FakeRepository};
    /// use gitmind_journal::{Append, Batch, Edges};
    /// use gitmind_memory::{Alloc, System};
    /// use gitmind_ports::random::CountingRandom;
    /// let (repository, system) = (FakeRepository::default(), System::new());
    /// let alloc = Alloc::new(&system);
    /// let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    /// let random = CountingRandom::new(0);
    /// let append = Append { alloc, repository: &repository, clock: &clock, random: &random };
    /// let mut batch = Batch::new(alloc);
    /// batch.push(&Edges::new(&[0xa0]).next().expect("an edge")?)?;
    /// let appended = append.run(&BranchName::new("main")?, &batch)?;
    /// assert_eq!((appended.commits, appended.attempts), (1, 1));
    /// assert_eq!(repository.resolve("refs/gitmind/edges/main")?, appended.tip);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An [`AppendError`]; the ref is then unchanged, except after [`git::Error::RefUnsure`].
    pub fn run(&self, branch: &BranchName, batch: &Batch<'_>) -> Result<Appended, AppendError> {
        let payloads = batch.payloads().len();
        let commits = u32::try_from(payloads).ok().filter(|commits| *commits < u32::MAX);
        let commits = commits.ok_or(AppendError::TooManyCommits { commits: payloads })?;
        if commits == 0 {
            return Ok(Appended { tip: None, commits, attempts: 0 });
        }
        let (journal, authors) = (branch.journal_ref(), self.repository.authors()?);
        let (new, attempts) = self.retried(|| {
            let expected = self.repository.resolve(&journal)?;
            let mut drafts = Drafts::new(self.alloc, &authors, self.clock.now(), expected);
            if let Some(tip) = expected {
                // The parent must be a commit: edges on top of another object could not be read.
                self.repository.read(tip, ObjectKind::Commit, &mut drafts.commit)?;
            }
            unless_overtaken(self.attempt(&journal, expected, drafts, batch))
        })?;
        Ok(Appended { tip: Some(new), commits, attempts })
    }

    /// Calls `attempt` until it returns a value; it returns `None` when another process was faster.
    /// Returns the value and the number of attempts.
    pub(super) fn retried<T, E: From<AppendError>>(
        &self,
        mut attempt: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<(T, u32), E> {
        let mut backoff = Backoff::new(self.clock, self.random, FIRST_WAIT_MAX, WAIT_MAX);
        for attempts in 1..=ATTEMPTS_MAX {
            if let Some(value) = attempt()? {
                return Ok((value, attempts));
            }
            backoff.wait().map_err(AppendError::from)?;
        }
        Err(AppendError::Contended { attempts: ATTEMPTS_MAX }.into())
    }

    /// Writes the commits on top of the parent in `drafts` and updates the ref `journal` from
    /// `expected`; returns the id of the newest commit.
    pub(super) fn attempt(
        &self,
        journal: &str,
        expected: Option<Oid>,
        mut drafts: Drafts<'_, '_>,
        batch: &Batch<'_>,
    ) -> Result<Oid, AppendError> {
        let commits = batch.payloads().len();
        let objects = u32::try_from(commits).ok();
        let objects =
            objects.and_then(|objects| objects.checked_add(drafts.parent.is_none().into()));
        let objects = objects.ok_or(AppendError::TooManyCommits { commits })?;
        let mut transaction = self.repository.begin(self.alloc, Some(objects))?;
        if drafts.parent.is_none() {
            // git reads the empty tree without an object, but `git fsck` reports it as missing.
            transaction.add(ObjectKind::Tree, b"")?;
        }
        let mut new = Oid::ZERO;
        for payload in batch.payloads() {
            new = transaction.add(ObjectKind::Commit, drafts.next(payload)?)?;
            drafts.parent = Some(new);
        }
        let (name, time, reason) = (journal, drafts.time, "git-mind: append");
        transaction.commit(RefUpdate { name, expected, new, time, reason })?;
        Ok(new)
    }
}

/// The value of an attempt, or `None` when another process has moved the ref or removed files.
pub(super) fn unless_overtaken<T>(
    attempted: Result<T, AppendError>,
) -> Result<Option<T>, AppendError> {
    match attempted {
        Err(AppendError::Repository(git::Error::RefMoved { .. } | git::Error::Removed(_))) => {
            Ok(None)
        }
        attempted => attempted.map(Some),
    }
}

/// Encodes commit objects, each a child of the one before, in two buffers that are reused.
pub(super) struct Drafts<'d, 'a> {
    authors: &'d Authors,
    time: Timestamp,
    tree: Oid,
    parent: Option<Oid>,
    message: Vec<'a, u8>,
    commit: Vec<'a, u8>,
}

impl<'d, 'a> Drafts<'d, 'a> {
    /// Drafts whose first commit has the parent `parent`.
    pub(super) fn new(
        alloc: Alloc<'a>,
        authors: &'d Authors,
        time: Timestamp,
        parent: Option<Oid>,
    ) -> Self {
        let (message, commit) = (Vec::new(alloc), Vec::new(alloc));
        Self { authors, time, tree: git::EMPTY_TREE, parent, message, commit }
    }

    /// The commit object that holds `payload`.
    fn next(&mut self, payload: &[u8]) -> Result<&[u8], AppendError> {
        self.message.clear();
        encode_message(payload, &mut self.message)?;
        self.commit.clear();
        let Self { authors, time, tree, parent, message, commit } = self;
        let draft =
            CommitDraft { tree: *tree, parents: parent.as_slice(), authors, time: *time, message };
        draft.encode(commit)?;
        Ok(commit)
    }
}
