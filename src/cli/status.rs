//! `git-mind status`: the state of a branch's journal and cache, and what there is to do about it.

mod survey;

use self::survey::{Missing, Survey, missing};
use super::args::Args;
use super::count::{counted, number};
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::journals::REMOTES;
use super::output::Output;
use super::telemetry::{Session, clock};
use super::{list, malformed, repository};
use crate::branch::BranchName;
use crate::cache::{Existing, ExistingError};
use crate::context::{Context, operation};
use crate::env::Environment;
use crate::git::Repository;
use crate::journal::MalformedCounts;
use crate::oid::Oid;
use crate::progress::Silent;
use crate::telemetry::Metric;
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Most tracking refs that are looked at.
const TRACKING_MAX: usize = 1000;

/// Show the state of a journal and its cache
///
/// Prints the number of edges and authors, whether the cache is current, which fetched journals
/// have commits that are not merged, how many edges are duplicates, and how many have objects that
/// this repository does not have.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Edges are equal if they have the same objects and type; all but the \
                        newest of them are duplicates. An object can be missing because `git gc` \
                        deleted it after an amended commit, or because it was never \
                        fetched.\n\nExamples:\n  git mind status\n  git \
                        mind status --branch feature/x\n  git mind status --json | jq \
                        .cache.state")]
pub(super) struct StatusArgs {
    /// Show the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    branch: &'a str,
    /// Null when the branch has no journal.
    journal_tip: Option<String>,
    commits: usize,
    /// Edges that count.
    edges: u64,
    edges_taken_back: u64,
    tombstones: u64,
    authors: usize,
    duplicates: u64,
    edges_without_objects: u64,
    commits_skipped: u32,
    edges_truncated: u32,
    cache: Cache,
    tracking: Vec<Tracking>,
}

/// The state of a cache.
#[derive(Serialize)]
struct Cache {
    state: &'static str,
    /// Commits of the journal that it lacks, if it is of this journal.
    commits_behind: Option<usize>,
    /// Why it cannot be used.
    problem: Option<String>,
}

/// The journal of another repository.
#[derive(Serialize)]
struct Tracking {
    remote: String,
    name: String,
    /// Its commits that are not in our journal.
    commits_missing: u64,
    /// Whether there may be more.
    is_bounded: bool,
}

pub(super) fn run(
    args: &Args,
    options: &StatusArgs,
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
    let tip = repository.resolve(&branch.journal_ref())?;
    let git_dir = repository.location().git_dir.clone();
    let table = session.memory.intern_table(alloc);
    let mut survey = Survey::new(alloc, table);
    let (cache, tracking) = list::reading(session, &branch, git_dir, &clock, || {
        if let Some(tip) = tip {
            survey.read(&repository, tip)?;
        }
        Ok((cache(&context, &branch, &survey)?, tracking(&context, &branch, &survey)?))
    })?;
    let MalformedCounts { skipped, truncated, .. } = survey.malformed;
    let document = Document {
        schema: 1,
        branch: branch.as_str(),
        journal_tip: tip.map(|tip| tip.to_string()),
        commits: survey.commits.len(),
        edges: survey.live,
        edges_taken_back: survey.taken_back,
        tombstones: survey.tombstones,
        authors: survey.authors.len(),
        duplicates: survey.duplicates,
        edges_without_objects: survey.dangling,
        commits_skipped: skipped,
        edges_truncated: truncated,
        cache,
        tracking,
    };
    session.record(Metric::JournalReadEdges, None, survey.edges());
    if options.json {
        output.json(&document)?;
    } else {
        print(&document, output)?;
    }
    malformed::warn(&survey.malformed, output);
    Ok(Exit::Success)
}

/// The state of the branch's cache.
fn cache(
    context: &Context<'_>,
    branch: &BranchName,
    survey: &Survey<'_>,
) -> Result<Cache, Failure> {
    let of = |state, commits_behind, problem| Cache { state, commits_behind, problem };
    let Some(commit) = context.repository.resolve(&branch.cache_ref())? else {
        return Ok(of("missing", None, None));
    };
    Ok(match Existing::read(context.repository, context.alloc, commit) {
        Ok(None) => of("other-tool", None, None),
        Ok(Some(Existing { meta, .. })) if survey.commits.contains(&meta.journal_tip) => {
            let behind = survey.commits.len().saturating_sub(meta.commits as usize);
            of(if behind == 0 { "current" } else { "stale" }, Some(behind), None)
        }
        Ok(Some(_)) => of("other-history", None, None),
        Err(error) if error.memory().is_some() => return Err(Failure::new(error)),
        Err(error @ ExistingError::Meta(_)) => of("other-version", None, Some(error.to_string())),
        Err(error) => of("damaged", None, Some(error.to_string())),
    })
}

/// The journals of other repositories for this branch.
fn tracking(
    context: &Context<'_>,
    branch: &BranchName,
    survey: &Survey<'_>,
) -> Result<Vec<Tracking>, Failure> {
    let mut found = vec![];
    let suffix = format!("/edges/{branch}");
    for name in context.repository.refs(REMOTES, TRACKING_MAX)? {
        let remote = name.strip_prefix(REMOTES).and_then(|rest| rest.strip_suffix(&suffix));
        let Some(remote) = remote.map(str::to_owned) else { continue };
        let Some(tip): Option<Oid> = context.repository.resolve(&name)? else { continue };
        let Missing { commits, is_bounded } =
            missing(context.repository, context.alloc, tip, &survey.commits)?;
        found.push(Tracking { remote, name, commits_missing: commits, is_bounded });
    }
    Ok(found)
}

/// Prints a line for each matter.
fn print(document: &Document<'_>, out: &mut Output) -> Result<(), Failure> {
    let Document { edges, authors, edges_taken_back, cache, .. } = document;
    let mut row = |name: &str, value: &dyn Display| writeln!(out, "{name:<12}{value}");
    row("branch", &Escaped::bytes(document.branch.as_bytes()))?;
    match &document.journal_tip {
        Some(tip) => {
            let commits = counted(document.commits, "commit");
            row("journal", &format_args!("{commits}, tip {tip}"))?;
        }
        None => row("journal", &"none; `git mind link` or `git mind merge` starts one")?,
    }
    row(
        "edges",
        &format_args!(
            "{} by {}, {} taken back",
            number(*edges),
            counted(*authors as u64, "author"),
            number(*edges_taken_back)
        ),
    )?;
    if document.duplicates > 0 {
        row("duplicates", &format_args!("{}, equal to newer edges", number(document.duplicates)))?;
    }
    if document.edges_without_objects > 0 {
        let count = number(document.edges_without_objects);
        row("dangling", &format_args!("{count}, whose objects are not in this repository"))?;
    }
    let rebuild = "`git mind cache-rebuild`";
    match (cache.state, cache.commits_behind) {
        ("current", _) => row("cache", &"current")?,
        (_, Some(behind)) => {
            row("cache", &format_args!("{} behind; {rebuild}", counted(behind, "commit")))?;
        }
        (state, None) => row("cache", &format_args!("{state}; {rebuild} makes one"))?,
    }
    for Tracking { remote, commits_missing, is_bounded, .. } in &document.tracking {
        let remote = Escaped::bytes(remote.as_bytes()).to_string();
        let more = if *is_bounded { " or more" } else { "" };
        match commits_missing {
            0 => row(&remote, &"merged")?,
            1 => row(&remote, &"1 commit is not merged; `git mind merge`")?,
            count => {
                let commits = format!("{}{more} commits", number(*count));
                row(&remote, &format_args!("{commits} are not merged; `git mind merge`"))?;
            }
        }
    }
    Ok(out.flush()?)
}
