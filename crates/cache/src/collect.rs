//! Collecting the edges of a journal: in the arena while they fit, else in a scratch file by shard.

use super::commit_ids::CommitIds;
use super::edge_columns::{self, EdgeColumns};
use super::end::End;
use super::error::RebuildError;
use super::marks::Marks;
use super::numbered::NumberedCommits;
use super::path_keys::KnownPaths;
use super::spill::Spilled;
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_journal::{EdgeOrder, History, JournalItem, MalformedCounts, PayloadBuffer, walk_into};
use gitmind_memory::{Alloc, Arena, Box, Column, InternTable, MemoryError};
use gitmind_ports::fs::FileSystem;
use gitmind_ports::progress::{Progress, Step};

/// Commits between two progress reports.
const REPORT_EVERY: usize = 1024;
/// Interned paths may use 1/128 of the arena's cap.
const PATHS_CAP_SHARE: u64 = 128;

/// The journal's repository, and what is needed to read it.
#[derive(Clone, Copy)]
pub(super) struct Source<'t, 'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) alloc: Alloc<'a>,
    /// Strict mode: a malformed commit is an error.
    pub(super) strict: bool,
    pub(super) progress: &'a dyn Progress,
    /// An empty table, of whose kind paths are interned.
    pub(super) texts: &'t InternTable<'a>,
}

/// Where collected edges may be stored.
#[derive(Clone, Copy)]
pub(super) enum Storage<'a> {
    /// Only in the arena.
    Arena,
    /// In the arena until it is full, then on disk.
    ArenaThenDisk(&'a dyn FileSystem),
    /// Only on disk.
    Disk(&'a dyn FileSystem),
}

impl<'a> Storage<'a> {
    const fn disk(self) -> Option<&'a dyn FileSystem> {
        match self {
            Self::Arena => None,
            Self::ArenaThenDisk(disk) | Self::Disk(disk) => Some(disk),
        }
    }
}

/// The collected commits and edges of a journal.
pub(super) struct Collected<'r, 'a> {
    pub(super) commits: NumberedCommits<'a, CommitIds<'a>>,
    pub(super) edges: Edges<'r, 'a>,
    pub(super) marks: Marks<'a>,
    pub(super) malformed: MalformedCounts,
}

/// The collected edges.
pub(super) enum Edges<'r, 'a> {
    InMemory(edge_columns::Edges<'r>),
    Spilled(Box<'a, Spilled<'a>>),
}

/// The edges that are collected so far.
#[expect(clippy::large_enum_variant, reason = "there is one, in the collector")]
enum Growing<'r, 'a> {
    InMemory(EdgeColumns<'r, 'a>),
    /// On disk, with the keys of paths.
    Spilled(Box<'a, Spilled<'a>>, KnownPaths<'a, Oid>),
}

impl<'a> Growing<'_, 'a> {
    fn spilled(
        source: Source<'_, 'a>,
        spilled: Spilled<'a>,
        cap_bytes: u64,
    ) -> Result<Self, MemoryError> {
        let keys = KnownPaths::new(source.texts.empty_like(), paths_bytes_max(cap_bytes));
        Ok(Self::Spilled(source.alloc.try_box(spilled)?, keys))
    }
}

/// Most bytes of the known paths, about, beside an arena with the cap `cap_bytes`.
fn paths_bytes_max(cap_bytes: u64) -> usize {
    usize::try_from(cap_bytes / PATHS_CAP_SHARE).unwrap_or(usize::MAX)
}

impl<'a> Source<'_, 'a> {
    /// Reads the journal at `tip` into the arena until it is full, then to disk.
    pub(super) fn read<'r>(
        self,
        arena: &'r Arena<'r>,
        storage: Storage<'a>,
        tip: Oid,
        order: EdgeOrder,
    ) -> Result<Collected<'r, 'a>, RebuildError> {
        let mut collector = Collector::new(self, arena, storage)?;
        let ids = CommitIds::new(self.alloc, collector.cap_bytes, storage.disk());
        let visit = |commit: &Commit<'_>| collector.commit(commit);
        let history = walk_into(self.repository, self.alloc, tip, order, ids, visit)?;
        collector.finish(history)
    }
}

/// The commits and edges that are read.
pub(super) struct Collector<'t, 'r, 'a> {
    source: Source<'t, 'a>,
    arena: &'r Arena<'r>,
    /// Where edges are spilled to when the arena is full; `None` if they must not, or are already.
    disk: Option<&'a dyn FileSystem>,
    cap_bytes: u64,
    payload: PayloadBuffer<'a>,
    edges: Growing<'r, 'a>,
    marks: Marks<'a>,
    /// Number of edges so far.
    pub(super) count: u32,
    /// For each visited commit, the number of edges before it.
    starts: Column<'a, u32>,
    pub(super) malformed: MalformedCounts,
}

impl<'t, 'r, 'a> Collector<'t, 'r, 'a> {
    pub(super) fn new(
        source: Source<'t, 'a>,
        arena: &'r Arena<'r>,
        storage: Storage<'a>,
    ) -> Result<Self, RebuildError> {
        let cap_bytes = arena.cap_bytes().get();
        let in_memory = || {
            let texts = source.texts.empty_like();
            Growing::InMemory(EdgeColumns::new(arena, texts, paths_bytes_max(cap_bytes)))
        };
        let (disk, edges) = match storage {
            Storage::Arena => (None, in_memory()),
            Storage::ArenaThenDisk(disk) => (Some(disk), in_memory()),
            Storage::Disk(disk) => {
                let spilled = Spilled::begin(disk, source.alloc, cap_bytes)?;
                (None, Growing::spilled(source, spilled, cap_bytes)?)
            }
        };
        Ok(Self {
            source,
            arena,
            disk,
            cap_bytes,
            payload: PayloadBuffer::new(source.alloc),
            edges,
            marks: Marks::new(source.alloc),
            count: 0,
            starts: Column::new(source.alloc),
            malformed: MalformedCounts::default(),
        })
    }

    /// Joins the edges with `history`, which must have exactly the collected commits.
    pub(super) fn finish(
        self,
        history: History<'a, CommitIds<'a>>,
    ) -> Result<Collected<'r, 'a>, RebuildError> {
        let Self { edges, marks, count, mut starts, malformed, .. } = self;
        starts.try_push(count)?;
        let edges = match edges {
            Growing::InMemory(columns) => Edges::InMemory(columns.into_edges()),
            Growing::Spilled(spilled, _) => Edges::Spilled(spilled),
        };
        let commits = NumberedCommits::new(history, starts);
        let marks = marks.numbered(&commits)?;
        Ok(Collected { commits, edges, marks, malformed })
    }

    /// Adds the edges of a commit.
    pub(super) fn commit(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        if self.starts.len().is_multiple_of(REPORT_EVERY) {
            self.source.progress.report(Step::Reading, self.starts.len() as u64, None);
        }
        let first = self.count;
        self.starts.try_push(first)?;
        let mut added = self.try_add(commit);
        if self.disk.is_some() && added.as_ref().is_err_and(RebuildError::is_over_cap) {
            // The edges of this commit are added again, from the first one on.
            self.count = first;
            self.marks.truncate(first);
            self.spill()?;
            added = self.try_add(commit);
        }
        added?;
        match &self.edges {
            Growing::InMemory(columns)
                if self.disk.is_some() && columns.is_near_cap(self.starts.len()) =>
            {
                self.spill()
            }
            _ => Ok(()),
        }
    }

    /// Moves the edges to disk, where all further edges are stored too.
    fn spill(&mut self) -> Result<(), RebuildError> {
        let (Growing::InMemory(columns), Some(disk)) = (&self.edges, self.disk) else {
            return Ok(());
        };
        let mut spilled = Spilled::begin(disk, self.source.alloc, self.cap_bytes)?;
        for (visit, (source, target)) in (0..).zip(columns.first_edges(self.count as usize)) {
            spilled.try_push(visit, source, target)?;
        }
        self.edges = Growing::spilled(self.source, spilled, self.cap_bytes)?;
        self.arena.note_spill();
        Ok(())
    }

    /// Adds the edges of a commit in memory, or on disk after a spill.
    fn try_add(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        let Self { source: Source { strict, .. }, payload, edges, marks, count, malformed, .. } =
            self;
        let read = payload.read(commit, |item| {
            match item {
                JournalItem::Edge(_, edge) => {
                    let next = count.checked_add(1).ok_or(RebuildError::TooManyEdges)?;
                    match edges {
                        Growing::InMemory(columns) => {
                            let source = columns.number(edge.source, edge.source_path)?;
                            let target = columns.number(edge.target, edge.target_path)?;
                            columns.try_push(source, target)?;
                        }
                        Growing::Spilled(spilled, keys) => {
                            let path = keys.key(edge.source_path)?;
                            let source = End { object: edge.source, path };
                            let path = keys.key(edge.target_path)?;
                            let target = End { object: edge.target, path };
                            spilled.try_push(*count, source, target)?;
                        }
                    }
                    marks.try_push(edge, *count)?;
                    *count = next;
                }
                JournalItem::Malformed(found) if *strict => {
                    return Err(RebuildError::Malformed(found));
                }
                JournalItem::Malformed(found) => malformed.add(found),
            }
            Ok(ControlFlow::Continue(()))
        });
        read.map(|_| ())
    }
}
