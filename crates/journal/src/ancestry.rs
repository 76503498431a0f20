//! Ancestry of commits: whether one is an ancestor of another, and which commits only one history
//! has. The cost is that of the commits that differ.
//!
//! One walk visits both histories, the newest commit by committer's date first, and marks each
//! commit with the sides that reach it. It ends when only commits that both sides reach are left.
//! Dates affect the number of commits that are read, never the result. If the other tip is an
//! ancestor of a commit, no commit between the two is reached from that tip, so all of them are
//! visited before the walk can end.

use super::order::WalkError;
use core::ops::Range;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, Repository};
use gitmind_memory::{Alloc, Map, MemoryError, Vec};

/// The relation of one commit to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descent {
    /// They are the same commit.
    Equal,
    /// The first is an ancestor of the second.
    Ancestor,
    /// The first is a descendant of the second.
    Descendant,
    /// Each has commits that the other lacks.
    Diverged,
}

/// The relation of `ours` to `theirs`.
pub(super) fn descent(
    repository: &dyn Repository,
    alloc: Alloc<'_>,
    ours: Oid,
    theirs: Oid,
) -> Result<Descent, WalkError> {
    if ours == theirs {
        return Ok(Descent::Equal);
    }
    let mut walk = Walk::new(repository, alloc);
    walk.reach(ours, OURS)?;
    walk.reach(theirs, THEIRS)?;
    while walk.one_sided > 0 {
        walk.step()?;
        // The tips have the numbers 0 and 1.
        if walk.commits[0].sides == BOTH {
            return Ok(Descent::Ancestor);
        }
        if walk.commits[1].sides == BOTH {
            return Ok(Descent::Descendant);
        }
    }
    Ok(Descent::Diverged)
}

/// The commits that `theirs` reaches and none of `ours` does, in the order of their edges, oldest
/// first. Reads at most `reads_left` commits, from which it subtracts those that were read; `None`
/// when more reads are needed.
pub(super) fn added<'a>(
    repository: &dyn Repository,
    alloc: Alloc<'a>,
    ours: &[Oid],
    theirs: Oid,
    reads_left: &mut usize,
) -> Result<Option<Vec<'a, Oid>>, WalkError> {
    let mut walk = Walk::new(repository, alloc);
    walk.reach(theirs, THEIRS)?;
    ours.iter().try_for_each(|tip| walk.reach(*tip, OURS))?;
    if !walk.finish(reads_left)? {
        return Ok(None);
    }
    let (added, roots) = walk.their_own()?;
    // The walk may have ended before it came from our side to a commit whose clock is ahead. Then
    // it missed one that has no parent among the others, too.
    for root in roots.iter() {
        for tip in ours {
            let mut walk = Walk::new(repository, alloc);
            walk.reach(*root, THEIRS)?;
            walk.reach(*tip, OURS)?;
            if !walk.finish(reads_left)? || walk.commits[0].sides == BOTH {
                return Ok(None);
            }
        }
    }
    Ok(Some(added))
}

const OURS: u8 = 1;
const THEIRS: u8 = 2;
const BOTH: u8 = OURS | THEIRS;

/// A commit that was read.
struct Reached {
    /// The sides that are known to reach it.
    sides: u8,
    is_queued: bool,
    is_listed: bool,
    id: Oid,
    seconds: i64,
    /// Its parents, in the list of all parents.
    parents: Range<usize>,
}

struct Walk<'w, 'a> {
    repository: &'w dyn Repository,
    buffer: Vec<'a, u8>,
    numbers: Map<'a, Oid, u32>,
    commits: Vec<'a, Reached>,
    parents: Vec<'a, Oid>,
    queue: Queue<'a>,
    /// Queued commits that only one side reaches.
    one_sided: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(repository: &'w dyn Repository, alloc: Alloc<'a>) -> Self {
        Self {
            repository,
            buffer: Vec::new(alloc),
            numbers: Map::new(alloc),
            commits: Vec::new(alloc),
            parents: Vec::new(alloc),
            queue: Queue(Vec::new(alloc)),
            one_sided: 0,
        }
    }

    /// Walks until all commits that only one side reaches are marked; `false` when that needs more
    /// than `reads_left` reads. Subtracts the reads from `reads_left`.
    fn finish(&mut self, reads_left: &mut usize) -> Result<bool, WalkError> {
        while self.one_sided > 0 && self.commits.len() <= *reads_left {
            self.step()?;
        }
        *reads_left = reads_left.saturating_sub(self.commits.len());
        Ok(self.one_sided == 0)
    }

    /// The commits that only their side reaches, in post-order over their parents from the first
    /// commit, and those of them that have no parent among them.
    fn their_own(&mut self) -> Result<(Vec<'a, Oid>, Vec<'a, Oid>), WalkError> {
        let alloc = self.buffer.alloc();
        let (mut order, mut roots) = (Vec::new(alloc), Vec::new(alloc));
        // Each commit with the number of its next parent, and whether it has one of their own.
        let mut path = Vec::new(alloc);
        if self.commits[0].sides == THEIRS {
            self.commits[0].is_listed = true;
            path.try_push((0, 0, false))?;
        }
        while let Some((number, next, has_own)) = path.last_mut() {
            let Reached { id, ref parents, .. } = self.commits[*number];
            let parent = self.parents[parents.clone()].get(*next).copied();
            *next += 1;
            let Some(parent) = parent else {
                order.try_push(id)?;
                if !*has_own {
                    roots.try_push(id)?;
                }
                path.pop();
                continue;
            };
            let number = self.numbers.get(&parent).map(|number| *number as usize).expect(
                "this holds because the walk has passed the mark on to all parents of the commit",
            );
            let parent = &mut self.commits[number];
            *has_own |= parent.sides == THEIRS;
            if parent.sides == THEIRS && !parent.is_listed {
                parent.is_listed = true;
                path.try_push((number, 0, false))?;
            }
        }
        Ok((order, roots))
    }

    /// Passes the marks of the newest queued commit on to its parents.
    fn step(&mut self) -> Result<(), WalkError> {
        let Some(number) = self.queue.pop() else { return Ok(()) };
        let commit = &mut self.commits[number as usize];
        commit.is_queued = false;
        let sides = commit.sides;
        self.one_sided -= usize::from(sides != BOTH);
        for parent in commit.parents.clone() {
            self.reach(self.parents[parent], sides)?;
        }
        Ok(())
    }

    /// Marks a commit; queues it if a mark is new.
    fn reach(&mut self, id: Oid, sides: u8) -> Result<(), WalkError> {
        let number = match self.numbers.get(&id) {
            Some(number) => *number,
            None => self.read(id)?,
        };
        let commit = &mut self.commits[number as usize];
        let all = commit.sides | sides;
        if all == commit.sides {
            return Ok(());
        }
        let was_one_sided = commit.is_queued && commit.sides != BOTH;
        commit.sides = all;
        self.one_sided += usize::from(all != BOTH);
        self.one_sided -= usize::from(was_one_sided);
        if !commit.is_queued {
            commit.is_queued = true;
            self.queue.push(commit.seconds, number)?;
        }
        Ok(())
    }

    /// Reads a commit and gives it a number.
    fn read(&mut self, id: Oid) -> Result<u32, WalkError> {
        let number = u32::try_from(self.commits.len()).map_err(|_| WalkError::TooManyCommits)?;
        self.repository.read(id, ObjectKind::Commit, &mut self.buffer)?;
        let commit = Commit::parse_stored(id, &self.buffer)?;
        let start = self.parents.len();
        self.parents.try_extend(commit.parents())?;
        let parents = start..self.parents.len();
        let seconds = Commit::committer_seconds(&self.buffer).unwrap_or(0);
        let (sides, is_queued, is_listed) = (0, false, false);
        self.commits.try_push(Reached { sides, is_queued, is_listed, id, seconds, parents })?;
        self.numbers.try_insert(id, number)?;
        Ok(number)
    }
}

/// A binary heap of commits, by date.
struct Queue<'a>(Vec<'a, (i64, u32)>);

impl Queue<'_> {
    fn push(&mut self, seconds: i64, number: u32) -> Result<(), MemoryError> {
        self.0.try_push((seconds, number))?;
        let mut child = self.0.len() - 1;
        while child > 0 && self.0[(child - 1) / 2] < self.0[child] {
            self.0.swap((child - 1) / 2, child);
            child = (child - 1) / 2;
        }
        Ok(())
    }

    /// Removes the newest commit and returns its number.
    fn pop(&mut self) -> Option<u32> {
        let last = self.0.len().checked_sub(1)?;
        self.0.swap(0, last);
        let newest = self.0.pop();
        let mut parent = 0;
        loop {
            let children = 2 * parent + 1..(2 * parent + 3).min(self.0.len());
            match children.max_by_key(|child| self.0[*child]) {
                Some(child) if self.0[child] > self.0[parent] => {
                    self.0.swap(child, parent);
                    parent = child;
                }
                _ => return newest.map(|(_, number)| number),
            }
        }
    }
}
