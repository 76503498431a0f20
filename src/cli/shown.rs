//! An edge together with what `list` and `query` know about it when they print it.

use crate::cache::{Content, Direction};
use crate::git::Signature;
use crate::journal::{Edge, Standing};
use crate::oid::Oid;

/// An edge that is printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'e> {
    /// The edge id, where it is known.
    pub(super) id: Option<u32>,
    /// The journal commit that holds the edge.
    pub(super) commit: Oid,
    /// Who made that commit, and when.
    pub(super) committed: Option<Signature<'e>>,
    pub(super) standing: Standing,
    pub(super) edge: &'e Edge<'e>,
    /// How the edge belongs to the answer of a query.
    pub(super) place: Option<Place<'e>>,
}

/// How an edge belongs to the requested object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'e> {
    pub(super) content: Content,
    /// The requested end.
    pub(super) end: Direction,
    /// How many edits ago the file had the content, if that is known.
    pub(super) edits_ago: Option<u32>,
    /// The path of that end, if it differs from the requested one.
    pub(super) other_path: Option<&'e [u8]>,
}

impl Place<'_> {
    /// The kind of content, as `--json` spells it.
    pub(super) const fn content_name(&self) -> &'static str {
        match self.content {
            Content::Current => "current",
            Content::Older(_) => "older",
            Content::OfPath => "of_path",
        }
    }

    /// The end, as `--json` spells it.
    pub(super) const fn end_name(&self) -> &'static str {
        match self.end {
            Direction::Forward => "source",
            Direction::Reverse => "target",
        }
    }
}

impl Shown<'_> {
    /// When the edge was recorded, in milliseconds since 1970: its own time, or that of the commit
    /// when it has none.
    pub(super) fn time_ms(&self) -> i64 {
        match self.edge.time_ms() {
            0 => self.committed.map_or(0, |by| by.time.seconds.saturating_mul(1000)),
            time_ms => i64::try_from(time_ms).unwrap_or(i64::MAX),
        }
    }

    /// The author of the edge, or of its commit when it has none; may be empty.
    pub(super) fn author(&self) -> &[u8] {
        let own = self.edge.attribution.map(|who| who.author).filter(|author| !author.is_empty());
        own.or(self.committed.as_ref().map(Signature::address_or_name)).unwrap_or_default()
    }
}

/// The standing of an edge, as `--json` spells it.
pub(super) const fn name_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Live => "live",
        Standing::TakenBack => "taken_back",
        Standing::Tombstone => "tombstone",
    }
}
