//! Edges that are told from each other by their time.

use gitmind::journal::{Attribution, Edge, Edges};
use gitmind::oid::Oid;

pub(crate) fn edge(number: u64) -> Edge<'static> {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let id = |number: u64| Oid::new([number.to_le_bytes()[0] | 1; 20]);
    Edge {
        source: id(number),
        target: id(number + 2),
        source_path: b"src/a.c",
        target_path: b"docs/a.md",
        timestamp_ms: number,
        attribution: Some(Attribution::default()),
        ..blank
    }
}
