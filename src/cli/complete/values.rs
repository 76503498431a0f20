//! The values that completions look up in the repository: branches, journals, remotes, revisions.

use super::super::args::Args;
use super::super::journals::{EDGES, REMOTES};
use crate::branch::BranchName;
use crate::env::ProcessEnvironment;
use crate::git::Repository;
use crate::gitoxide::GitRepository;
use clap::{Arg, Command, CommandFactory};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Most refs below one prefix that are offered.
const REFS_MAX: usize = 4096;

/// The command line, with the values of the repository around `directory`. An argument gets those
/// that belong to its name, so that a new command has them too.
pub(super) fn command(directory: &Path) -> Command {
    with_values(Args::command(), directory)
}

fn with_values(command: Command, directory: &Path) -> Command {
    let below = |argument: Arg| {
        let names: fn(&GitRepository) -> Vec<String> = match argument.get_id().as_str() {
            "branch" => branches,
            "journals" => journals,
            "remote" => remotes,
            "at" => revisions,
            "range" => return argument.add(ArgValueCompleter::new(range(directory.to_owned()))),
            _ => return argument,
        };
        let directory = directory.to_owned();
        let candidates = move || look_up(&directory, names);
        argument.add(ArgValueCandidates::new(move || {
            candidates().into_iter().map(CompletionCandidate::new).collect()
        }))
    };
    command.mut_args(below).mut_subcommands(|command| with_values(command, directory))
}

/// The names in the repository around `directory`; none when it cannot be opened.
fn look_up(directory: &Path, names: fn(&GitRepository) -> Vec<String>) -> Vec<String> {
    let repository = GitRepository::find(directory, &ProcessEnvironment, |_| ());
    repository.map_or_else(|_| Vec::new(), |repository| names(&repository))
}

/// The names of the refs below each prefix, without it, each once.
fn refs(repository: &GitRepository, prefixes: &[&str]) -> Vec<String> {
    let (mut once, mut known) = (Vec::new(), HashSet::new());
    for prefix in prefixes {
        let names = repository.refs(prefix, REFS_MAX).unwrap_or_default();
        let names = names.iter().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned);
        once.extend(names.filter(|name| known.insert(name.clone())));
    }
    once
}

/// Branches, those with a journal first.
fn branches(repository: &GitRepository) -> Vec<String> {
    refs(repository, &[BranchName::journal_prefix(), BranchName::branch_prefix()])
}

/// Branches with a journal, and the journals of remotes as `REMOTE/BRANCH`.
fn journals(repository: &GitRepository) -> Vec<String> {
    let mut journals = refs(repository, &[BranchName::journal_prefix()]);
    let fetched = refs(repository, &[REMOTES]);
    journals.extend(fetched.iter().map(|name| name.replacen(EDGES, "/", 1)));
    journals
}

fn remotes(repository: &GitRepository) -> Vec<String> {
    repository.remotes().names()
}

/// The names of commits of the code.
fn revisions(repository: &GitRepository) -> Vec<String> {
    let mut names = vec!["HEAD".to_owned()];
    names.extend(refs(repository, &[BranchName::branch_prefix(), "refs/tags/", "refs/remotes/"]));
    names
}

/// Completes each side of `A..B`.
fn range(directory: PathBuf) -> impl Fn(&OsStr) -> Vec<CompletionCandidate> {
    move |typed: &OsStr| {
        let Some(typed) = typed.to_str() else { return Vec::new() };
        let start = typed.rfind("..").map_or(0, |dots| dots + "..".len());
        let (before, current) = typed.split_at(start);
        let names = look_up(&directory, revisions).into_iter();
        let fitting = names.filter(|name| name.starts_with(current));
        fitting.map(|name| CompletionCandidate::new(format!("{before}{name}"))).collect()
    }
}
