//! Appending edges to a journal: commits on top of its tip, then one move of its ref.
//!
//! The journal is not read: its ref names the parent, so the cost does not depend on its length. A
//! ref that somebody else moved meanwhile is read again and the commits are made again, after a
//! wait that doubles; until the ref moves, nobody sees any of them.

use super::batch::Batch;
use super::message::{MessageError, encode_message};
use core::time::Duration;
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, CommitDraft, Identity, ObjectKind, RefUpdate, Repository};
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::clock::{Clock, Timestamp};
use gitmind_ports::random::{Random, RandomError};

/// How often it is tried before others have had their way too often.
const ATTEMPTS_MAX: u32 = 40;
/// The longest first wait; each next one is up to twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// What an append needs.
#[derive(Clone, Copy)]
pub struct Append<'a> {
    /// Where its memory comes from.
    pub alloc: Alloc<'a>,
    /// Where the journal is.
    pub repository: &'a dyn Repository,
    /// Dates the commits, and waits.
    pub clock: &'a dyn Clock,
    /// Says how long to wait, so that two that collide do not do so again.
    pub random: &'a dyn Random,
}

impl core::fmt::Debug for Append<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Append").finish_non_exhaustive()
    }
}

/// What was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The newest commit, which the journal's ref names now; `None` when there was nothing to do.
    pub tip: Option<Oid>,
    /// New commits.
    pub commits: u32,
    /// Tries that it took.
    pub attempts: u32,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The repository cannot be read or written.
    #[error(transparent)]
    Repository(#[from] git::Error),
    /// A payload makes no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// There are more commits than a pack can hold.
    #[error("{commits} commits are more than a pack holds")]
    TooManyCommits {
        /// Commits that would be needed.
        commits: usize,
    },
    /// Others moved the journal's ref each time.
    #[error("the journal was moved by others each of {attempts} times")]
    Contended {
        /// Tries.
        attempts: u32,
    },
    /// There is no randomness to wait by.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// Memory is short.
    #[error("no memory to append: {0}")]
    Memory(#[from] MemoryError),
}

impl AppendError {
    /// The refusal, however deep it was, when memory was short.
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
    /// An [`AppendError`]; no ref has moved then, but for [`git::Error::RefUnsure`].
    pub fn run(&self, branch: &BranchName, batch: &Batch<'_>) -> Result<Appended, AppendError> {
        let payloads = batch.payloads().len();
        let commits = u32::try_from(payloads).ok().filter(|commits| *commits < u32::MAX);
        let commits = commits.ok_or(AppendError::TooManyCommits { commits: payloads })?;
        if commits == 0 {
            return Ok(Appended { tip: None, commits, attempts: 0 });
        }
        let (journal, identity) = (branch.journal_ref(), self.repository.identity());
        let mut wait = FIRST_WAIT;
        for attempts in 1..=ATTEMPTS_MAX {
            let expected = self.repository.resolve(&journal)?;
            let drafts = Drafts::new(self.alloc, &identity, self.clock.now(), expected);
            let moved = self.attempt(&journal, drafts, commits, batch);
            match moved {
                Ok(new) => return Ok(Appended { tip: Some(new), commits, attempts }),
                Err(AppendError::Repository(
                    git::Error::RefMoved { .. } | git::Error::Removed(_),
                )) => {}
                Err(error) => return Err(error),
            }
            self.clock.sleep(self.part_of(wait)?);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(AppendError::Contended { attempts: ATTEMPTS_MAX })
    }

    /// Makes the commits on top of what `drafts` begin with the `journal`; returns the newest.
    fn attempt(
        &self,
        journal: &str,
        mut drafts: Drafts<'_, '_>,
        commits: u32,
        batch: &Batch<'_>,
    ) -> Result<Oid, AppendError> {
        let expected = drafts.parent;
        let objects = commits + u32::from(expected.is_none());
        let mut transaction = self.repository.begin(self.alloc, Some(objects))?;
        if expected.is_none() {
            // git knows the empty tree without it, but `git fsck` misses the object.
            transaction.add(ObjectKind::Tree, b"")?;
        }
        let mut new = Oid::ZERO;
        for payload in batch.payloads() {
            new = transaction.add(ObjectKind::Commit, drafts.next(payload)?)?;
            drafts.parent = Some(new);
        }
        transaction.commit(RefUpdate { name: journal, expected, new })?;
        Ok(new)
    }

    /// From nothing to all of `wait`.
    fn part_of(&self, wait: Duration) -> Result<Duration, RandomError> {
        let mut byte = [0];
        self.random.fill(&mut byte)?;
        Ok(wait * u32::from(byte[0]) / u32::from(u8::MAX))
    }
}

/// Makes commit objects in buffers that are kept.
struct Drafts<'d, 'a> {
    identity: &'d Identity,
    time: Timestamp,
    tree: Oid,
    parent: Option<Oid>,
    message: Vec<'a, u8>,
    commit: Vec<'a, u8>,
}

impl<'d, 'a> Drafts<'d, 'a> {
    /// Those on top of `parent`.
    fn new(alloc: Alloc<'a>, identity: &'d Identity, time: Timestamp, parent: Option<Oid>) -> Self {
        let (message, commit) = (Vec::new(alloc), Vec::new(alloc));
        Self { identity, time, tree: git::EMPTY_TREE, parent, message, commit }
    }

    /// The commit object that holds `payload`.
    fn next(&mut self, payload: &[u8]) -> Result<&[u8], AppendError> {
        self.message.clear();
        encode_message(payload, &mut self.message)?;
        self.commit.clear();
        let Self { identity, time, tree, parent, message, commit } = self;
        let draft =
            CommitDraft { tree: *tree, parents: parent.as_slice(), identity, time: *time, message };
        draft.encode(commit)?;
        Ok(commit)
    }
}
