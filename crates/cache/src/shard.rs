//! Paths in the tree of a cache: 256 shard directories, with up to two files for each object.
//!
//! `<2 hex digits>/<40 hex digits>.forward` or `.reverse`, as in the C tool.

use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, TreeDraft};
use gitmind_memory::MemoryError;

/// Which edges of an object: outgoing or incoming ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Edges that start at the object.
    Forward,
    /// Edges that end at the object.
    Reverse,
}

const SUFFIX_LEN: usize = ".forward".len();

/// The name of a bitmap file in its shard directory.
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

/// The name of a shard directory.
pub(super) fn shard_name(shard: u8) -> [u8; 2] {
    let [high, low, ..] = Oid::new([shard; Oid::LEN]).to_hex();
    [high, low]
}

/// Appends the entry of a bitmap file to the tree of its shard.
pub(super) fn push_file(
    tree: &mut TreeDraft<'_>,
    oid: Oid,
    direction: Direction,
    file: Oid,
) -> Result<(), MemoryError> {
    tree.try_push(EntryMode::File, &file_name(oid, direction), file)
}

/// Appends the entry of a shard directory to the root tree.
pub(super) fn push_shard(
    root: &mut TreeDraft<'_>,
    shard: u8,
    tree: Oid,
) -> Result<(), MemoryError> {
    root.try_push(EntryMode::Tree, &shard_name(shard), tree)
}

/// Whether `name` is the name of a shard directory.
pub(super) fn is_shard_name(name: &[u8]) -> bool {
    matches!(name, [b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f'])
}

/// Whether `name` is the name of a bitmap file.
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
    fn names_are_those_of_the_c_tool() {
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
