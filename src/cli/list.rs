//! `git-mind list`: the edges of a journal, newest commit first, one commit in memory at a time.

use super::args::{Args, ListArgs, SourceArg};
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::list_json::JsonList;
use super::output::Output;
use super::repository;
use crate::branch::BranchName;
use crate::clock::SystemClock;
use crate::context::Context;
use crate::env::Environment;
use crate::git::{Commit, Repository};
use crate::journal::{
    Confidence, Edge, Malformed, MessageError, Origin, PayloadBuffer, Relation, WalkError,
    walk_newest,
};
use crate::progress::Silent;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;

/// Types of edges that a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelationFilter {
    Exactly(Relation),
    /// Every number without a name.
    Custom,
}

/// Reads a type's name, in any case, or its number.
pub(super) fn parse_relation(text: &str) -> Result<RelationFilter, String> {
    let name = text.to_ascii_lowercase().replace('-', "_");
    let named =
        [Relation::IMPLEMENTS, Relation::REFERENCES, Relation::DEPENDS_ON, Relation::AUGMENTS];
    if let Some(relation) = named.into_iter().find(|relation| relation.name() == name) {
        return Ok(RelationFilter::Exactly(relation));
    }
    if name == "custom" {
        return Ok(RelationFilter::Custom);
    }
    let number = name.parse().map(|number| RelationFilter::Exactly(Relation(number)));
    let names = "implements, references, depends_on, augments, custom, or a number up to 65535";
    number.map_err(|_| format!("a type is one of {names}"))
}

/// Reads a fraction from 0 to 1.
pub(super) fn parse_confidence(text: &str) -> Result<Confidence, String> {
    let fraction = text.parse().ok().and_then(Confidence::from_fraction);
    fraction.ok_or_else(|| "a confidence is a number from 0 to 1".into())
}

/// Why a list ends early.
enum ListError {
    Walk(WalkError),
    Print(io::Error),
    OutOfMemory(MessageError),
}

impl From<WalkError> for ListError {
    fn from(error: WalkError) -> Self {
        Self::Walk(error)
    }
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        Self::Print(error)
    }
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Walk(error) => {
                Self::new(error).hint("`git fsck` lists what is damaged or missing")
            }
            ListError::Print(error) => Self::new(error),
            ListError::OutOfMemory(error) => Self::new(error),
        }
    }
}

pub(super) fn run(
    args: &Args,
    options: &ListArgs,
    env: &dyn Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let repository = repository::open(args, env)?;
    let clock = SystemClock::start();
    let context = Context { repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let tip = repository.resolve(&branch.journal_ref())?.ok_or_else(|| {
        let missing =
            format!("branch `{branch}` has no journal ({} does not exist)", branch.journal_ref());
        Failure::new(missing).hint(repository::journals_hint(&repository))
    })?;
    let columns = output.columns();
    let malformed = if options.json {
        let mut list = JsonList::begin(&branch, output)?;
        let malformed = each(&repository, tip, options, |commit, edge| list.edge(commit, edge))?;
        list.end(&malformed)?;
        malformed
    } else {
        let mut shown = 0_u64;
        let malformed = each(&repository, tip, options, |_, edge| {
            shown += 1;
            writeln!(output, "{}", super::list_line::line(edge, columns))
        })?;
        output.flush()?;
        conclude(&branch, shown, options, output)?;
        malformed
    };
    malformed.warn(output);
    Ok(Exit::Success)
}

/// Says how many edges there were, apart from the answer.
fn conclude(
    branch: &BranchName,
    shown: u64,
    options: &ListArgs,
    output: &mut Output,
) -> io::Result<()> {
    let branch = Escaped::bytes(branch.as_str().as_bytes());
    let is_filtered = options.from.is_some()
        || options.relation.is_some()
        || options.source.is_some()
        || options.min_confidence.is_some();
    let kind = if is_filtered { " that match" } else { "" };
    match shown {
        0 => writeln!(output, "No edges{kind} on `{branch}`"),
        1 => writeln!(output, "1 edge{kind}"),
        shown => writeln!(output, "{shown} edges{kind}"),
    }
}

/// Malformed commits that were met.
#[derive(Default)]
pub(super) struct MalformedMet {
    pub(super) skipped: u64,
    pub(super) truncated: u64,
    first: Option<Malformed>,
}

impl MalformedMet {
    fn warn(&self, output: &mut Output) {
        let Some(first) = &self.first else { return };
        output.warning(&first.to_string());
        let (skipped, truncated) = (self.skipped, self.truncated);
        output.warning(&format!(
            "malformed journal commits: {skipped} skipped, {truncated} cut short"
        ));
    }
}

/// Shows each edge that the options ask for.
fn each(
    repository: &dyn Repository,
    tip: crate::oid::Oid,
    options: &ListArgs,
    mut show: impl FnMut(&Commit<'_>, &Edge<'_>) -> io::Result<()>,
) -> Result<MalformedMet, ListError> {
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut payload = PayloadBuffer::default();
    let mut met = MalformedMet::default();
    if left == 0 {
        return Ok(met);
    }
    walk_newest(repository, tip, |commit| {
        let edges = match payload.edges(commit) {
            Ok(edges) => edges,
            Err(error @ MessageError::OutOfMemory(_)) => return Err(ListError::OutOfMemory(error)),
            Err(problem) => {
                met.skipped += 1;
                met.first.get_or_insert(Malformed::Skipped { commit: commit.id, problem });
                return Ok(ControlFlow::Continue(()));
            }
        };
        for (edges_kept, edge) in (0..).zip(edges) {
            match edge {
                Ok(edge) if is_wanted(&edge, options) => {
                    show(commit, &edge)?;
                    left -= 1;
                    if left == 0 {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(_) => {}
                Err(problem) => {
                    met.truncated += 1;
                    let commit = commit.id;
                    met.first.get_or_insert(Malformed::Truncated { commit, edges_kept, problem });
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(met)
}

/// Whether an edge passes all filters.
fn is_wanted(edge: &Edge<'_>, options: &ListArgs) -> bool {
    let origin = edge.attribution.map_or(Origin::HUMAN, |who| who.origin);
    options.from.as_ref().is_none_or(|path| path.as_bytes() == edge.source_path)
        && options.min_confidence.is_none_or(|least| edge.confidence >= least)
        && options.source.is_none_or(|source| is_from(origin, source))
        && options.relation.is_none_or(|wanted| match wanted {
            RelationFilter::Exactly(relation) => edge.relation == relation,
            RelationFilter::Custom => edge.relation.name() == Relation::CUSTOM.name(),
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_any_case_or_numbered() {
        let exactly = |number| Ok(RelationFilter::Exactly(Relation(number)));
        assert_eq!(parse_relation("Depends-On"), exactly(3));
        assert_eq!(parse_relation("depends_on"), exactly(3));
        assert_eq!(parse_relation("1000"), exactly(1000));
        assert_eq!(parse_relation("custom"), Ok(RelationFilter::Custom));
        assert!(parse_relation("65536").is_err() && parse_relation("").is_err());
    }

    #[test]
    fn confidences_are_fractions() {
        assert_eq!(parse_confidence("0.5"), Ok(Confidence(7680)));
        for bad in ["nan", "-0.1", "1.01", "x", "", "inf"] {
            assert!(parse_confidence(bad).is_err(), "{bad}");
        }
    }
}
