//! `git-mind import`: edges from lines of JSON, appended atomically in as few commits as possible.

use super::append::{self, append};
use super::args::{Args, ImportArgs};
use super::count::{counted, number};
use super::failure::{Exit, Failure};
use super::import_line::{AttributionLine, ImportLine, Text};
use super::import_skip::new_edges;
use super::object;
use super::output::Output;
use super::progress::Bar;
use super::repository;
use super::telemetry::{Session, clock, milliseconds};
use crate::branch::BranchName;
use crate::clock::Clock;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::git::Repository;
use crate::journal::{Append, Appended, Attribution, Batch, Edge, Origin, Relation, Ulid, Writer};
use crate::memory::{Alloc, InternTable, Map, Symbol, Vec};
use crate::oid::Oid;
use crate::progress::{Progress, Step};
use crate::random::{Random, SystemRandom};
use serde::Serialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// Most bytes of a line: twice those of an edge whose strings are as long as allowed.
const LINE_BYTES_MAX: usize = 64 << 10;
/// Lines between two progress reports.
const REPORT_EVERY: u64 = 1024;

pub(super) fn run(
    args: &Args,
    options: &ImportArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let repository = repository::open_to_write(args, env, output)?;
    let writer = append::writer(env, &repository, output)?;
    let bar = Bar::stderr(session.memory);
    let scope = session.memory.begin(operation::JOURNAL_APPEND)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &bar };
    let branch = append::branch(&context, options.branch.as_deref(), output)?;
    session.about(branch.as_str(), "append", repository.location().git_dir.clone());

    let paths = Paths {
        repository: &repository,
        tree: None,
        table: session.memory.intern_table(alloc),
        known: Map::new(alloc),
        met: 0,
    };
    // Whole seconds, as the C tool writes them.
    let now_ms = u64::try_from(clock.now().seconds).unwrap_or(0) * 1000;
    let mut import = Import { alloc, writer, now_ms, paths, batch: Batch::new(alloc) };
    let read = match options.file.as_os_str().as_encoded_bytes() {
        b"-" => import.read(io::stdin().lock(), &bar),
        _ => {
            let file = repository::start_directory(args).join(&options.file);
            let opened = File::open(&file).map_err(|error| cannot_read(&file, &error));
            opened.and_then(|file| import.read(BufReader::new(file), &bar))
        }
    };
    bar.clear();
    read?;
    let lines = import.batch.edges();
    if options.skip_existing {
        let tip = repository.resolve(&branch.journal_ref())?;
        let batch = &import.batch;
        import.batch = new_edges((&repository, alloc), tip, batch, session, output)?;
    }
    let skipped = lines - import.batch.edges();
    let service = Append { alloc, repository: &repository, clock: &clock, random: &SystemRandom };
    let appended = append(&service, &branch, &import.batch, session)?;
    output.done("all edges were added");
    let document = ImportDocument::new(&branch, (&import, skipped), appended, &clock);
    if options.json {
        output.json(&document)?;
    } else {
        print(&document, output)?;
    }
    Ok(Exit::Success)
}

fn cannot_read(file: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", file.display()))
}

/// The edges that have been read so far.
struct Import<'a> {
    alloc: Alloc<'a>,
    writer: Writer,
    now_ms: u64,
    paths: Paths<'a>,
    batch: Batch<'a>,
}

impl Import<'_> {
    /// Adds an edge for each line.
    fn read(&mut self, mut lines: impl BufRead, progress: &dyn Progress) -> Result<(), Failure> {
        let mut line = Vec::new(self.alloc);
        for number in 1.. {
            if number % REPORT_EVERY == 0 {
                progress.report(Step::Importing, number, None);
            }
            let at = |failure: Failure| failure.at(format_args!("line {number}"));
            if !read_line(&mut lines, &mut line).map_err(at)? {
                break;
            }
            if !line.trim_ascii().is_empty() {
                self.line(&line).map_err(at)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failure> {
        let line: ImportLine<'_> = serde_json::from_slice(line).map_err(|error| {
            Failure::new(format!("not an edge: {error}"))
                .hint("`git-mind import --help` lists the fields")
        })?;
        let relation = line.relation().map_err(Failure::new)?;
        let (source_path, target_path) = (path(&line.source_path), path(&line.target_path));
        let source = self.object("source", line.source_oid.map(|name| name.0), source_path)?;
        let target = self.object("target", line.target_oid.map(|name| name.0), target_path)?;
        let legacy = |id: Oid| if relation == Relation::AUGMENTS { Oid::ZERO } else { id };
        let timestamp_ms = line.timestamp_ms.unwrap_or(self.now_ms);
        let new_ulid;
        let ulid = match &line.ulid {
            Some(ulid) => ulid.as_bytes(),
            None => {
                let mut random = [0; 10];
                SystemRandom.fill(&mut random)?;
                new_ulid = Ulid::new(timestamp_ms, random);
                new_ulid.as_bytes()
            }
        };
        let confidence = line.confidence().map_err(Failure::new)?;
        let attribution = match &line.attribution {
            None => Some(self.writer.attribution()),
            Some(None) => None,
            Some(Some(who)) => Some(attribution(who)?),
        };
        let edge = Edge {
            legacy_source: line.legacy_source_oid.map_or(legacy(source), |name| name.0),
            legacy_target: line.legacy_target_oid.map_or(legacy(target), |name| name.0),
            relation,
            confidence: confidence.unwrap_or_else(|| self.writer.confidence()),
            timestamp_ms,
            source_path,
            target_path,
            ulid,
            source,
            target,
            attribution,
        };
        Ok(self.batch.push(&edge)?)
    }

    /// The object id of one end of an edge: the given id, or that of the path.
    fn object(&mut self, end: &str, id: Option<Oid>, path: &[u8]) -> Result<Oid, Failure> {
        match id {
            Some(id) => Ok(id),
            None if path.is_empty() => {
                Err(Failure::new(format!("the edge has neither {end}_path nor {end}_oid")))
            }
            None => self.paths.object(self.alloc, path),
        }
    }
}

fn path<'l>(text: &'l Option<Text<'_>>) -> &'l [u8] {
    text.as_ref().map_or(b"", Text::as_bytes)
}

/// The attribution that a line gives; an empty author stays empty.
fn attribution<'l>(line: &'l AttributionLine<'_>) -> Result<Attribution<'l>, Failure> {
    let origin = match (line.source_number, &line.source) {
        (Some(number), _) => Origin(number),
        (None, Some(name)) => Origin::from_name(name.as_str()).ok_or_else(|| {
            let kinds = "human, claude, gpt, ai, system, import or unknown";
            Failure::new(format!("`{}` is not a source: use {kinds}", name.as_str()))
        })?,
        (None, None) => Origin::HUMAN,
    };
    let (author, session) = (path(&line.author), path(&line.session));
    Ok(Attribution { origin, author, session, flags: line.flags, lane: line.lane })
}

/// Reads the next line into `line`, without its end; `false` after the last.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<'_, u8>) -> Result<bool, Failure> {
    line.clear();
    let mut is_there = false;
    loop {
        let read = match lines.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| Failure::new(format!("cannot be read: {error}")))?,
        };
        if read.is_empty() {
            return Ok(is_there);
        }
        is_there = true;
        let end = memchr::memchr(b'\n', read);
        let part = &read[..end.unwrap_or(read.len())];
        if line.len() + part.len() > LINE_BYTES_MAX {
            let error = format!("longer than {LINE_BYTES_MAX} bytes, the limit of a line");
            return Err(Failure::new(error));
        }
        line.try_extend_from_slice(part)?;
        let used = part.len() + usize::from(end.is_some());
        lines.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Object ids of paths of HEAD's commit; each path is looked up once.
struct Paths<'a> {
    repository: &'a dyn Repository,
    /// The tree of HEAD's commit; read at the first look-up.
    tree: Option<Oid>,
    table: InternTable<'a>,
    known: Map<'a, Symbol, Oid>,
    met: u64,
}

impl Paths<'_> {
    fn object(&mut self, alloc: Alloc<'_>, path: &[u8]) -> Result<Oid, Failure> {
        self.met += 1;
        let symbol = self.table.unshared().acquire(path)?;
        if let Some(id) = self.known.get(&symbol) {
            return Ok(*id);
        }
        let tree = match self.tree {
            Some(tree) => tree,
            None => object::head_tree(self.repository, alloc)?,
        };
        self.tree = Some(tree);
        let id = object::linkable(self.repository, alloc, tree, path)?;
        self.known.try_insert(symbol, id)?;
        Ok(id)
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct ImportDocument<'a> {
    schema: u32,
    branch: &'a str,
    edges: u64,
    /// Edges that were left out because the journal has them already.
    edges_skipped: u64,
    commits: u32,
    /// Null when there was nothing to append.
    journal_tip: Option<String>,
    attempts: u32,
    paths_met: u64,
    paths_looked_up: u64,
    duration_ms: u64,
}

impl<'a> ImportDocument<'a> {
    fn new(
        branch: &'a BranchName,
        (import, edges_skipped): (&Import<'_>, u64),
        appended: Appended,
        clock: &dyn Clock,
    ) -> Self {
        Self {
            schema: 1,
            branch: branch.as_str(),
            edges: import.batch.edges(),
            edges_skipped,
            commits: appended.commits,
            journal_tip: appended.tip.map(|tip| tip.to_string()),
            attempts: appended.attempts,
            paths_met: import.paths.met,
            paths_looked_up: import.paths.known.len() as u64,
            duration_ms: milliseconds(clock.elapsed()),
        }
    }
}

fn print(document: &ImportDocument<'_>, output: &mut Output) -> io::Result<()> {
    let ImportDocument { branch, edges, edges_skipped, commits, .. } = document;
    let branch = super::escape::Escaped::bytes(branch.as_bytes());
    match edges {
        0 => write!(output, "No edges to import")?,
        _ => write!(
            output,
            "Imported {} into `{branch}` in {}",
            counted(*edges, "edge"),
            counted(*commits, "commit")
        )?,
    }
    match edges_skipped {
        0 => writeln!(output),
        1 => writeln!(output, "; 1 was there already"),
        _ => writeln!(output, "; {} were there already", number(*edges_skipped)),
    }
}
