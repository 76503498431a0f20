//! `git-mind link`: one edge between two files of HEAD's commit.

use super::append::{self, append};
use super::args::{Args, LinkArgs};
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::habits;
use super::list_json::EdgeDocument;
use super::object;
use super::output::Output;
use super::repository;
use super::shown::Shown;
use super::telemetry::{Session, clock};
use crate::clock::Clock;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::git::{Commit, ObjectKind, Repository};
use crate::journal::{Append, Batch, Edge, Origin, Relation, Standing, Ulid};
use crate::memory::Vec;
use crate::oid::Oid;
use crate::progress::Silent;
use crate::random::{Random, SystemRandom};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

pub(super) fn run(
    args: &Args,
    options: &LinkArgs,
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

    let tree = object::head_tree(&repository, alloc)?;
    let resolve = |path: &Path| {
        let path = repository::tree_path(alloc, repository.location(), path)?;
        let id = object::linkable(&repository, alloc, tree, path.as_bytes())?;
        Ok::<_, Failure>((path, id))
    };
    let (source_path, source) = resolve(&options.source)?;
    let (target_path, target) = resolve(&options.target)?;
    let relation = options.relation.of_new_edge();
    let legacy = |id: Oid| if relation == Relation::AUGMENTS { Oid::ZERO } else { id };
    // Whole seconds, as the C tool writes them.
    let timestamp_ms = u64::try_from(clock.now().seconds).unwrap_or(0) * 1000;
    let mut random = [0; 10];
    SystemRandom.fill(&mut random)?;
    let ulid = Ulid::new(timestamp_ms, random);
    let edge = Edge {
        legacy_source: legacy(source),
        legacy_target: legacy(target),
        relation,
        confidence: options.confidence.unwrap_or_else(|| writer.confidence()),
        timestamp_ms,
        source_path: source_path.as_bytes(),
        target_path: target_path.as_bytes(),
        ulid: ulid.as_bytes(),
        source,
        target,
        attribution: Some(writer.attribution()),
    };
    let mut batch = Batch::new(alloc);
    batch.push(&edge)?;
    let service = Append { alloc, repository: &repository, clock: &clock, random: &SystemRandom };
    let appended = append(&service, &branch, &batch, session)?;
    output.done("the edge was added");
    if args.habits.porcelain {
        habits::pair("status", "created", output)?;
        habits::edge(&edge, output)?;
    } else if options.json {
        let (commit, mut object) = (appended.tip.unwrap_or_default(), Vec::new(alloc));
        let read = repository.read(commit, ObjectKind::Commit, &mut object);
        let read = read.and_then(|()| Commit::parse_stored(commit, &object));
        // The edge is there, so a failure to read its commit again is not one of the command.
        let committed = read.ok().and_then(|commit| commit.author());
        let standing = Standing::Live;
        let shown = Shown { id: None, commit, committed, standing, edge: &edge, place: None };
        let edge = EdgeDocument::new(&shown);
        let (branch, attempts) = (branch.as_str(), appended.attempts);
        output.json(&LinkDocument { schema: 1, branch, edge, attempts })?;
    } else {
        print(&edge, output)?;
    }
    Ok(Exit::Success)
}

/// What `--json` prints: the edge as `list` has it.
#[derive(Serialize)]
struct LinkDocument<'a> {
    schema: u32,
    branch: &'a str,
    #[serde(flatten)]
    edge: EdgeDocument<'a>,
    attempts: u32,
}

/// One line, as the C tool prints it.
fn print(edge: &Edge<'_>, output: &mut Output) -> io::Result<()> {
    let (source, target) = (Escaped::bytes(edge.source_path), Escaped::bytes(edge.target_path));
    write!(output, "Created link: {source} ──{}──> {target}", edge.relation.name())?;
    match edge.attribution.filter(|who| who.origin != Origin::HUMAN) {
        Some(who) => {
            let (origin, author) = (who.origin.name(), Escaped::bytes(who.author));
            writeln!(output, " [{origin}: {author}, conf: {}]", edge.confidence)
        }
        None => writeln!(output),
    }
}
