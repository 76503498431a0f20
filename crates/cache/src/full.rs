//! Building a whole cache: in memory while it fits, else by way of the disk.

use super::collect::{Collected, Edges, Room, Source};
use super::error::RebuildError;
use super::meta::Meta;
use super::names::Names;
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

/// What a whole cache is built with.
pub(super) struct Full<'a> {
    pub(super) target: Target<'a>,
    pub(super) source: Source<'a>,
    pub(super) edge_order: EdgeOrder,
    pub(super) time: Timestamp,
}

/// A cache, what was left out of it, and what went to the disk for it.
type Built<'a> = (Meta, MalformedCounts, Written<'a>, Bytes);

/// How far it got in memory.
enum Outcome<'a> {
    Written(Built<'a>),
    Spilled(Meta, MalformedCounts, Box<'a, NumberedCommits<'a, Names<'a>>>, Box<'a, Spilled<'a>>),
}

impl<'a> Full<'a> {
    /// Reads the journal at `tip` and writes its cache. What does not fit the arena goes to `disk`;
    /// without one, that is an error.
    pub(super) fn run(
        &self,
        arena: &mut Arena<'_>,
        tip: Oid,
        disk: Option<&'a dyn FileSystem>,
    ) -> Result<Built<'a>, RebuildError> {
        arena.reset();
        let room = disk.map_or(Room::Arena, Room::ArenaThenDisk);
        let outcome = match (self.in_memory(arena, room, tip), disk) {
            (Err(error), Some(disk)) if error.is_over_cap() => {
                // The edges fitted, and what is made of them did not.
                arena.reset();
                self.in_memory(arena, Room::Disk(disk), tip)?
            }
            (outcome, _) => outcome?,
        };
        let (meta, malformed, commits, spilled) = match outcome {
            Outcome::Written(built) => return Ok(built),
            Outcome::Spilled(meta, malformed, commits, spilled) => {
                (meta, malformed, commits, spilled)
            }
        };
        let plan = SpilledPlan { target: self.target, spilled: &spilled, commits: &commits };
        let written = plan.write(arena, &meta, self.time)?;
        Ok((meta, malformed, written, spilled.bytes()))
    }

    /// Reads the journal, and writes the cache if nothing went to the disk.
    fn in_memory<'r>(
        &self,
        arena: &'r Arena<'r>,
        room: Room<'a>,
        tip: Oid,
    ) -> Result<Outcome<'a>, RebuildError> {
        let read = self.source.read(arena, room, tip, self.edge_order)?;
        let Collected { commits, edges, malformed } = read;
        let meta = meta_of(tip, self.edge_order, &commits, &malformed)?;
        match edges {
            Edges::Spilled(spilled) => {
                let commits = self.source.alloc.try_box(commits)?;
                Ok(Outcome::Spilled(meta, malformed, commits, spilled))
            }
            Edges::Kept(kept) => {
                let plan = Plan::new(arena, commits, kept)?;
                let written = write(self.target, &plan, &meta, self.time)?;
                Ok(Outcome::Written((meta, malformed, written, Bytes::ZERO)))
            }
        }
    }
}

/// The metadata of a cache of all that was collected.
pub(super) fn meta_of(
    tip: Oid,
    edge_order: EdgeOrder,
    commits: &NumberedCommits<'_, Names<'_>>,
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
    })
}
