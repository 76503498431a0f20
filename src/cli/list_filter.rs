//! The filters of `git-mind list`.

use super::failure::Failure;
use super::path_filter::PathFilter;
use super::relation::{RelationArg, RelationParser, parse_confidence};
use super::shown::Shown;
use super::time::{self, parse_ms};
use crate::clock::{Timestamp, Zone};
use crate::git::Repository;
use crate::gitoxide::Location;
use crate::journal::{Confidence, Origin};
use crate::memory::Alloc;
use clap::{ValueEnum, ValueHint};
use std::ffi::OsString;

/// Filters of edges; an edge must pass all that are set.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ListFilter {
    /// Only edges that start or end at this path: a file, a directory and everything below it, or
    /// a pattern as in git's pathspecs, relative to the current directory
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    either: Option<OsString>,
    /// The same as PATH; if both are given, an edge must match both
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    path: Option<OsString>,
    /// Only edges that start at this path
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    from: Option<OsString>,
    /// Only edges that end at this path
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    to: Option<OsString>,
    /// Only edges of this type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", value_parser = RelationParser,
          hide_possible_values = true)]
    relation: Option<RelationArg>,
    /// Only edges by this kind of author
    #[arg(long, value_enum, value_name = "SOURCE")]
    source: Option<SourceArg>,
    /// Only edges whose author or commit author contains this text, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    author: Option<String>,
    /// Only edges recorded on or after this date: 2026-11-30, `2026-11-30 15:00`, `2 weeks ago`
    #[arg(long, value_name = "DATE")]
    since: Option<String>,
    /// Only edges recorded on or before this date; a day counts to its end
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Only edges with this confidence or more, from 0 to 1
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
    /// An AI that is not listed here
    Other,
    System,
    Import,
    Unknown,
}

impl ListFilter {
    /// Whether any filter is set.
    pub(super) fn is_set(&self) -> bool {
        let Self { either, path, from, to, relation, source, author, since, until, .. } = self;
        let paths = [either, path, from, to];
        let texts = [author, since, until];
        paths.iter().any(|path| path.is_some())
            || texts.iter().any(|text| text.is_some())
            || relation.is_some()
            || source.is_some()
            || self.min_confidence.is_some()
    }

    /// The filter for a repository, with paths relative to its current directory and dates as of
    /// `now` in `zone`.
    ///
    /// # Errors
    /// When a date is none, or HEAD's tree cannot be read.
    pub(super) fn prepare<'a>(
        &'a self,
        alloc: Alloc<'a>,
        repository: &dyn Repository,
        location: &Location,
        (zone, now): (&Zone, Timestamp),
    ) -> Result<EdgeFilter<'a>, Failure> {
        let path = |path: &'a Option<OsString>| {
            let path = path.as_deref();
            path.map(|path| PathFilter::new(alloc, repository, location, path)).transpose()
        };
        let date = |text: &Option<String>, edge| {
            text.as_deref().map(|text| parse_ms(text, edge, zone, now)).transpose()
        };
        Ok(EdgeFilter {
            either: [path(&self.either)?, path(&self.path)?],
            from: path(&self.from)?,
            to: path(&self.to)?,
            author: self.author.as_ref().map(|text| text.to_lowercase()),
            since_ms: date(&self.since, time::Edge::First)?,
            until_ms: date(&self.until, time::Edge::Last)?,
            plain: self,
        })
    }
}

/// A [`ListFilter`] whose arguments are read.
#[derive(Debug)]
pub(super) struct EdgeFilter<'a> {
    either: [Option<PathFilter<'a>>; 2],
    from: Option<PathFilter<'a>>,
    to: Option<PathFilter<'a>>,
    /// In lower case.
    author: Option<String>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    /// The filters that need no preparation.
    plain: &'a ListFilter,
}

impl EdgeFilter<'_> {
    /// Whether an edge passes all filters. An edge without attribution is by a person.
    pub(super) fn wants(&self, shown: &Shown<'_>) -> bool {
        let ListFilter { relation, source, min_confidence, .. } = self.plain;
        let edge = shown.edge;
        let origin = edge.attribution.map_or(Origin::HUMAN, |who| who.origin);
        min_confidence.is_none_or(|least| edge.meant_confidence() >= least)
            && source.is_none_or(|source| is_from(origin, source))
            && relation.is_none_or(|wanted| wanted.matches(edge.relation))
            && self.has_paths(edge.source_path, edge.target_path)
            && self.since_ms.is_none_or(|since_ms| shown.time_ms() >= since_ms)
            && self.until_ms.is_none_or(|until_ms| shown.time_ms() <= until_ms)
            && self.author.as_ref().is_none_or(|text| is_by(shown, text))
    }

    fn has_paths(&self, source: &[u8], target: &[u8]) -> bool {
        let selects = |filter: &Option<PathFilter<'_>>, ends: &[&[u8]]| {
            let any = |filter: &PathFilter<'_>| ends.iter().any(|path| filter.selects(path));
            filter.as_ref().is_none_or(any)
        };
        self.either.iter().all(|filter| selects(filter, &[source, target]))
            && selects(&self.from, &[source])
            && selects(&self.to, &[target])
    }
}

/// Whether the author of an edge, or of its commit, has `text` in lower case.
fn is_by(shown: &Shown<'_>, text: &str) -> bool {
    let own = shown.edge.attribution.map(|who| who.author);
    let committer = shown.committed.map(|by| by.person);
    let mut names = own.into_iter().chain(committer);
    names.any(|name| String::from_utf8_lossy(name).to_lowercase().contains(text))
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
