//! The filters of `git-mind list`.

use super::relation::{RelationArg, parse_confidence, parse_relation};
use crate::fs::OwnedPath;
use crate::journal::{Confidence, Edge, Origin};
use clap::ValueEnum;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Filters of edges; an edge must pass all that are set.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ListFilter {
    /// Only edges whose source had this path, relative to the current directory
    #[arg(long, value_name = "PATH")]
    from: Option<OsString>,
    /// Only edges of this type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_relation)]
    relation: Option<RelationArg>,
    /// Only edges by this kind of author
    #[arg(long, value_enum, value_name = "SOURCE")]
    source: Option<SourceArg>,
    /// Only edges with at least this confidence, from 0 to 1
    #[arg(long, value_name = "FRACTION", value_parser = parse_confidence)]
    min_confidence: Option<Confidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SourceArg {
    Human,
    /// Any author that is not human
    Ai,
    Claude,
    Gpt,
    /// An author of a kind that is not listed here
    Other,
    System,
    Import,
    Unknown,
}

impl ListFilter {
    /// Whether any filter is set.
    pub(super) fn is_set(&self) -> bool {
        let Self { from, relation, source, min_confidence } = self;
        from.is_some() || relation.is_some() || source.is_some() || min_confidence.is_some()
    }

    /// The argument of `--from`.
    pub(super) fn from(&self) -> Option<&Path> {
        self.from.as_deref().map(Path::new)
    }

    /// Whether an edge passes all filters. `from` is [`Self::from`] relative to the top of the
    /// tree; an edge whose source path equals the argument itself passes as well.
    pub(super) fn wants(&self, edge: &Edge<'_>, from: Option<&OwnedPath<'_>>) -> bool {
        let Self { from: typed, relation, source, min_confidence } = self;
        let origin = edge.attribution.map_or(Origin::HUMAN, |who| who.origin);
        typed.as_ref().is_none_or(|path| {
            path.as_bytes() == edge.source_path
                || from.is_some_and(|path| path.as_bytes() == edge.source_path)
        }) && min_confidence.is_none_or(|least| edge.confidence >= least)
            && source.is_none_or(|source| is_from(origin, source))
            && relation.is_none_or(|wanted| wanted.matches(edge.relation))
    }
}

fn is_from(origin: Origin, source: SourceArg) -> bool {
    let name = match source {
        SourceArg::Ai => return origin != Origin::HUMAN,
        SourceArg::Other => Origin::AI.name(),
        SourceArg::Human => Origin::HUMAN.name(),
        SourceArg::Claude => "claude",
        SourceArg::Gpt => "gpt",
        SourceArg::System => "system",
        SourceArg::Import => "import",
        SourceArg::Unknown => "unknown",
    };
    origin.name() == name
}
