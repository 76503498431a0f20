//! The operations that memory is accounted to: the values of the tag `alloc.op`.

use crate::memory::Op;

/// A cache is built from a journal.
pub const CACHE_REBUILD: Op = Op::new(0, "cache.rebuild");
/// Edges are read from a journal.
pub const JOURNAL_READ: Op = Op::new(1, "journal.read");
/// Edges are appended to a journal.
pub const JOURNAL_APPEND: Op = Op::new(2, "journal.append");
/// Edges are looked up by their attributes.
pub const ATTR_QUERY: Op = Op::new(3, "attr.query");
/// Edges are looked up in a cache.
pub const CACHE_QUERY: Op = Op::new(4, "cache.query");

/// Other journals are merged into a journal.
pub const JOURNAL_MERGE: Op = Op::new(5, "journal.merge");

/// Every operation, in the order of reports.
pub const ALL: [Op; 6] =
    [CACHE_REBUILD, JOURNAL_READ, JOURNAL_APPEND, ATTR_QUERY, CACHE_QUERY, JOURNAL_MERGE];

/// The numbers differ and are those of [`ALL`].
const _: () = {
    let mut index = 0;
    while index < ALL.len() {
        assert!(ALL[index].index() == index, "the number of an operation is its index in the list");
        index += 1;
    }
};
