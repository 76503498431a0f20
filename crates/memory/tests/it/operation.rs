//! Operations of a program that these tests stand for.

use gitmind_memory::Op;

pub(super) const CACHE_REBUILD: Op = Op::new(0, "cache.rebuild");
pub(super) const JOURNAL_READ: Op = Op::new(1, "journal.read");
pub(super) const JOURNAL_APPEND: Op = Op::new(2, "journal.append");
pub(super) const ATTR_QUERY: Op = Op::new(3, "attr.query");
/// The last number that there may be.
pub(super) const CACHE_QUERY: Op = Op::new(15, "cache.query");
