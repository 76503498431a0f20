//! The stored form of a walk, from which a later walk continues, also from a newer head.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic and version |
//! | 20 | the commit that the walk began at |
//! | 1 | 1 while no commit with the path was found, else 0 |
//! | 4, then 4 and the bytes of each | names of the path, the first as it was asked for |
//! | 4, then 28 each | versions: content, edits, number of the name |
//! | 4, then 28 each | commits to continue from: commit, edits, number of the name |
//! | 20 | SHA-1 of all bytes before |
//!
//! Numbers are little endian. A walk that is complete has no commits to continue from.

use super::{Node, PathHistory};
use crate::Hasher;
use crate::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

const MAGIC: [u8; 8] = *b"GMAGES\0\x01";
/// Bytes of a version and of a commit to continue from.
const ENTRY_BYTES: usize = Oid::LEN + 4 + 4;

/// What a walk from an earlier head has found.
pub(super) struct Earlier<'a> {
    pub(super) head: Oid,
    pub(super) is_seeking: bool,
    pub(super) names: Vec<'a, Vec<'a, u8>>,
    /// Content, edits, number of the name.
    pub(super) versions: Vec<'a, (Oid, u32, u32)>,
    /// In the order of the walk.
    pub(super) frontier: Vec<'a, Node>,
}

impl PathHistory<'_> {
    /// Most bytes of a stored walk; one with more versions is not stored.
    pub const STORED_BYTES_MAX: usize = 1 << 20;

    /// Gives the walk what an earlier one of the same path has [stored](Self::store), for when it
    /// meets the commit where that one began. Returns `false` for bytes that are damaged or those
    /// of another path, and does nothing then.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails; the walk is unchanged then.
    pub fn restore(&mut self, stored: &[u8]) -> Result<bool, MemoryError> {
        let earlier = Earlier::decode(stored, self.names.alloc())?;
        let name = self.names.first().map(Vec::as_slice);
        let earlier = earlier.filter(|stored| stored.names.first().map(Vec::as_slice) == name);
        let is_restored = earlier.is_some();
        if is_restored {
            self.earlier = earlier;
        }
        Ok(is_restored)
    }

    /// Appends the stored form of the walk to `out`; `false` when there is nothing to store, and
    /// nothing is appended then: it has read nothing, it is too large, or a stored walk that it
    /// has not met knows more.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails; `out` then holds a part.
    pub fn store(&self, out: &mut Vec<'_, u8>) -> Result<bool, MemoryError> {
        let knows_more = |earlier: &Earlier<'_>| earlier.versions.len() > self.versions.len();
        if !self.reader.has_read || self.earlier.as_ref().is_some_and(knows_more) {
            return Ok(false);
        }
        let nodes = self.frontier.len() + self.blocked.len();
        let names = self.names.iter().map(|name| 4 + name.len()).sum::<usize>();
        let entries = self.versions.len().saturating_add(nodes).saturating_mul(ENTRY_BYTES);
        let size = MAGIC.len() + 2 * Oid::LEN + 1 + 3 * 4 + names.saturating_add(entries);
        if size > Self::STORED_BYTES_MAX {
            return Ok(false);
        }
        out.try_reserve(size)?;
        let start = out.len();
        out.try_extend_from_slice(&MAGIC)?;
        out.try_extend_from_slice(self.head.as_bytes())?;
        out.try_push(u8::from(self.is_seeking))?;
        put(self.names.len(), out)?;
        for name in self.names.iter() {
            put(name.len(), out)?;
            out.try_extend_from_slice(name)?;
        }
        put(self.versions.len(), out)?;
        for (content, (edits, name)) in self.versions.iter() {
            put_entry(*content, *edits, *name, out)?;
        }
        put(nodes, out)?;
        for Node { commit, name, edits } in self.frontier.iter().rev().chain(self.blocked.iter()) {
            put_entry(*commit, *edits, *name, out)?;
        }
        let Some(hash) = hash(&out[start..]) else {
            out.truncate(start);
            return Ok(false);
        };
        out.try_extend_from_slice(hash.as_bytes())?;
        Ok(true)
    }
}

/// The SHA-1 of `bytes`; `None` when they are a collision attack.
pub(super) fn hash(bytes: &[u8]) -> Option<Oid> {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish().ok()
}

fn put(number: usize, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let number = u32::try_from(number).expect("this holds because the size is limited");
    out.try_extend_from_slice(&number.to_le_bytes())
}

fn put_entry(id: Oid, edits: u32, name: u32, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    out.try_extend_from_slice(id.as_bytes())?;
    out.try_extend_from_slice(&edits.to_le_bytes())?;
    out.try_extend_from_slice(&name.to_le_bytes())
}

impl<'a> Earlier<'a> {
    /// The walk that was stored as `bytes`; `None` when they are not a stored walk.
    fn decode(bytes: &[u8], alloc: Alloc<'a>) -> Result<Option<Self>, MemoryError> {
        let Some(mut rest) = checked(bytes) else { return Ok(None) };
        let mut earlier = Self {
            head: Oid::ZERO,
            is_seeking: false,
            names: Vec::new(alloc),
            versions: Vec::new(alloc),
            frontier: Vec::new(alloc),
        };
        let is_whole = earlier.fill(&mut rest)?.is_some() && rest.is_empty();
        Ok(is_whole.then_some(earlier))
    }

    /// Takes the parts off `rest`; `None` when one is missing or refers to a missing name.
    fn fill(&mut self, rest: &mut &[u8]) -> Result<Option<()>, MemoryError> {
        let Some(head) = take(rest) else { return Ok(None) };
        let Some([is_seeking @ (0 | 1)]) = take(rest) else { return Ok(None) };
        (self.head, self.is_seeking) = (Oid::new(head), is_seeking == 1);
        let Some(names) = number(rest) else { return Ok(None) };
        for _ in 0..names {
            let len = number(rest).and_then(|len| usize::try_from(len).ok());
            let Some(name) = len.and_then(|len| rest.split_off(..len)) else { return Ok(None) };
            let mut copy = Vec::new(self.names.alloc());
            copy.try_extend_from_slice(name)?;
            self.names.try_push(copy)?;
        }
        let Some(versions) = number(rest) else { return Ok(None) };
        for _ in 0..versions {
            let Some((content, edits, name)) = entry(rest, names) else { return Ok(None) };
            self.versions.try_push((content, edits, name))?;
        }
        let Some(nodes) = number(rest) else { return Ok(None) };
        for _ in 0..nodes {
            let Some((commit, edits, name)) = entry(rest, names) else { return Ok(None) };
            self.frontier.try_push(Node { commit, name, edits })?;
        }
        Ok(Some(()))
    }
}

/// What is between the magic and the hash, when both are right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (body, expected) = bytes.split_last_chunk()?;
    let rest = body.strip_prefix(&MAGIC)?;
    (bytes.len() <= PathHistory::STORED_BYTES_MAX && hash(body)? == Oid::new(*expected))
        .then_some(rest)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}

/// An object, edits, and the number of one of `names` names.
fn entry(rest: &mut &[u8], names: u32) -> Option<(Oid, u32, u32)> {
    let (id, edits, name) = (Oid::new(take(rest)?), number(rest)?, number(rest)?);
    (name < names).then_some((id, edits, name))
}
