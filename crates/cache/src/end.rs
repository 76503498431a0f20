//! An end of an edge, as a rebuild numbers it.

use gitmind_git::oid::Oid;

/// An object and the key of the path under which an edge names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct End {
    pub(super) object: Oid,
    pub(super) path: Oid,
}
