//! `git-mind unlink`: takes edges back by appending them again with the flag `rejected`.

use super::append::{self, append};
use super::args::Args;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::list_json::EdgeDocument;
use super::object::{self, Named};
use super::output::Output;
use super::relation::{RelationArg, RelationParser};
use super::repository;
use super::shown::Shown;
use super::telemetry::{Session, clock};
use crate::branch::BranchName;
use crate::cache::{Direction, Endpoint, FoundEdge};
use crate::clock::Clock;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::fs::OwnedPath;
use crate::journal::{
    Append, Appended, Attribution, Batch, Edge, EdgeKey, Edges, JournalItem, Standing, Tombstones,
    Ulid, Writer, read_newest,
};
use crate::memory::Map;
use crate::oid::Oid;
use crate::progress::Silent;
use crate::random::{Random, SystemRandom};
use clap::ValueHint;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::ops::ControlFlow;

/// Take back edges between two files, or the edge with a ULID
///
/// Nothing is deleted. The edge is appended again with the flag `rejected`, as a tombstone, which
/// takes back all earlier edges of the same type between the same objects. `link` adds the edge
/// again.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "SOURCE and TARGET are paths, object ids or REV:PATH, as in `git mind query`. A \
                        path matches the edges of all its contents.\n\nExamples:\n  git mind \
                        unlink \
                        src/parser.c docs/grammar.md --type implements\n  git mind unlink --ulid \
                        01HF7YAT000000000000000000"
)]
pub(super) struct UnlinkArgs {
    /// Path or object where the edges start
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath, required_unless_present = "ulid",
          requires = "target", conflicts_with = "ulid")]
    source: Option<OsString>,
    /// Path or object where the edges end
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    target: Option<OsString>,
    /// Only edges of this type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", value_parser = RelationParser,
          hide_possible_values = true)]
    relation: Option<RelationArg>,
    /// Take back the edge with this ULID
    #[arg(long, value_name = "ULID")]
    ulid: Option<String>,
    /// Append to the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    options: &UnlinkArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let repository = repository::open_to_write(args, env, output)?;
    let writer = append::writer(env, &repository, output)?;
    let scope = session.memory.begin(operation::JOURNAL_APPEND)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = append::branch(&context, options.branch.as_deref(), output)?;
    session.about(branch.as_str(), "append", repository.location().git_dir.clone());
    let tip = repository::journal_tip(&repository, &branch)?;
    let timestamp_ms = u64::try_from(clock.now().seconds).unwrap_or(0) * 1000;
    let (batch, keys) = (Batch::new(alloc), Map::new(alloc));
    let mut taken_back = TakenBack { writer, timestamp_ms, batch, keys, edges: 0 };
    match (&options.source, &options.target, &options.ulid) {
        (Some(source), Some(target), _) => {
            let named = |word: &OsStr| object::named(alloc, &repository, word);
            let (source, target) = (named(source)?, named(target)?);
            let between = Between { branch: &branch, source, target, relation: options.relation };
            between.find(&context, &mut taken_back)?;
        }
        (.., ulid) => {
            let ulid = ulid.as_deref().expect("this holds because one of them is required");
            find_ulid(&context, tip, ulid.as_bytes(), &mut taken_back)?;
        }
    }
    if taken_back.edges == 0 {
        return Err(nothing(options, &branch));
    }
    let service = Append { alloc, repository: &repository, clock: &clock, random: &SystemRandom };
    let appended = append(&service, &branch, &taken_back.batch, session)?;
    output.done("the edges were taken back");
    print(&branch, &taken_back, appended, options.json, output)?;
    Ok(Exit::Success)
}

/// The edges that are taken back, as the tombstones that do it.
struct TakenBack<'a> {
    writer: Writer,
    timestamp_ms: u64,
    batch: Batch<'a>,
    /// What the tombstones take back.
    keys: Map<'a, EdgeKey, ()>,
    /// The number of edges that are taken back.
    edges: u64,
}

impl TakenBack<'_> {
    /// Adds an edge that counts: a tombstone for it, unless there is one for an equal edge.
    fn add(&mut self, edge: &Edge<'_>) -> Result<(), Failure> {
        self.edges += 1;
        if self.keys.try_insert(edge.key(), ())?.is_some() {
            return Ok(());
        }
        let mut random = [0; 10];
        SystemRandom.fill(&mut random)?;
        let ulid = Ulid::new(self.timestamp_ms, random);
        let lane = edge.attribution.map_or(0, |who| who.lane);
        let attribution =
            Attribution { flags: Attribution::REJECTED, lane, ..self.writer.attribution() };
        let (timestamp_ms, ulid) = (self.timestamp_ms, ulid.as_bytes());
        let tombstone = Edge { timestamp_ms, ulid, attribution: Some(attribution), ..*edge };
        Ok(self.batch.push(&tombstone)?)
    }
}

/// All edges from one object or path to another.
struct Between<'b, 'a> {
    branch: &'b BranchName,
    source: Named<'a>,
    target: Named<'a>,
    relation: Option<RelationArg>,
}

impl Between<'_, '_> {
    /// Adds the edges that count. An edge has an id, by which those of both ends are compared.
    fn find(&self, context: &Context<'_>, taken_back: &mut TakenBack<'_>) -> Result<(), Failure> {
        let mut from_source = Map::new(context.alloc);
        let source = endpoint(&self.source, Direction::Forward);
        context.query(self.branch, source, |found| {
            if self.wants(found) {
                from_source.try_insert(found.id, ())?;
            }
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })?;
        let target = endpoint(&self.target, Direction::Reverse);
        context.query(self.branch, target, |found| {
            if from_source.contains_key(&found.id) {
                taken_back.add(&found.edge)?;
            }
            Ok::<_, Failure>(ControlFlow::Continue(()))
        })?;
        Ok(())
    }

    /// Whether an edge counts and has the type. Edges that connect two versions of a file stay,
    /// unless their type is named.
    fn wants(&self, found: &FoundEdge<'_>) -> bool {
        let is_of_type = match self.relation {
            Some(relation) => relation.matches(found.edge.relation),
            None => !found.connects_contents,
        };
        is_of_type && found.standing == Standing::Live
    }
}

/// The endpoint for an object or for all contents of a path.
fn endpoint<'n>(named: &'n Named<'_>, direction: Direction) -> Endpoint<'n> {
    let object = named.object.as_ref().ok().copied();
    let path = named.path.as_ref().map(OwnedPath::as_bytes);
    Endpoint { object, path, direction: Some(direction), follow: path.is_some() }
}

/// Adds the newest edge with this ULID, if it counts.
fn find_ulid(
    context: &Context<'_>,
    tip: Oid,
    ulid: &[u8],
    taken_back: &mut TakenBack<'_>,
) -> Result<(), Failure> {
    let mut tombstones = Tombstones::new(context.alloc);
    read_newest(context.repository, context.alloc, tip, |item| {
        let JournalItem::Edge(_, edge) = item else { return Ok(ControlFlow::Continue(())) };
        let standing = tombstones.standing(edge)?;
        if edge.ulid != ulid {
            return Ok(ControlFlow::Continue(()));
        }
        if standing == Standing::Live {
            taken_back.add(edge)?;
        }
        Ok::<_, Failure>(ControlFlow::Break(()))
    })
}

/// The failure when there is nothing to take back.
fn nothing(options: &UnlinkArgs, branch: &BranchName) -> Failure {
    let UnlinkArgs { source, target, relation, ulid, .. } = options;
    let hint = "`git mind list --all` also shows edges that were taken back already";
    if let Some(ulid) = ulid {
        let missing = format!("there is no valid edge on `{branch}` with the ULID `{ulid}`");
        return Failure::new(missing).hint(hint);
    }
    let word = |word: &Option<OsString>| word.clone().unwrap_or_default().display().to_string();
    let of_type = if relation.is_some() { " of that type" } else { "" };
    let (source, target) = (word(source), word(target));
    let missing =
        format!("there is no valid edge{of_type} from `{source}` to `{target}` on `{branch}`");
    Failure::new(missing).hint(format!("`git mind query {source}` shows its edges; {hint}"))
}

/// What `--json` prints.
#[derive(Serialize)]
struct UnlinkDocument<'d> {
    schema: u32,
    branch: &'d str,
    /// The tombstones, one for each distinct edge that was taken back.
    tombstones: Vec<EdgeDocument<'d>>,
    edges_taken_back: u64,
    attempts: u32,
}

/// Prints what was taken back.
fn print(
    branch: &BranchName,
    taken_back: &TakenBack<'_>,
    appended: Appended,
    is_json: bool,
    output: &mut Output,
) -> Result<(), Failure> {
    let payloads = taken_back.batch.payloads();
    let tombstones = payloads.flat_map(Edges::new).filter_map(Result::ok);
    if !is_json {
        for edge in tombstones {
            let (source, target) =
                (Escaped::bytes(edge.source_path), Escaped::bytes(edge.target_path));
            writeln!(output, "Took back: {source} ──{}──> {target}", edge.relation.name())?;
        }
        return Ok(());
    }
    let tombstones: Vec<_> = tombstones.collect();
    let (commit, standing) = (appended.tip.unwrap_or_default(), Standing::Tombstone);
    let (id, committed, place) = (None, None, None);
    let shown = tombstones
        .iter()
        .map(|edge| EdgeDocument::new(&Shown { id, commit, committed, standing, edge, place }));
    output.json(&UnlinkDocument {
        schema: 1,
        branch: branch.as_str(),
        tombstones: shown.collect(),
        edges_taken_back: taken_back.edges,
        attempts: appended.attempts,
    })?;
    Ok(())
}
