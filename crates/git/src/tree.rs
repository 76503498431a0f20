//! Tree objects: parsing the entries of a tree, and encoding sorted entries.

use crate::oid::Oid;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// The id of the empty tree, which is the tree of every journal commit.
pub const EMPTY_TREE: Oid = Oid::new([
    0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88,
    0xfb, 0xee, 0x49, 0x04,
]);

/// The type of a tree entry, from its file mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryMode {
    /// A file that is not executable: mode 100644.
    File,
    /// A directory: mode 40000.
    Tree,
    /// A submodule, whose object is a commit of another repository: mode 160000.
    Submodule,
    /// Any other mode.
    Other,
}

impl EntryMode {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::File | Self::Other => b"100644",
            Self::Tree => b"40000",
            Self::Submodule => b"160000",
        }
    }
}

/// One entry of a tree, borrowed from its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeEntry<'a> {
    /// The type of the entry.
    pub mode: EntryMode,
    /// Its name, without directories.
    pub name: &'a [u8],
    /// The object.
    pub id: Oid,
}

/// The entries of the tree object `bytes`; ends after the first error.
///
/// # Ownership
/// The reason of a failure is a constant.
///
/// ```
/// use gitmind_git::{self as git, oid::Oid};
/// use gitmind_memory as memory;
/// let system = memory::System::new();
/// let mut tree = git::TreeDraft::new(memory::Alloc::new(&system));
/// tree.try_push(git::EntryMode::File, b"meta", Oid::ZERO)?;
/// let names: Vec<_> = git::entries(tree.as_bytes()).map(|entry| entry.map(|e| e.name)).collect();
/// assert_eq!(names, [Ok(b"meta".as_slice())]);
/// # Ok::<(), memory::MemoryError>(())
/// ```
pub fn entries(bytes: &[u8]) -> impl Iterator<Item = Result<TreeEntry<'_>, &'static str>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let parsed = split_entry(rest);
        rest = parsed.map_or(&[], |(_, after)| after);
        Some(parsed.map(|(entry, _)| entry).ok_or("it has a malformed entry"))
    })
}

fn split_entry(bytes: &[u8]) -> Option<(TreeEntry<'_>, &[u8])> {
    let space = bytes.iter().position(|&byte| byte == b' ')?;
    let nul = space + bytes[space..].iter().position(|&byte| byte == 0)?;
    let (id, rest) = bytes[nul + 1..].split_first_chunk()?;
    let mode = match &bytes[..space] {
        b"40000" | b"040000" => EntryMode::Tree,
        b"100644" => EntryMode::File,
        b"160000" => EntryMode::Submodule,
        _ => EntryMode::Other,
    };
    Some((TreeEntry { mode, name: &bytes[space + 1..nul], id: Oid::new(*id) }, rest))
}

/// A tree object that is being written.
#[derive(Debug)]
pub struct TreeDraft<'a> {
    bytes: Vec<'a, u8>,
}

impl<'a> TreeDraft<'a> {
    /// A tree without entries, which allocates from `alloc`.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self { bytes: Vec::new(alloc) }
    }

    /// Appends an entry. The caller adds entries in git's order: by name, a directory's name with
    /// `/` appended.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails; the tree is unchanged then.
    pub fn try_push(&mut self, mode: EntryMode, name: &[u8], id: Oid) -> Result<(), MemoryError> {
        let parts = [mode.as_bytes(), b" ", name, b"\0", id.as_bytes()];
        self.bytes.try_reserve(parts.iter().map(|part| part.len()).sum())?;
        parts.iter().try_for_each(|part| self.bytes.try_extend_from_slice(part))
    }

    /// The handle that the tree allocates from.
    pub fn alloc(&self) -> Alloc<'a> {
        self.bytes.alloc()
    }

    /// The tree object's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Removes all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;

    #[test]
    fn entries_read_back_as_written() {
        let ids = [Oid::new([0; 20]), Oid::new([b' '; 20]), Oid::new([0xff; 20])];
        let expected = [
            (EntryMode::Tree, b"00".as_slice(), ids[0]),
            (EntryMode::Tree, b"ff", ids[1]),
            (EntryMode::File, b"meta", ids[2]),
        ];
        let system = System::new();
        let mut tree = TreeDraft::new(Alloc::new(&system));
        for (mode, name, id) in expected {
            tree.try_push(mode, name, id).expect("there is memory");
        }
        let read: Result<std::vec::Vec<_>, _> = entries(tree.as_bytes()).collect();
        let read = read.expect("whole");
        assert!(read.iter().map(|entry| (entry.mode, entry.name, entry.id)).eq(expected));
    }

    #[test]
    fn a_tree_cut_inside_an_entry_is_an_error() {
        let system = System::new();
        let mut tree = TreeDraft::new(Alloc::new(&system));
        tree.try_push(EntryMode::File, b"meta", Oid::new([7; 20])).expect("there is memory");
        for cut in 1..tree.as_bytes().len() {
            let outcome: std::vec::Vec<_> = entries(&tree.as_bytes()[..cut]).collect();
            assert!(matches!(outcome[..], [Err(_)]), "cut at {cut}");
        }
    }
}
