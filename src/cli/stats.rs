//! `git-mind stats`: what a journal is made of, counted in one pass.

use super::args::{Args, StatsArgs};
use super::count::number;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::list::reading;
use super::list_json::Text;
use super::output::Output;
use super::telemetry::{Session, clock};
use super::{malformed, repository};
use crate::branch::BranchName;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::journal::{Degree, MalformedCounts, Statistics};
use crate::progress::Silent;
use crate::telemetry::Metric;
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Columns that counts are right-aligned in.
const COLUMNS: usize = 10;

pub(super) fn run(
    args: &Args,
    options: &StatsArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let repository = repository::open(args, env)?;
    let clock = clock(env);
    let scope = session.memory.begin(operation::JOURNAL_READ)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let tip = repository::journal_tip(&repository, &branch)?;
    let git_dir = repository.location().git_dir.clone();
    let statistics = reading(session, &branch, git_dir, &clock, || {
        let table = session.memory.intern_table(alloc);
        Ok(Statistics::read(&repository, alloc, tip, table)?)
    })?;
    let read = statistics.edges() + statistics.taken_back() + statistics.tombstones();
    session.record(Metric::JournalReadEdges, None, read);
    for found in statistics.malformed().first() {
        malformed::diagnose(session, found);
    }
    options.view.apply(&repository, env, output)?;
    if options.json {
        print_json(&branch, &statistics, options.limit, output)?;
    } else {
        print(&statistics, options.limit, output)?;
    }
    malformed::warn(statistics.malformed(), output);
    Ok(Exit::Success)
}

/// Prints the counts, each before what it counts.
fn print(statistics: &Statistics<'_>, limit: usize, out: &mut Output) -> Result<(), Failure> {
    let MalformedCounts { skipped, truncated, .. } = statistics.malformed();
    row(out, [statistics.edges()], "edges")?;
    row(out, [statistics.taken_back()], "edges taken back")?;
    row(out, [statistics.commits()], "commits")?;
    row(out, [u64::from(skipped + truncated)], "malformed commits")?;
    row(out, [statistics.paths() as u64], "paths")?;
    row(out, [statistics.authors() as u64], "authors")?;
    row(out, [statistics.sessions() as u64], "sessions")?;
    heading(out, ["edges"], "type")?;
    statistics.relations(|relation, edges| match relation.name() {
        "custom" => row(out, [edges], format_args!("custom ({})", relation.0)),
        name => row(out, [edges], name),
    })?;
    heading(out, ["edges"], "source")?;
    statistics.origins(|origin, edges| match origin.name() {
        "unknown" => row(out, [edges], format_args!("unknown ({})", origin.0)),
        name => row(out, [edges], name),
    })?;
    heading(out, ["links", "outgoing", "incoming"], "path")?;
    statistics.most_linked_paths(limit, |path, degree| {
        let counts = [degree.total(), degree.outgoing, degree.incoming];
        row(out, counts, Escaped::bytes(path))
    })?;
    heading(out, ["edges"], "author")?;
    statistics
        .most_active_authors(limit, |author, edges| row(out, [edges], Escaped::bytes(author)))?;
    Ok(out.flush()?)
}

fn row<const N: usize>(
    out: &mut Output,
    counts: [u64; N],
    of: impl Display,
) -> Result<(), Failure> {
    for count in counts {
        write!(out, "{:>COLUMNS$}", number(count))?;
    }
    Ok(writeln!(out, "  {of}")?)
}

/// Prints the heads of columns, after an empty line.
fn heading<const N: usize>(out: &mut Output, counts: [&str; N], of: &str) -> Result<(), Failure> {
    let style = out.palette().heading;
    write!(out, "\n{style}")?;
    for count in counts {
        write!(out, "{count:>COLUMNS$}")?;
    }
    Ok(writeln!(out, "  {of}{style:#}")?)
}

/// Prints the document, row by row.
fn print_json(
    branch: &BranchName,
    statistics: &Statistics<'_>,
    limit: usize,
    out: &mut Output,
) -> Result<(), Failure> {
    let MalformedCounts { skipped, truncated, .. } = statistics.malformed();
    let branch = serde_json::to_string(branch.as_str())?;
    out.write_json(format!("{{\n\"schema\": 1,\n\"branch\": {branch}").as_bytes())?;
    for (name, count) in [
        ("edges", statistics.edges()),
        ("edges_taken_back", statistics.taken_back()),
        ("tombstones", statistics.tombstones()),
        ("commits", statistics.commits()),
        ("commits_skipped", u64::from(*skipped)),
        ("edges_truncated", u64::from(*truncated)),
        ("paths", statistics.paths() as u64),
        ("authors", statistics.authors() as u64),
        ("sessions", statistics.sessions() as u64),
    ] {
        write!(out, ",\n\"{name}\": {count}")?;
    }
    let mut rows = Rows::begin("types", out)?;
    statistics.relations(|relation, edges| {
        let (name, type_number) = (relation.name(), relation.0);
        rows.row(&TypeRow { name, type_number, edges })
    })?;
    let mut rows = rows.next("sources")?;
    statistics.origins(|origin, edges| {
        let (source, source_number) = (origin.name(), origin.0);
        rows.row(&SourceRow { source, source_number, edges })
    })?;
    let mut rows = rows.next("most_linked_paths")?;
    statistics.most_linked_paths(limit, |path, degree| {
        let (links, Degree { outgoing, incoming }) = (degree.total(), degree);
        rows.row(&PathRow { path: Text(path), links, outgoing, incoming })
    })?;
    let mut rows = rows.next("most_active_authors")?;
    statistics.most_active_authors(limit, |author, edges| {
        rows.row(&AuthorRow { author: Text(author), edges })
    })?;
    Ok(write!(rows.out, "\n]\n}}\n")?)
}

/// An array of the document whose rows are being written.
struct Rows<'a> {
    out: &'a mut Output,
    separator: &'static str,
}

impl<'a> Rows<'a> {
    fn begin(name: &str, out: &'a mut Output) -> Result<Self, Failure> {
        write!(out, ",\n\"{name}\": [")?;
        Ok(Self { out, separator: "\n" })
    }

    /// Ends this array and begins another.
    fn next(self, name: &str) -> Result<Self, Failure> {
        write!(self.out, "\n]")?;
        Self::begin(name, self.out)
    }

    fn row(&mut self, row: &impl Serialize) -> Result<(), Failure> {
        write!(self.out, "{}", self.separator)?;
        self.separator = ",\n";
        Ok(self.out.write_json(&serde_json::to_vec(row)?)?)
    }
}

#[derive(Serialize)]
struct TypeRow {
    #[serde(rename = "type")]
    name: &'static str,
    type_number: u16,
    edges: u64,
}

#[derive(Serialize)]
struct SourceRow {
    source: &'static str,
    source_number: u32,
    edges: u64,
}

#[derive(Serialize)]
struct PathRow<'a> {
    path: Text<'a>,
    /// Ends of edges at the path.
    links: u64,
    outgoing: u64,
    incoming: u64,
}

#[derive(Serialize)]
struct AuthorRow<'a> {
    author: Text<'a>,
    edges: u64,
}
