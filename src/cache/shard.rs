//! Names inside a cache's tree: 256 shard folders, two files for each object.
//!
//! `<first two hex digits>/<forty hex digits>.forward` or `.reverse`, as the C tool looks them up.

use crate::git::{EntryMode, TreeDraft};
use crate::oid::Oid;

/// A side of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Edges that start at the object.
    Forward,
    /// Edges that end at the object.
    Reverse,
}

/// Appends the entry of a file to its shard's tree.
pub(super) fn push_file(tree: &mut TreeDraft, oid: Oid, direction: Direction, file: Oid) {
    const SUFFIX_LEN: usize = ".forward".len();
    let suffix: &[u8; SUFFIX_LEN] = match direction {
        Direction::Forward => b".forward",
        Direction::Reverse => b".reverse",
    };
    let mut name = [0; Oid::HEX_LEN + SUFFIX_LEN];
    name[..Oid::HEX_LEN].copy_from_slice(&oid.to_hex());
    name[Oid::HEX_LEN..].copy_from_slice(suffix);
    tree.push(EntryMode::File, &name, file);
}

/// Appends the entry of a shard's tree to the root tree.
pub(super) fn push_shard(root: &mut TreeDraft, shard: u8, tree: Oid) {
    root.push(EntryMode::Tree, format!("{shard:02x}").as_bytes(), tree);
}

/// Whether a name in the root tree is that of a shard.
pub(super) fn is_shard_name(name: &[u8]) -> bool {
    matches!(name, [b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::entries;

    #[test]
    fn names_are_those_that_the_c_tool_looks_up() {
        let oid = Oid::new([0x0a; 20]);
        let mut tree = TreeDraft::default();
        push_file(&mut tree, oid, Direction::Forward, oid);
        push_file(&mut tree, oid, Direction::Reverse, oid);
        push_shard(&mut tree, oid.shard(), oid);
        let names: Vec<_> =
            entries(tree.as_bytes()).map(|entry| entry.expect("whole").name.to_vec()).collect();
        let hex = "0a".repeat(20);
        let expected = [format!("{hex}.forward"), format!("{hex}.reverse"), "0a".into()];
        assert_eq!(names, expected.map(String::into_bytes));
        assert!(is_shard_name(&names[2]));
        assert!(!is_shard_name(b"0A") && !is_shard_name(b"meta") && !is_shard_name(b"0"));
    }
}
