//! A full rebuild: in memory while the edges fit, else by spilling them to disk.

use super::collect::{Collected, Edges, Source, Storage};
use super::commit_ids::CommitIds;
use super::error::RebuildError;
use super::marks::Marks;
use super::meta::Meta;
use super::numbered::NumberedCommits;
use super::plan::Plan;
use super::spill::{Spilled, SpilledPlan};
use super::write::{Target, Written, write};
use gitmind_git::oid::Oid;
use gitmind_journal::{EdgeOrder, MalformedCounts};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Arena, Box};
use gitmind_ports::clock::Timestamp;
use gitmind_ports::fs::FileSystem;

/// What a full rebuild needs.
pub(super) struct Full<'t, 'a> {
    pub(super) target: Target<'a>,
    pub(super) source: Source<'t, 'a>,
    pub(super) edge_order: EdgeOrder,
    pub(super) time: Timestamp,
}

/// The malformed commits, the written objects, and the number of spilled bytes.
type Built<'a> = (MalformedCounts, Written<'a>, Bytes);

/// The outcome of the phase in memory.
enum Outcome<'a> {
    Written(Built<'a>),
    Spilled(
        Meta,
        MalformedCounts,
        Marks<'a>,
        Box<'a, NumberedCommits<'a, CommitIds<'a>>>,
        Box<'a, Spilled<'a>>,
    ),
}

impl<'a> Full<'_, 'a> {
    /// Reads the journal at `tip` and writes its cache. Edges that do not fit in the arena are
    /// spilled to `disk`; without a disk, that is an error.
    pub(super) fn run(
        &self,
        arena: &mut Arena<'_>,
        tip: Oid,
        disk: Option<&'a dyn FileSystem>,
    ) -> Result<Built<'a>, RebuildError> {
        arena.reset();
        let storage = disk.map_or(Storage::Arena, Storage::ArenaThenDisk);
        let outcome = match (self.in_memory(arena, storage, tip), disk) {
            (Err(error), Some(disk)) if error.is_over_cap() || error.budget().is_some() => {
                // The edges fitted in the arena, but the plan or a tree beside them did not.
                arena.reset();
                let outcome = self.in_memory(arena, Storage::Disk(disk), tip)?;
                arena.note_spill();
                outcome
            }
            (outcome, _) => outcome?,
        };
        let (meta, malformed, marks, commits, spilled) = match outcome {
            Outcome::Written(built) => return Ok(built),
            Outcome::Spilled(meta, malformed, marks, commits, spilled) => {
                (meta, malformed, marks, commits, spilled)
            }
        };
        let target = self.target;
        let plan = SpilledPlan { target, spilled: &spilled, commits: &commits, marks: &marks };
        let written = plan.write(arena, meta, self.time)?;
        Ok((malformed, written, spilled.bytes()))
    }

    /// Reads the journal, and writes the cache unless edges were spilled.
    fn in_memory<'r>(
        &self,
        arena: &'r Arena<'r>,
        storage: Storage<'a>,
        tip: Oid,
    ) -> Result<Outcome<'a>, RebuildError> {
        let read = self.source.read(arena, storage, tip, self.edge_order)?;
        let Collected { commits, edges, marks, malformed } = read;
        let meta = meta_of(tip, self.edge_order, &commits, &malformed)?;
        match edges {
            Edges::Spilled(spilled) => {
                let commits = self.source.alloc.try_box(commits)?;
                Ok(Outcome::Spilled(meta, malformed, marks, commits, spilled))
            }
            Edges::InMemory(edges) => {
                let plan = Plan::new(arena, commits, edges)?;
                let written = write(self.target, plan, &marks, meta, self.time)?;
                Ok(Outcome::Written((malformed, written, Bytes::ZERO)))
            }
        }
    }
}

/// The metadata of a cache of the collected commits, without the number of paths, which is known
/// when they are written.
pub(super) fn meta_of(
    tip: Oid,
    edge_order: EdgeOrder,
    commits: &NumberedCommits<'_, CommitIds<'_>>,
    malformed: &MalformedCounts,
) -> Result<Meta, RebuildError> {
    let count = |count| u32::try_from(count).map_err(|_| RebuildError::TooManyEdges);
    Ok(Meta {
        journal_tip: tip,
        edge_order,
        edges: commits.edges(),
        commits: count(commits.len())?,
        commits_skipped: malformed.skipped,
        edges_truncated: malformed.truncated,
        commits_indexed: count(commits.spans().count())?,
        paths: 0,
    })
}
