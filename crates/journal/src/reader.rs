//! Reading the edges of one commit, or of a whole journal, newest first.
//!
//! A malformed commit does not end the walk: it is reported as an item, and the next one is read.

use super::cbor::{CborError, Edges};
use super::edge::Edge;
use super::message::{MessageError, decode_message};
use super::newest::walk_newest;
use super::order::WalkError;
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_memory::{Alloc, Vec};

/// Malformed commits that are stored; the others are only counted.
const FIRST_MAX: usize = 8;

/// A malformed commit of a journal, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its message has no payload: none of its edges can be read.
    #[error("journal commit {commit} was skipped: {problem}")]
    Skipped {
        /// The commit.
        commit: Oid,
        /// Why the message has no payload.
        problem: MessageError,
    },
    /// Its payload has an invalid edge: only the edges before that can be read.
    #[error("journal commit {commit} was cut short after {edges_read} edges: {problem}")]
    Truncated {
        /// The commit.
        commit: Oid,
        /// Edges that were read before the error.
        edges_read: u32,
        /// The invalid edge.
        problem: CborError,
    },
    /// It was written in June 2025, in a format that lost data: only the edges before that can be
    /// read.
    #[error(
        "journal commit {commit} is in the old format of June 2025: {edges_read} of its edges can \
         be read, the rest was lost when it was written"
    )]
    OldFormat {
        /// The commit.
        commit: Oid,
        /// Edges that can be read.
        edges_read: u32,
    },
}

impl Malformed {
    /// A commit with `edges_read` edges before one that cannot be read.
    fn of_edge(commit: Oid, edges_read: u32, problem: CborError) -> Self {
        match problem.is_old_format() {
            true => Self::OldFormat { commit, edges_read },
            false => Self::Truncated { commit, edges_read, problem },
        }
    }
}

/// The malformed commits of a journal: how many there are, and the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MalformedCounts {
    /// Number of commits of the kind [`Malformed::Skipped`].
    pub skipped: u32,
    /// Number of commits of the kinds [`Malformed::Truncated`] and [`Malformed::OldFormat`].
    pub truncated: u32,
    /// Number of known commits of the kind [`Malformed::OldFormat`].
    pub old_format: u32,
    /// The first few of both kinds.
    first: [Option<Malformed>; FIRST_MAX],
}

impl MalformedCounts {
    /// Counts without any of the commits.
    pub fn of(skipped: u32, truncated: u32) -> Self {
        Self { skipped, truncated, ..Self::default() }
    }

    /// Counts `malformed`, and stores it when it is one of the first few.
    pub fn add(&mut self, malformed: Malformed) {
        match malformed {
            Malformed::Skipped { .. } => self.skipped += 1,
            Malformed::Truncated { .. } => self.truncated += 1,
            Malformed::OldFormat { .. } => {
                self.truncated += 1;
                self.old_format += 1;
            }
        }
        if let Some(free) = self.first.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(malformed);
        }
    }

    /// The first few, in the order in which they were read.
    pub fn first(&self) -> impl Iterator<Item = &Malformed> {
        self.first.iter().flatten()
    }
}

/// A buffer for payloads, reused from commit to commit.
#[derive(Debug)]
pub struct PayloadBuffer<'a> {
    payload: Vec<'a, u8>,
    /// The start offsets of edges that are visited later.
    starts: Vec<'a, usize>,
}

impl<'a> PayloadBuffer<'a> {
    /// An empty buffer that allocates from `alloc`.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self { payload: Vec::new(alloc), starts: Vec::new(alloc) }
    }

    /// Decodes the message of `commit`.
    ///
    /// # Errors
    /// When the message has no payload.
    pub fn edges(&mut self, commit: &Commit<'_>) -> Result<Edges<'_>, MessageError> {
        decode_message(commit.message, &mut self.payload)?;
        Ok(Edges::new(&self.payload))
    }

    /// Visits the items of `commit`, in the order of its payload, until `visit` breaks.
    ///
    /// # Errors
    /// The error of `visit`, or [`WalkError::Memory`].
    pub fn read<E: From<WalkError>>(
        &mut self,
        commit: &Commit<'_>,
        mut visit: impl FnMut(JournalItem<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        if let Some(malformed) = self.decode(commit)? {
            return visit(JournalItem::Malformed(malformed));
        }
        let mut edges_read = 0;
        for edge in Edges::new(&self.payload) {
            let item = match &edge {
                Ok(edge) => {
                    edges_read += 1;
                    JournalItem::Edge(commit, edge)
                }
                Err(problem) => {
                    JournalItem::Malformed(Malformed::of_edge(commit.id, edges_read, *problem))
                }
            };
            if visit(item)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Visits the items of `commit` from the last one to the first, until `visit` breaks.
    ///
    /// # Errors
    /// The error of `visit`, or [`WalkError::Memory`].
    pub fn read_newest<E: From<WalkError>>(
        &mut self,
        commit: &Commit<'_>,
        mut visit: impl FnMut(JournalItem<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<ControlFlow<()>, E> {
        if let Some(malformed) = self.decode(commit)? {
            return visit(JournalItem::Malformed(malformed));
        }
        let Self { payload, starts } = self;
        starts.clear();
        let mut edges = Edges::new(payload);
        let mut last = None;
        loop {
            let start = edges.offset();
            match edges.next() {
                None => break,
                Some(Ok(edge)) => {
                    starts.try_push(start).map_err(WalkError::from)?;
                    last = Some(edge);
                }
                Some(Err(problem)) => {
                    let edges_read = u32::try_from(starts.len()).unwrap_or(u32::MAX);
                    let malformed = Malformed::of_edge(commit.id, edges_read, problem);
                    if visit(JournalItem::Malformed(malformed))?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        for start in starts.iter().rev() {
            // The last edge is decoded already.
            let again = || Edges::at(payload, *start).next()?.ok();
            let edge = last.take().or_else(again);
            let edge = edge.expect("this holds because an edge was decoded from this byte");
            if visit(JournalItem::Edge(commit, &edge))?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Decodes the message of `commit`, or says why it has no payload.
    fn decode(&mut self, commit: &Commit<'_>) -> Result<Option<Malformed>, WalkError> {
        match self.edges(commit) {
            Ok(_) => Ok(None),
            Err(MessageError::Memory(error)) => Err(error.into()),
            Err(problem) => Ok(Some(Malformed::Skipped { commit: commit.id, problem })),
        }
    }
}

/// An item of a journal.
#[derive(Clone, Debug)]
pub enum JournalItem<'m> {
    /// An edge and its commit.
    Edge(&'m Commit<'m>, &'m Edge<'m>),
    /// A commit some or all of whose edges cannot be read.
    Malformed(Malformed),
}

/// Visits the items of the journal at `tip` until `visit` breaks, newest first: the reverse of
/// [`EdgeOrder::OldestFirst`](super::EdgeOrder::OldestFirst). One commit is in memory at a time, in
/// buffers of `alloc`.
///
/// ```
/// use gitmind_git::fake::FakeRepository;
/// use gitmind_journal::{JournalItem, WalkError, read_newest};
/// use gitmind_memory::{Alloc, System};
/// use std::ops::ControlFlow;
/// let (repository, system) = (FakeRepository::default(), System::new());
/// let first = repository.commit(&[], b"oA==");
/// let tip = repository.commit(&[first], b"not base64");
/// let (mut edges, mut malformed) = (0, 0);
/// read_newest(&repository, Alloc::new(&system), tip, |item| {
///     match item {
///         JournalItem::Edge(..) => edges += 1,
///         JournalItem::Malformed(_) => malformed += 1,
///     }
///     Ok::<_, WalkError>(ControlFlow::Continue(()))
/// })?;
/// assert_eq!((edges, malformed), (1, 1));
/// # Ok::<(), WalkError>(())
/// ```
///
/// # Errors
/// The error of `visit`, or a [`WalkError`].
pub fn read_newest<E: From<WalkError>>(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    tip: Oid,
    mut visit: impl FnMut(JournalItem<'_>) -> Result<ControlFlow<()>, E>,
) -> Result<(), E> {
    let mut payload = PayloadBuffer::new(alloc);
    walk_newest(repository, alloc, tip, |commit| payload.read_newest(commit, &mut visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::fake::FakeRepository;
    use gitmind_memory::System;
    use std::string::String;
    use std::vec::Vec;

    #[test]
    fn edges_are_visited_newest_first_within_a_commit_too_and_a_break_ends_the_walk() {
        let repository = FakeRepository::default();
        // Edges of the types 1 and 2; three edges, and a byte that is none; nothing at all.
        let first = repository.commit(&[], b"oQIBoQIC");
        let second = repository.commit(&[first], b"oQIDoQIEoQIF/w==");
        let third = repository.commit(&[second], b"");
        let tip = repository.commit(&[third], b"oQIG");
        let expected = ["6", "malformed", "5", "4", "3", "2", "1"];
        let system = System::new();
        for limit in 1..=expected.len() {
            let mut visited: Vec<String> = Vec::new();
            read_newest(&repository, Alloc::new(&system), tip, |item| {
                visited.push(match item {
                    JournalItem::Edge(_, edge) => edge.relation.0.to_string(),
                    JournalItem::Malformed(_) => "malformed".into(),
                });
                let is_enough = visited.len() == limit;
                let flow =
                    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
                Ok::<_, WalkError>(flow)
            })
            .expect("a whole journal");
            assert_eq!(visited, expected[..limit]);
        }
    }
}
