//! Collecting a journal's edges: in the arena while they fit, else on disk by shard.

use super::error::{FullBecause, RebuildError};
use super::kept::Kept;
use super::names::Names;
use super::numbered::NumberedCommits;
use super::spill::Spilled;
use core::ops::ControlFlow;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Repository};
use gitmind_journal::{
    EdgeOrder, History, JournalItem, MalformedCounts, PayloadBuffer, Since, walk_into, walk_since,
};
use gitmind_memory::{Alloc, Arena, Box, Vec};
use gitmind_ports::fs::FileSystem;
use gitmind_ports::progress::{Progress, Step};

/// Commits between two progress reports.
const REPORT_EVERY: usize = 1024;

/// What a journal is read with.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) alloc: Alloc<'a>,
    /// Whether a malformed commit is an error.
    pub(super) strict: bool,
    pub(super) progress: &'a dyn Progress,
}

/// Where edges may go.
#[derive(Clone, Copy)]
pub(super) enum Room<'a> {
    /// The arena alone.
    Arena,
    /// The arena, and then the disk.
    ArenaThenDisk(&'a dyn FileSystem),
    /// The disk alone.
    Disk(&'a dyn FileSystem),
}

impl<'a> Room<'a> {
    const fn disk(self) -> Option<&'a dyn FileSystem> {
        match self {
            Self::Arena => None,
            Self::ArenaThenDisk(disk) | Self::Disk(disk) => Some(disk),
        }
    }
}

/// What is newer than a cache.
type Newer<'r, 'a> = (NumberedCommits<'a, Names<'a>>, Kept<'r>, MalformedCounts);

/// The edges of a journal.
pub(super) struct Collected<'r, 'a> {
    pub(super) commits: NumberedCommits<'a, Names<'a>>,
    pub(super) edges: Edges<'r, 'a>,
    pub(super) malformed: MalformedCounts,
}

/// Where the edges are.
pub(super) enum Edges<'r, 'a> {
    Kept(Kept<'r>),
    Spilled(Box<'a, Spilled<'a>>),
}

impl<'a> Source<'a> {
    /// Reads the journal at `tip` into the arena while that has room, and to the disk from then on.
    pub(super) fn read<'r>(
        self,
        arena: &'r Arena<'r>,
        room: Room<'a>,
        tip: Oid,
        order: EdgeOrder,
    ) -> Result<Collected<'r, 'a>, RebuildError> {
        let mut collector = Collector::new(self, arena, room)?;
        let names = Names::new(self.alloc, collector.cap_bytes, room.disk());
        let visit = |commit: &Commit<'_>| collector.commit(commit);
        let history = walk_into(self.repository, self.alloc, tip, order, names, visit)?;
        collector.finish(history)
    }

    /// Reads what is newer than `base` into the arena, as [`walk_since`] does; or says why that is
    /// not possible.
    pub(super) fn read_since<'r>(
        self,
        arena: &'r Arena<'r>,
        (tip, base): (Oid, Oid),
        commits_max: usize,
    ) -> Result<Result<Newer<'r, 'a>, FullBecause>, RebuildError> {
        let mut collector = Collector::new(self, arena, Room::Arena)?;
        let names = Names::new(self.alloc, collector.cap_bytes, None);
        let visit = |commit: &Commit<'_>| collector.commit(commit);
        match walk_since(self.repository, self.alloc, tip, base, commits_max, names, visit)? {
            Since::Merge => Ok(Err(FullBecause::Merge)),
            Since::NotMet => Ok(Err(FullBecause::NotMet)),
            Since::Newer(history) => {
                let Collected { commits, edges, malformed } = collector.finish(history)?;
                match edges {
                    Edges::Kept(kept) => Ok(Ok((commits, kept, malformed))),
                    Edges::Spilled(_) => unreachable!("there is no room but the arena"),
                }
            }
        }
    }
}

struct Collector<'r, 'a> {
    source: Source<'a>,
    /// Where edges go when the arena has no room.
    disk: Option<&'a dyn FileSystem>,
    cap_bytes: u64,
    payload: PayloadBuffer<'a>,
    edges: Edges<'r, 'a>,
    /// Edges so far.
    count: u32,
    /// The edges before each commit.
    starts: Vec<'a, u32>,
    malformed: MalformedCounts,
}

impl<'r, 'a> Collector<'r, 'a> {
    fn new(source: Source<'a>, arena: &'r Arena<'r>, room: Room<'a>) -> Result<Self, RebuildError> {
        let cap_bytes = arena.cap_bytes().get();
        let (disk, edges) = match room {
            Room::Arena => (None, Edges::Kept(Kept::new(arena)?)),
            Room::ArenaThenDisk(disk) => (Some(disk), Edges::Kept(Kept::new(arena)?)),
            Room::Disk(disk) => {
                let spilled = Spilled::begin(disk, source.alloc, cap_bytes)?;
                (None, Edges::Spilled(source.alloc.try_box(spilled)?))
            }
        };
        Ok(Self {
            source,
            disk,
            cap_bytes,
            payload: PayloadBuffer::new(source.alloc),
            edges,
            count: 0,
            starts: Vec::new(source.alloc),
            malformed: MalformedCounts::default(),
        })
    }

    /// The edges of the commits of `history`, which are those that were collected.
    fn finish(self, history: History<'a, Names<'a>>) -> Result<Collected<'r, 'a>, RebuildError> {
        let Self { edges, count, mut starts, malformed, .. } = self;
        starts.try_push(count)?;
        Ok(Collected { commits: NumberedCommits::new(history, starts), edges, malformed })
    }

    fn commit(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        if self.starts.len().is_multiple_of(REPORT_EVERY) {
            self.source.progress.report(Step::Reading, self.starts.len() as u64, None);
        }
        let first = self.count;
        self.starts.try_push(first)?;
        let mut taken = self.take(commit);
        if self.disk.is_some() && taken.as_ref().is_err_and(RebuildError::is_over_cap) {
            // The commit is taken again, as a whole.
            self.count = first;
            self.spill()?;
            taken = self.take(commit);
        }
        taken?;
        match &self.edges {
            Edges::Kept(kept) if self.disk.is_some() && kept.is_near_cap(self.starts.len()) => {
                self.spill()
            }
            _ => Ok(()),
        }
    }

    /// Moves the edges to the disk, where all further ones go as well.
    fn spill(&mut self) -> Result<(), RebuildError> {
        let (Edges::Kept(kept), Some(disk)) = (&mut self.edges, self.disk) else { return Ok(()) };
        kept.truncate(self.count as usize);
        let mut spilled = Spilled::begin(disk, self.source.alloc, self.cap_bytes)?;
        for (visit, (source, target)) in (0..).zip(kept.edges()) {
            spilled.try_push(visit, source, target)?;
        }
        self.edges = Edges::Spilled(self.source.alloc.try_box(spilled)?);
        Ok(())
    }

    /// Adds the edges of a commit.
    fn take(&mut self, commit: &Commit<'_>) -> Result<(), RebuildError> {
        let Self { source: Source { strict, .. }, payload, edges, count, malformed, .. } = self;
        let read = payload.read(commit, |item| {
            match item {
                JournalItem::Edge(_, edge) => {
                    let next = count.checked_add(1).ok_or(RebuildError::TooManyEdges)?;
                    match edges {
                        Edges::Kept(kept) => kept.try_push(edge.source, edge.target)?,
                        Edges::Spilled(spilled) => {
                            spilled.try_push(*count, edge.source, edge.target)?;
                        }
                    }
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
