//! `git-mind sync`: fetch the journals of a remote, merge them, push ours.

mod exchange;
mod git;

use self::exchange::{Exchange, Synced};
use self::git::Git;
use super::args::Args;
use super::escape::Escaped;
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository;
use super::telemetry::{Session, clock, milliseconds};
use crate::branch::BranchName;
use crate::clock::Clock;
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::gitoxide::{GitRepository, Remotes};
use crate::journal::{Append, Outcome};
use crate::progress::Silent;
use crate::random::SystemRandom;
use serde::Serialize;
use std::io::{self, Write};

/// Fetch the journals of a remote, merge them into the local ones, and push the result
///
/// Runs `git fetch` and `git push`, with git's addresses, credentials and hooks. It never pushes by
/// force: if the remote rejects the push because it has changed, the command fetches, merges and
/// pushes again. The first run adds a refspec to remote.REMOTE.fetch; from then on every `git
/// fetch` also fetches the journals, to refs/gitmind/remotes/REMOTE/edges/.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  git mind sync\n  git mind sync upstream --branch main\n  git \
                        mind sync --json"
)]
pub(super) struct SyncArgs {
    /// Remote [default: the remote of the current branch, else the only one, else origin]
    #[arg(value_name = "REMOTE")]
    remote: Option<String>,
    /// Synchronize only the journal of this branch [default: all journals]
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    options: &SyncArgs,
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
    let only = options.branch.as_deref().map(BranchName::new).transpose()?;
    let head = context.head_branch().ok();
    let remote = remote(&repository, options.remote.as_deref(), head.as_ref())?;
    let shown = only.as_ref().or(head.as_ref()).map_or("HEAD", BranchName::as_str);
    session.about(shown, "sync", repository.location().git_dir.clone());
    let git = Git { directory: repository::start_directory(args), remote: &remote };
    let append = Append { alloc, repository: &repository, clock: &clock, random: &SystemRandom };
    let is_tracked = repository.remotes().is_tracked(&remote);
    let mut exchange = Exchange::new(git, append, only.as_ref(), session);
    exchange.run(is_tracked, output)?;
    output.done("the journals were synchronized");
    let journals = exchange.journals();
    let has_failed = journals.iter().any(|journal| journal.has_failed);
    if options.json {
        let document = SyncDocument {
            schema: 1,
            remote: &remote,
            journals: journals.iter().map(JournalDocument::new).collect(),
            attempts: exchange.attempts(),
            duration_ms: milliseconds(clock.elapsed()),
        };
        output.json(&document)?;
    } else {
        print(&remote, journals, output)?;
    }
    Ok(if has_failed { Exit::Failure } else { Exit::Success })
}

/// The name of the remote that is meant.
fn remote(
    repository: &GitRepository,
    named: Option<&str>,
    head: Option<&BranchName>,
) -> Result<String, Failure> {
    let remotes: Remotes<'_> = repository.remotes();
    let names = remotes.names();
    let listed = || match names.as_slice() {
        [] => "`git remote add origin URL` adds one".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    match named {
        Some(name) if names.iter().any(|known| known == name) => Ok(name.to_owned()),
        Some(name) => Err(Failure::new(format!("`{name}` is not a remote")).hint(listed())),
        None => remotes.of_branch(head.map_or("HEAD", BranchName::as_str)).ok_or_else(|| {
            let error = if names.is_empty() {
                "this repository has no remote to synchronize with"
            } else {
                "there are several remotes, and none is configured for the branch"
            };
            Failure::new(error).hint(listed())
        }),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct SyncDocument<'a> {
    schema: u32,
    remote: &'a str,
    journals: Vec<JournalDocument<'a>>,
    attempts: u32,
    duration_ms: u64,
}

#[derive(Serialize)]
struct JournalDocument<'a> {
    branch: &'a str,
    /// What merging the remote's journal did.
    outcome: &'static str,
    pushed: bool,
    failed: bool,
    tip: Option<String>,
}

impl<'a> JournalDocument<'a> {
    fn new(journal: &'a Synced) -> Self {
        Self {
            branch: journal.branch.as_str(),
            outcome: journal.outcome.name(),
            pushed: journal.is_pushed,
            failed: journal.has_failed,
            tip: journal.tip.map(|tip| tip.to_string()),
        }
    }
}

fn print(remote: &str, journals: &[Synced], output: &mut Output) -> io::Result<()> {
    let remote = Escaped::bytes(remote.as_bytes());
    if journals.is_empty() {
        return writeln!(output, "There are no journals here or in `{remote}`");
    }
    for journal in journals {
        let merged = match journal.outcome {
            Outcome::UpToDate => None,
            Outcome::Created => Some("created"),
            Outcome::FastForward => Some("moved forward"),
            Outcome::Merged | Outcome::Appended => Some("merged"),
        };
        let pushed = journal.is_pushed.then_some("pushed");
        let failed = journal.has_failed.then_some("failed");
        let done: Vec<_> = [merged, pushed, failed].into_iter().flatten().collect();
        let done = if done.is_empty() { "up to date".to_owned() } else { done.join(", ") };
        let branch = Escaped::bytes(journal.branch.as_str().as_bytes());
        writeln!(output, "`{branch}`: {done}")?;
    }
    Ok(())
}
