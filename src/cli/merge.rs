//! `git-mind merge`: other journals into the journal of a branch.

use super::args::Args;
use super::count::{counted, number};
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::journals::{self, Journal};
use super::malformed;
use super::output::Output;
use super::repository;
use super::telemetry::{Session, clock, milliseconds};
use crate::branch::BranchName;
use crate::clock::Clock;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::journal::{Append, MergeForm, Merged, Outcome};
use crate::oid::Oid;
use crate::progress::Silent;
use crate::random::SystemRandom;
use crate::telemetry::{Level, Metric};
use serde::Serialize;
use std::io::{self, Write};
use std::time::Duration;

/// Merge other journals into the journal of a branch
///
/// If the branch has no journal, it gets the other one. If the other journal contains this one, the
/// branch moves forward to it. Otherwise a merge commit without edges joins the two: no edge is
/// lost or duplicated, and no edge id changes. Merging the same journal again does nothing.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The C tool follows only the first parent of a commit, so it does not see merged \
                        edges. With --linear the edges are appended, and every reader sees them; \
                        but the two histories stay separate, so a later merge without --linear \
                        adds the same edges a second time.\n\nExamples:\n  git \
                        mind merge\n  git mind merge feature/x\n  git mind merge origin/main \
                        --json"
)]
pub(super) struct MergeArgs {
    /// Journal to merge: a branch, REMOTE/BRANCH, a ref or a commit id [default: the fetched
    /// journals of the same branch, of every remote]
    #[arg(value_name = "JOURNAL")]
    journals: Vec<String>,
    /// Merge into the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Append the missing edges instead of making a merge commit; skip edges whose ULID is already
    /// in the journal
    #[arg(long)]
    linear: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    options: &MergeArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let repository = repository::open_to_write(args, env, output)?;
    let scope = session.memory.begin(operation::JOURNAL_MERGE)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    session.about(branch.as_str(), "merge", repository.location().git_dir.clone());
    let journals = if options.journals.is_empty() {
        journals::tracking(&repository, &branch)?
    } else {
        let named = options.journals.iter().map(|word| journals::named(&repository, word));
        named.collect::<Result<_, _>>()?
    };
    let form = if options.linear { MergeForm::Linear } else { MergeForm::Commit };
    let service = Append { alloc, repository: &repository, clock: &clock, random: &SystemRandom };
    let merged = merge(&service, &branch, &journals, form, session)?;
    output.done("the journals were merged");
    if options.json {
        output.json(&MergeDocument::new(&branch, &journals, &merged, &clock))?;
    } else {
        print(&branch, &journals, &merged, output)?;
    }
    if merged.outcomes.contains(&Outcome::Merged) {
        output.note(
            "the C tool follows first parents only, so it does not see what was merged; `git mind \
             merge --linear` appends the edges instead",
        );
    }
    malformed::warn(&merged.malformed, output);
    if merged.left_out > 0 {
        let edges = number(merged.left_out);
        output.warning(&format!(
            "edges with control characters or bytes that are not UTF-8: {edges} left out"
        ));
    }
    Ok(Exit::Success)
}

/// Merges journals, with the events and metrics.
pub(super) fn merge<'a>(
    service: &Append<'a>,
    branch: &BranchName,
    journals: &[Journal],
    form: MergeForm,
    session: &Session<'_>,
) -> Result<Merged<'a>, Failure> {
    let started = service.clock.elapsed();
    let log = |name, duration: Option<Duration>| {
        session.telemetry.log(Level::Info, "journal", name, |event| {
            event.text("branch", branch.as_str().as_bytes())?;
            event.text("mode", b"merge")?;
            event.number("journals", journals.len() as u64)?;
            duration.map_or(Ok(()), |time| event.number("duration_ms", milliseconds(time)))
        });
    };
    log("journal_merge_start", None);
    let tips: Vec<Oid> = journals.iter().map(|journal| journal.tip).collect();
    let outcome = service.merge(branch, &tips, form);
    let duration = service.clock.elapsed().saturating_sub(started);
    session.record_duration(Metric::JournalMergeDuration, duration);
    let name = if outcome.is_ok() { "journal_merge_ok" } else { "journal_merge_failed" };
    log(name, Some(duration));
    Ok(outcome?)
}

/// What `--json` prints.
#[derive(Serialize)]
struct MergeDocument<'a> {
    schema: u32,
    branch: &'a str,
    /// Null when there was no journal.
    old_tip: Option<String>,
    new_tip: Option<String>,
    journals: Vec<JournalDocument<'a>>,
    edges_appended: u64,
    edges_left_out: u64,
    commits_skipped: u32,
    edges_truncated: u32,
    attempts: u32,
    duration_ms: u64,
}

#[derive(Serialize)]
struct JournalDocument<'a> {
    journal: &'a str,
    tip: String,
    outcome: &'static str,
}

impl<'a> MergeDocument<'a> {
    fn new(
        branch: &'a BranchName,
        journals: &'a [Journal],
        merged: &Merged<'_>,
        clock: &dyn Clock,
    ) -> Self {
        let document = |(journal, outcome): (&'a Journal, &Outcome)| {
            let (tip, outcome) = (journal.tip.to_string(), outcome.name());
            JournalDocument { journal: &journal.name, tip, outcome }
        };
        Self {
            schema: 1,
            branch: branch.as_str(),
            old_tip: merged.before.map(|tip| tip.to_string()),
            new_tip: merged.after.map(|tip| tip.to_string()),
            journals: journals.iter().zip(&*merged.outcomes).map(document).collect(),
            edges_appended: merged.appended,
            edges_left_out: merged.left_out,
            commits_skipped: merged.malformed.skipped,
            edges_truncated: merged.malformed.truncated,
            attempts: merged.attempts,
            duration_ms: milliseconds(clock.elapsed()),
        }
    }
}

fn print(
    branch: &BranchName,
    journals: &[Journal],
    merged: &Merged<'_>,
    output: &mut Output,
) -> io::Result<()> {
    let branch = Escaped::bytes(branch.as_str().as_bytes());
    if journals.is_empty() {
        return writeln!(
            output,
            "Nothing to merge: no journal of `{branch}` was fetched; `git mind sync` fetches and \
             merges"
        );
    }
    for (journal, outcome) in journals.iter().zip(&*merged.outcomes) {
        let name = Escaped::bytes(journal.name.as_bytes());
        match outcome {
            Outcome::UpToDate => writeln!(output, "Already up to date with {name}"),
            Outcome::Created => writeln!(output, "Created the journal of `{branch}` from {name}"),
            Outcome::FastForward => writeln!(output, "Moved `{branch}` forward to {name}"),
            Outcome::Merged => writeln!(output, "Merged {name} into `{branch}`"),
            Outcome::Appended => writeln!(output, "Appended edges of {name} to `{branch}`"),
        }?;
    }
    match merged.appended {
        0 => Ok(()),
        edges => writeln!(output, "{} appended", counted(edges, "edge")),
    }
}
