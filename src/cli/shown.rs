//! An edge together with what `list` and `query` know about it when they print it.

use crate::journal::{Edge, Standing};
use crate::oid::Oid;

/// An edge that is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'e> {
    /// The edge id, where it is known.
    pub(super) id: Option<u32>,
    /// The journal commit that holds the edge.
    pub(super) commit: Oid,
    pub(super) standing: Standing,
    pub(super) edge: &'e Edge<'e>,
}

/// The standing of an edge, as `--json` spells it.
pub(super) const fn name_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Live => "live",
        Standing::TakenBack => "taken_back",
        Standing::Tombstone => "tombstone",
    }
}
