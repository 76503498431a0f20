//! `git-mind export`: the edges of a journal in formats of other programs, streamed.

mod csv;
mod dot;
mod fields;
mod format;
mod graphml;
mod html;
mod jsonl;
mod mermaid;
mod nodes;

use self::format::Format;
use self::nodes::Nodes;
use super::args::{Args, ListArgs};
use super::failure::{Exit, Failure};
use super::habits::ListHabits;
use super::list_filter::ListFilter;
use super::output::{Output, WholeFile};
use super::repository::{self, start_directory};
use super::telemetry::{Session, clock};
use super::{list, malformed, revision};
use crate::context::{Context, operation};
use crate::env::Environment;
use crate::progress::Silent;
use clap::{ValueEnum, ValueHint};
use std::io::Write;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Text that a format cannot hold, such as bytes that are not UTF-8, is written with escapes, as `list`
prints it; dot, mermaid and html, which are drawn, have those escapes for every path. Where another
program would misread the start of a path, as a spreadsheet takes = for a formula, it starts with
./; other such text in csv starts with '.

Lines of jsonl can be imported; with --all, oldest first:
  git mind export --all | tac | git mind import - --branch copy

Examples:
  git mind export --format csv --output edges.csv
  git mind export --format dot --type depends_on | dot -Tsvg > edges.svg
  git mind export --format mermaid --limit 100
  git mind export --format html --output links.html";

/// Write the edges of a journal in a format of other programs, newest first
///
/// Nodes are paths, as they were when an edge was recorded; an edge has the objects at its ends as
/// attributes. Edges are written as they are read, so any number of them is exported in little
/// memory; graphml, mermaid and html number the paths, of which each is held in memory once.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ExportArgs {
    /// What to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatArg::Jsonl)]
    format: FormatArg,
    /// Write to this file instead of the standard output; it is replaced when all is written
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Branch whose journal to read [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    #[command(flatten)]
    filter: ListFilter,
    /// The edges of then: as of a commit of the journal, a commit of the code or a date
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Also write edges that were taken back, and the tombstones that took them back
    #[arg(long)]
    all: bool,
    /// Stop after this many edges
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Lines of JSON, an edge each, which `import` reads
    Jsonl,
    /// A table with a line of names (RFC 4180)
    Csv,
    /// A graph for Graphviz
    Dot,
    /// A graph as XML, for programs such as Gephi and yEd
    Graphml,
    /// A graph for Markdown pages; GitHub draws at most 500 edges
    Mermaid,
    /// A page to search and follow the edges in a browser; it holds all that it needs
    Html,
}

pub(super) fn run(
    args: &Args,
    options: &ExportArgs,
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
    let tip = revision::tip_at(&repository, alloc, tip, options.at.as_deref(), env)?;
    let list = options.as_list();
    let wanted = list::wanted(&repository, alloc, &list, env)?;
    let nodes = || Nodes::new(alloc, session.memory.intern_table(alloc));
    let mut format: Box<dyn Format + '_> = match options.format {
        FormatArg::Jsonl => Box::new(jsonl::Jsonl::default()),
        FormatArg::Csv => Box::new(csv::Csv),
        FormatArg::Dot => Box::new(dot::Dot::default()),
        FormatArg::Graphml => Box::new(graphml::Graphml(nodes())),
        FormatArg::Mermaid => Box::new(mermaid::Mermaid(nodes())),
        FormatArg::Html => Box::new(html::Html::new(nodes)),
    };
    let directory = start_directory(args);
    let file = options.output.as_deref();
    let file = file.map(|path| WholeFile::create(&directory.join(path), "export"));
    let mut file = file.transpose()?;
    let git_dir = repository.location().git_dir.clone();
    let malformed = list::reading(session, &branch, git_dir, &clock, || {
        let out: &mut dyn Write = match &mut file {
            Some(file) => file,
            None => output,
        };
        format.begin(&branch, out)?;
        let each = list::each(&context, tip, &wanted, session, |shown| format.edge(shown, out))?;
        format.end(out)?;
        Ok(each)
    })?;
    file.map(WholeFile::finish).transpose()?;
    output.flush()?;
    malformed::warn(&malformed, output);
    Ok(Exit::Success)
}

impl ExportArgs {
    /// The same selection of edges for `list`.
    fn as_list(&self) -> ListArgs {
        let Self { branch, filter, at, all, limit, .. } = self.clone();
        ListArgs { branch, filter, at, all, limit, habits: ListHabits::default(), json: false }
    }
}
