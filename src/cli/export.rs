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
use super::view::ViewArgs;
use super::{list, malformed, revision};
use crate::context::{Context, operation};
use crate::env::Environment;
use crate::progress::Silent;
use clap::{ValueEnum, ValueHint};
use std::io::Write;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Text that a format cannot represent, such as bytes that are not UTF-8, is written with the escapes
that `list` uses; dot, mermaid and html use them in every path. A path that another program would
misread, as a spreadsheet reads = as the start of a formula, is prefixed with ./; other such text in
csv is prefixed with '.

`import` reads jsonl. To import edges that were taken back and their tombstones, reverse the order:
  git mind export --all | tac | git mind import - --branch copy

Examples:
  git mind export --format csv --output edges.csv
  git mind export --format dot --type depends_on | dot -Tsvg > edges.svg
  git mind export --format mermaid --limit 100
  git mind export --format html --output links.html";

/// Write the edges of a journal in a format for other programs, newest first
///
/// Nodes are the paths that were recorded with an edge; the objects at its ends are attributes of
/// the edge. Edges are written one commit at a time, so memory does not depend on their number;
/// graphml, mermaid and html also keep each path in memory once.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ExportArgs {
    /// Format to write
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = FormatArg::Jsonl)]
    format: FormatArg,
    /// Write to this file instead of standard output; it is replaced when the export is complete
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    #[command(flatten)]
    filter: ListFilter,
    /// Export the journal as of a commit of the journal, a commit of the code, or a date
    #[arg(long, value_name = "REV")]
    at: Option<String>,
    /// Also write edges that were taken back, and the tombstones that took them back
    #[arg(long)]
    all: bool,
    /// Write at most this many edges
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// One JSON object for each line, which `import` reads
    Jsonl,
    /// A table whose first line has the names of the columns (RFC 4180)
    Csv,
    /// A graph for Graphviz
    Dot,
    /// A graph as XML, for programs such as Gephi and yEd
    Graphml,
    /// A graph for Markdown pages; GitHub draws at most 500 edges
    Mermaid,
    /// One self-contained page to search edges and follow them in a browser
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
        let (habits, view) = (ListHabits::default(), ViewArgs::default());
        ListArgs { branch, filter, at, all, habits, limit, view, json: false }
    }
}
