//! Merging other journals into the journal of a branch.
//!
//! The union is by commit, as in git: a merge is one commit without edges, whose first parent is
//! the journal's tip, so that no id of an existing edge moves. The linear form appends the edges of
//! the other journal instead, for readers that see first parents only.

use super::ancestry::{Descent, descent};
use super::append::{Append, AppendError, Drafts, unless_overtaken};
use super::batch::BatchError;
use super::linear::Lacking;
use super::message::MessageError;
use super::order::WalkError;
use super::reader::{MalformedCounts, PayloadBuffer};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{self as git, Commit, CommitDraft, EMPTY_TREE, ObjectKind, RefUpdate};
use gitmind_memory::{MemoryError, Vec};

/// How journals that have diverged are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeForm {
    /// By a commit with all of them as parents.
    Commit,
    /// By appending the missing edges.
    Linear,
}

/// The outcome of a merge for one of the other journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the journal already had all of it.
    UpToDate,
    /// The journal was created with it.
    Created,
    /// The journal's ref moved to it, because it contains all of the journal.
    FastForward,
    /// A merge commit has it as a parent, or a descendant of it.
    Merged,
    /// Its edges were appended.
    Appended,
}

impl Outcome {
    /// The word for it in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "up-to-date",
            Self::Created => "created",
            Self::FastForward => "fast-forward",
            Self::Merged => "merged",
            Self::Appended => "appended",
        }
    }
}

/// The result of a merge.
#[derive(Debug)]
pub struct Merged<'a> {
    /// The journal's tip before; `None` when there was no journal.
    pub before: Option<Oid>,
    /// The journal's tip now; `None` when there is still no journal.
    pub after: Option<Oid>,
    /// The outcome for each of the other journals, in their order.
    pub outcomes: Vec<'a, Outcome>,
    /// Edges that the linear form appended.
    pub appended: u64,
    /// Edges that the linear form omitted, because one of their texts is not UTF-8 or has control
    /// characters.
    pub left_out: u64,
    /// Malformed commits of the other journals that the linear form found.
    pub malformed: MalformedCounts,
    /// Attempts to update the ref, the successful one included.
    pub attempts: u32,
}

/// Why nothing was merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The tip of another journal is not a journal commit.
    #[error("commit {0} is not a journal commit: it has files, and its message has no edges")]
    NotAJournal(Oid),
    /// A journal cannot be read.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// An edge cannot be appended.
    #[error(transparent)]
    Edge(#[from] BatchError),
    /// The journal cannot be written.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl MergeError {
    /// The allocation failure, if one is the cause, at whatever depth.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::NotAJournal(_) => None,
            Self::Walk(error) => error.memory(),
            Self::Edge(error) => error.memory(),
            Self::Append(error) => error.memory(),
        }
    }
}

impl From<git::Error> for MergeError {
    fn from(error: git::Error) -> Self {
        Self::Append(error.into())
    }
}

impl From<MemoryError> for MergeError {
    fn from(error: MemoryError) -> Self {
        Self::Append(error.into())
    }
}

impl<'a> Append<'a> {
    /// Merges the journals whose newest commits are `others` into the journal of `branch`: all of
    /// them, or none. Repeating a merge does nothing.
    ///
    /// ```
    /// use gitmind_git::branch::BranchName;
    /// use gitmind_git::fake::FakeRepository;
    /// use gitmind_journal::{Append, MergeForm, Outcome};
    /// use gitmind_memory::{Alloc, System};
    /// use gitmind_ports::clock::{FixedClock, Timestamp};
    /// use gitmind_ports::random::CountingRandom;
    /// let (repository, system) = (FakeRepository::default(), System::new());
    /// let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
    /// let (alloc, random) = (Alloc::new(&system), CountingRandom::new(0));
    /// let append = Append { alloc, repository: &repository, clock: &clock, random: &random };
    /// let ours = repository.commit(&[], b"oA==");
    /// let theirs = repository.commit(&[], b"oQIB");
    /// repository.set_ref("refs/gitmind/edges/main", ours);
    /// let main = BranchName::new("main")?;
    /// let merged = append.merge(&main, &[theirs], MergeForm::Commit)?;
    /// assert_eq!(merged.outcomes.as_slice(), [Outcome::Merged]);
    /// let again = append.merge(&main, &[theirs], MergeForm::Commit)?;
    /// assert_eq!(again.outcomes.as_slice(), [Outcome::UpToDate]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A [`MergeError`]; the ref is then unchanged, except after [`git::Error::RefUnsure`].
    pub fn merge(
        &self,
        branch: &BranchName,
        others: &[Oid],
        form: MergeForm,
    ) -> Result<Merged<'a>, MergeError> {
        others.iter().try_for_each(|other| self.check_journal(*other))?;
        let journal = branch.journal_ref();
        let (merged, attempts) = self.retried(|| self.merge_once(&journal, others, form))?;
        Ok(Merged { attempts, ..merged })
    }

    /// Fails unless `tip` is a commit that may be one of a journal.
    fn check_journal(&self, tip: Oid) -> Result<(), MergeError> {
        let mut buffer = Vec::new(self.alloc);
        self.repository.read(tip, ObjectKind::Commit, &mut buffer)?;
        let commit = Commit::parse_stored(tip, &buffer)?;
        if commit.tree == EMPTY_TREE {
            return Ok(());
        }
        match PayloadBuffer::new(self.alloc).edges(&commit) {
            Ok(_) => Ok(()),
            Err(MessageError::Memory(error)) => Err(error.into()),
            Err(_) => Err(MergeError::NotAJournal(tip)),
        }
    }

    /// One attempt; `None` when another process was faster.
    fn merge_once(
        &self,
        journal: &str,
        others: &[Oid],
        form: MergeForm,
    ) -> Result<Option<Merged<'a>>, MergeError> {
        let before = self.repository.resolve(journal)?;
        let News { heads, mut outcomes, is_ahead } = self.news(before, others)?;
        // What the ref is moved to, and what joins it there.
        let (base, rest) = match (before, heads.as_slice()) {
            (_, []) => return Ok(Some(Merged::new(before, before, outcomes))),
            (Some(_), [head]) if is_ahead => (*head, &[][..]),
            (Some(ours), heads) => (ours, heads),
            (None, [first, rest @ ..]) => (*first, rest),
        };
        let mut lacking = Lacking::none(self.alloc);
        if form == MergeForm::Linear && !rest.is_empty() {
            lacking = Lacking::read(self.repository, self.alloc, base, rest)?;
        }
        let attempted = match form {
            MergeForm::Linear if lacking.batch.edges() > 0 => {
                let authors = self.repository.authors()?;
                let drafts = Drafts::new(self.alloc, &authors, self.clock.now(), Some(base));
                self.attempt(journal, before, drafts, &lacking.batch)
            }
            MergeForm::Linear if before == Some(base) => Ok(base),
            MergeForm::Linear => self.join(journal, before, base, &[]),
            MergeForm::Commit => self.join(journal, before, base, rest),
        };
        let Some(after) = unless_overtaken(attempted)? else { return Ok(None) };
        let done = match (before, rest, form) {
            (None, ..) => Outcome::Created,
            (Some(_), [], _) => Outcome::FastForward,
            (Some(before), ..) if before == after => Outcome::UpToDate,
            (.., MergeForm::Commit) => Outcome::Merged,
            (.., MergeForm::Linear) => Outcome::Appended,
        };
        outcomes.iter_mut().filter(|one| **one != Outcome::UpToDate).for_each(|one| *one = done);
        let Lacking { batch, malformed, left_out } = lacking;
        let merged = Merged::new(before, Some(after), outcomes);
        Ok(Some(Merged { appended: batch.edges(), left_out, malformed, ..merged }))
    }

    /// Those of `others` that have commits that the journal at `before` lacks.
    fn news(&self, before: Option<Oid>, others: &[Oid]) -> Result<News<'a>, MergeError> {
        let mut news =
            News { heads: Vec::new(self.alloc), outcomes: Vec::new(self.alloc), is_ahead: false };
        let descent = |one, other| descent(self.repository, self.alloc, one, other);
        for &other in others {
            let ours = before.map_or(Ok(Descent::Ancestor), |before| descent(before, other))?;
            let mut is_contained = matches!(ours, Descent::Equal | Descent::Descendant);
            let outcome = if is_contained { Outcome::UpToDate } else { Outcome::Merged };
            news.outcomes.try_push(outcome)?;
            let mut index = 0;
            while let Some(&head) = news.heads.get(index).filter(|_| !is_contained) {
                match descent(head, other)? {
                    Descent::Ancestor => drop(news.heads.remove(index)),
                    Descent::Equal | Descent::Descendant => is_contained = true,
                    Descent::Diverged => index += 1,
                }
            }
            if !is_contained {
                news.heads.try_push(other)?;
                news.is_ahead = ours == Descent::Ancestor;
            }
        }
        Ok(news)
    }

    /// Moves the ref `journal` from `before` to `base`, or to a commit that joins `rest` to it.
    fn join(
        &self,
        journal: &str,
        before: Option<Oid>,
        base: Oid,
        rest: &[Oid],
    ) -> Result<Oid, AppendError> {
        let time = self.clock.now();
        let mut transaction = self.repository.begin(self.alloc, Some((!rest.is_empty()).into()))?;
        let mut new = base;
        if !rest.is_empty() {
            let (mut parents, mut commit) = (Vec::new(self.alloc), Vec::new(self.alloc));
            parents.try_extend([base].into_iter().chain(rest.iter().copied()))?;
            let (tree, authors) = (EMPTY_TREE, &self.repository.authors()?);
            let draft = CommitDraft { tree, parents: &parents, authors, time, message: b"" };
            draft.encode(&mut commit)?;
            new = transaction.add(ObjectKind::Commit, &commit)?;
        }
        let (name, expected, reason) = (journal, before, "git-mind: merge");
        transaction.commit(RefUpdate { name, expected, new, time, reason })?;
        Ok(new)
    }
}

/// The other journals that add commits.
struct News<'a> {
    /// The journals that no other one contains.
    heads: Vec<'a, Oid>,
    /// [`Outcome::UpToDate`], or provisionally [`Outcome::Merged`].
    outcomes: Vec<'a, Outcome>,
    /// Whether the last of the heads contains all of the journal.
    is_ahead: bool,
}

impl<'a> Merged<'a> {
    fn new(before: Option<Oid>, after: Option<Oid>, outcomes: Vec<'a, Outcome>) -> Self {
        let malformed = MalformedCounts::default();
        Self { before, after, outcomes, appended: 0, left_out: 0, malformed, attempts: 0 }
    }
}
