//! `git-mind diff`: the edges that were added and revoked between two moments of a journal.
//!
//! Edges are equal when their objects and their type are, whatever else they record. The keys of
//! both moments are in memory.

use super::args::Args;
use super::count::number;
use super::failure::{Exit, Failure};
use super::list_json::EdgeDocument;
use super::list_line::LineFormat;
use super::output::Output;
use super::revision::Revisions;
use super::shown::Shown;
use super::telemetry::{Session, clock};
use super::view::ViewArgs;
use super::{list, malformed, repository};
use crate::branch::BranchName;
use crate::clock::{Clock, Zone};
use crate::context::{Context, operation};
use crate::env::Environment;
use crate::journal::{
    EdgeKey, JournalItem, MalformedCounts, Standing, Tombstones, WalkError, read_newest,
};
use crate::memory::Map;
use crate::oid::Oid;
use crate::progress::Silent;
use std::io::Write;
use std::ops::ControlFlow;

/// Print the edges that were added and revoked between two moments of a journal
///
/// An edge was added if it is valid at B and no equal edge is valid at A. It was revoked if it is
/// valid at A and no equal edge is valid at B. Edges are equal if they have the same objects and
/// type; a valid edge was not taken back.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A and B are commits of the journal or of the code, named as in git, or dates. \
                  2026-11-01 is the start of that day; 2026-11-01T12:00 is a time. A commit of \
                  the code, or a date, stands for the newest commit that the journal had at that \
                  time. In A.. and ..B, the missing side is the newest commit of the \
                  journal.\n\nExamples:\n  git mind diff HEAD~10..HEAD\n  git mind diff \
                  2026-11-01..2026-12-01 --json | jq '.added[].source_path'\n  git mind diff \
                  ..refs/gitmind/remotes/origin/edges/main"
)]
pub(super) struct DiffArgs {
    /// The two moments to compare
    #[arg(value_name = "A..B")]
    range: String,
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    #[command(flatten)]
    view: ViewArgs,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The moments in which an edge counts.
#[derive(Clone, Copy, Default)]
struct Counts {
    before: bool,
    after: bool,
}

/// The two moments, as tips of the journal; `None` before its first commit.
struct Moments {
    before: Option<Oid>,
    after: Option<Oid>,
}

pub(super) fn run(
    args: &Args,
    options: &DiffArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (before, after) = split(&options.range)?;
    let repository = repository::open(args, env)?;
    let clock = clock(env);
    let scope = session.memory.begin(operation::JOURNAL_READ)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let tip = repository::journal_tip(&repository, &branch)?;
    let (revisions, zone) =
        (Revisions { repository: &repository, alloc }, Zone::from_environment(env));
    let moment = |text: &str| match text {
        "" => Ok(Some(tip)),
        text => revisions.journal_at(tip, text, (&zone, clock.now())),
    };
    let moments = Moments { before: moment(before)?, after: moment(after)? };
    options.view.apply(&repository, env, output)?;
    let git_dir = repository.location().git_dir.clone();
    let malformed = list::reading(session, &branch, git_dir, &clock, || {
        let format =
            LineFormat { columns: output.columns(), zone: &zone, palette: output.palette() };
        let report = Report { is_json: options.json, format, rows: 0, output };
        compare(&context, &branch, &moments, report)
    })?;
    malformed::warn(&malformed, output);
    Ok(Exit::Success)
}

/// The texts before and after the two dots.
fn split(range: &str) -> Result<(&str, &str), Failure> {
    if range.contains("...") {
        let error = format!("`{range}` has three dots, but journals have no merge base here");
        return Err(Failure::new(error).unknown().hint("compare two moments with A..B"));
    }
    Ok(range.split_once("..").unwrap_or((range, "")))
}

/// Prints what differs, and returns the malformed commits of the later moment.
fn compare(
    context: &Context<'_>,
    branch: &BranchName,
    moments: &Moments,
    mut report: Report<'_>,
) -> Result<MalformedCounts, Failure> {
    let Moments { before, after } = *moments;
    let mut edges: Map<'_, EdgeKey, Counts> = Map::new(context.alloc);
    report.begin(branch, moments)?;
    live(context, before, |shown| {
        edges.try_get_or_insert_with(shown.edge.key(), Counts::default)?.before = true;
        Ok(())
    })?;
    report.section("added")?;
    let malformed = live(context, after, |shown| {
        let counts = edges.try_get_or_insert_with(shown.edge.key(), Counts::default)?;
        let is_first = !std::mem::replace(&mut counts.after, true);
        if is_first && !counts.before { report.row('+', shown) } else { Ok(()) }
    })?;
    let added = std::mem::take(&mut report.rows);
    report.section("revoked")?;
    live(context, before, |shown| {
        let counts = edges.try_get_or_insert_with(shown.edge.key(), Counts::default)?;
        // An equal edge may follow.
        let is_first = std::mem::replace(&mut counts.before, false);
        if is_first && !counts.after { report.row('-', shown) } else { Ok(()) }
    })?;
    report.end(added)?;
    Ok(malformed)
}

/// Visits the edges that count as of `tip`, newest first.
fn live(
    context: &Context<'_>,
    tip: Option<Oid>,
    mut visit: impl FnMut(&Shown<'_>) -> Result<(), Failure>,
) -> Result<MalformedCounts, Failure> {
    let mut malformed = MalformedCounts::default();
    let Some(tip) = tip else { return Ok(malformed) };
    let mut tombstones = Tombstones::new(context.alloc);
    read_newest(context.repository, context.alloc, tip, |item| {
        match item {
            JournalItem::Edge(commit, edge) => {
                let standing = tombstones.standing(edge).map_err(WalkError::from)?;
                if standing == Standing::Live {
                    let (committed, place) = (commit.author(), None);
                    let commit = commit.id;
                    visit(&Shown { id: None, commit, committed, standing, edge, place })?;
                }
            }
            JournalItem::Malformed(found) => malformed.add(found),
        }
        Ok::<_, Failure>(ControlFlow::Continue(()))
    })?;
    Ok(malformed)
}

/// The answer that is being printed.
struct Report<'a> {
    is_json: bool,
    format: LineFormat<'a>,
    /// Rows of this section.
    rows: u64,
    output: &'a mut Output,
}

impl Report<'_> {
    fn begin(&mut self, branch: &BranchName, moments: &Moments) -> Result<(), Failure> {
        if self.is_json {
            let name = |tip: Option<Oid>| tip.map_or("null".to_owned(), |tip| format!("\"{tip}\""));
            let branch = serde_json::to_string(branch.as_str())?;
            let (before, after) = (name(moments.before), name(moments.after));
            let head = format!(
                "{{\n\"schema\": 1,\n\"branch\": {branch},\n\"journal_before\": {before},\n\
                 \"journal_after\": {after}"
            );
            self.output.write_json(head.as_bytes())?;
        }
        Ok(())
    }

    /// Begins an array, and ends the one before.
    fn section(&mut self, name: &str) -> Result<(), Failure> {
        if self.is_json {
            let end = if name == "added" { "" } else { "\n]" };
            write!(self.output, "{end},\n\"{name}\": [")?;
        }
        Ok(())
    }

    fn row(&mut self, sign: char, shown: &Shown<'_>) -> Result<(), Failure> {
        let separator = if self.rows == 0 { "\n" } else { ",\n" };
        self.rows += 1;
        if self.is_json {
            write!(self.output, "{separator}")?;
            let document = serde_json::to_vec(&EdgeDocument::new(shown))?;
            return Ok(self.output.write_json(&document)?);
        }
        let palette = self.format.palette;
        let style = if sign == '+' { palette.added } else { palette.revoked };
        write!(self.output, "{style}{sign}{style:#} ")?;
        Ok(self.format.write(shown, 2, self.output)?)
    }

    fn end(&mut self, added: u64) -> Result<(), Failure> {
        let revoked = self.rows;
        if self.is_json {
            let counts = format!("\"added_total\": {added},\n\"revoked_total\": {revoked}");
            writeln!(self.output, "\n],\n{counts}\n}}")?;
        } else {
            let (added, revoked) = (number(added), number(revoked));
            writeln!(self.output, "{added} added, {revoked} revoked")?;
        }
        Ok(self.output.flush()?)
    }
}
