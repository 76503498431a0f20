//! Names inside a cache's tree: 256 shard folders, two files for each object.
//!
//! `<first two hex digits>/<forty hex digits>.forward` or `.reverse`, as the C tool looks them up.

use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, TreeDraft};
use gitmind_memory::MemoryError;

/// Which edges of an object: those on one side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Edges that start at the object.
    Forward,
    /// Edges that end at the object.
    Reverse,
}

const SUFFIX_LEN: usize = ".forward".len();

/// The name of a file in its shard's folder.
pub(super) fn file_name(oid: Oid, direction: Direction) -> [u8; Oid::HEX_LEN + SUFFIX_LEN] {
    let suffix: &[u8; SUFFIX_LEN] = match direction {
        Direction::Forward => b".forward",
        Direction::Reverse => b".reverse",
    };
    let mut name = [0; Oid::HEX_LEN + SUFFIX_LEN];
    name[..Oid::HEX_LEN].copy_from_slice(&oid.to_hex());
    name[Oid::HEX_LEN..].copy_from_slice(suffix);
    name
}

/// The name of a shard's folder.
pub(super) fn shard_name(shard: u8) -> [u8; 2] {
    let [high, low, ..] = Oid::new([shard; Oid::LEN]).to_hex();
    [high, low]
}

/// Appends the entry of a file to its shard's tree.
pub(super) fn push_file(
    tree: &mut TreeDraft<'_>,
    oid: Oid,
    direction: Direction,
    file: Oid,
) -> Result<(), MemoryError> {
    tree.try_push(EntryMode::File, &file_name(oid, direction), file)
}

/// Appends the entry of a shard's tree to the root tree.
pub(super) fn push_shard(
    root: &mut TreeDraft<'_>,
    shard: u8,
    tree: Oid,
) -> Result<(), MemoryError> {
    root.try_push(EntryMode::Tree, &shard_name(shard), tree)
}

/// Whether a name in the root tree is that of a shard.
pub(super) fn is_shard_name(name: &[u8]) -> bool {
    matches!(name, [b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f'])
}

/// Whether a name in a shard's folder is that of a file.
pub(super) fn is_file_name(name: &[u8]) -> bool {
    let Some((oid, suffix)) = name.split_at_checked(Oid::HEX_LEN) else { return false };
    let is_hex = oid.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_hex && matches!(suffix, b".forward" | b".reverse")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_git::entries;
    use gitmind_memory::{Alloc, System};

    #[test]
    fn names_are_those_that_the_c_tool_looks_up() {
        let oid = Oid::new([0x0a; 20]);
        let system = System::new();
        let mut tree = TreeDraft::new(Alloc::new(&system));
        for direction in [Direction::Forward, Direction::Reverse] {
            push_file(&mut tree, oid, direction, oid).expect("there is memory");
        }
        push_shard(&mut tree, oid.shard(), oid).expect("there is memory");
        let names: Vec<_> =
            entries(tree.as_bytes()).map(|entry| entry.expect("whole").name.to_vec()).collect();
        let hex = "0a".repeat(20);
        let expected = [format!("{hex}.forward"), format!("{hex}.reverse"), "0a".into()];
        assert_eq!(names, expected.map(String::into_bytes));
        assert!(is_file_name(&names[0]) && is_file_name(&names[1]));
        assert!(!is_file_name(&names[0][1..]) && !is_file_name(&names[2]));
        assert!(is_shard_name(&names[2]));
        assert!(!is_shard_name(b"0A") && !is_shard_name(b"meta") && !is_shard_name(b"0"));
    }
}
