//! Conversion of library errors into failures of the command line: the exit code and the hint.
//!
//! Each error type is converted here and nowhere else, so that `?` gives the same hint everywhere.
//! A command that knows more replaces the hint.

use super::failure::Failure;
use crate::branch::{BranchNameError, CACHE_PREFIX};
use crate::cache::{QueryError, RebuildError};
use crate::context::{HeadBranchError, ToggleError, operation};
use crate::fixture::{FixtureError, GenerateError};
use crate::fs::{FsError, NameError};
use crate::git;
use crate::journal::{AppendError, BatchError, MergeError, WalkError, WriterError};
use crate::memory::{ErrorKind, MemoryError, TooManyOperations, TraceReport};
use crate::random::RandomError;
use crate::telemetry::SettingsError;
use std::io;

const FSCK: &str = "`git fsck` lists what is damaged or missing";
const ARENA_CAP: &str = "GM_ARENA_CAP_CACHE_REBUILD";

/// Conversions into failures with exit code 1 and a hint computed from the error.
macro_rules! hinted {
    ($($error:ty => $hint:expr),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let hint: fn(&$error) -> Option<String> = $hint;
                let hint = hint(&error);
                Self::new(error).hint_if(hint)
            }
        }
    )+};
}

hinted! {
    io::Error => |_| None,
    serde_json::Error => |_| None,
    NameError => |_| None,
    RandomError => |_| None,
    TooManyOperations => |_| None,
    TraceReport => |report| match report.leaks {
        None => Some("GM_ALLOC_TRACE=sites names the call sites".into()),
        Some(_) => None,
    },
    MemoryError => |error| memory_hint(*error),
    git::Error => git_hint,
    WalkError => walk_hint,
    QueryError => query_hint,
    RebuildError => rebuild_hint,
    AppendError => append_hint,
    MergeError => merge_hint,
    BatchError => |error| error.memory().map(|_| "import fewer edges at once".into()),
    FsError => |error| error.hint().map(Into::into),
    FixtureError => fixture_hint,
    GenerateError => generate_hint,
    HeadBranchError => |_| Some("name a branch with --branch NAME".into()),
}

/// Conversions into usage errors: exit code 2 and a fixed hint.
macro_rules! usage {
    ($($error:ty => $hint:expr),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error).unknown().hint_if($hint.map(str::to_owned))
            }
        }
    )+};
}

usage! {
    BranchNameError => None,
    SettingsError => Some("correct it, or unset it"),
    ToggleError => Some("correct it, or unset it"),
    WriterError => Some("correct it, or unset it"),
}

fn memory_hint(error: MemoryError) -> Option<String> {
    let variable = match (error.kind(), error.op()) {
        (ErrorKind::OverBudget, Some(operation::ATTR_QUERY | operation::CACHE_QUERY)) => {
            "GM_ARENA_CAP_ATTR_QUERY"
        }
        (ErrorKind::OverBudget, _) => ARENA_CAP,
        _ => return None,
    };
    Some(format!(
        "raise the budget with {variable}=SIZE; GM_ALLOC_TRACE=sites lists the call sites that \
         hold the memory"
    ))
}

fn git_hint(error: &git::Error) -> Option<String> {
    let hint = match error {
        git::Error::NotARepository { .. } => {
            "change to a directory of a git repository, or name one with -C DIR"
        }
        git::Error::Shallow(_) => {
            "`git fetch --unshallow ORIGIN 'refs/gitmind/edges/*:refs/gitmind/edges/*'` brings the \
             rest"
        }
        git::Error::Extension { extension, .. } if extension.contains("refstorage=reftable") => {
            "`git refs migrate --ref-format=files` converts it (git 2.46 or later)"
        }
        git::Error::Extension { extension, .. } if extension.contains("object format") => {
            "`git init --object-format=sha1 NEW && git fast-export --all | git -C NEW fast-import` \
             makes a copy with SHA-1"
        }
        git::Error::Identity(git::IdentityError::Date { .. }) => {
            "dates are as in `2005-04-07T22:13:13+02:00` or `@1112911993 +0200`"
        }
        git::Error::Identity(_) => {
            "`git config user.name NAME && git config user.email ADDRESS` sets them"
        }
        git::Error::Promised(id) => {
            return Some(format!("`git cat-file -t {id}` fetches it from where it was cloned"));
        }
        git::Error::Missing(_) | git::Error::Corrupt { .. } | git::Error::Kind { .. } => FSCK,
        git::Error::RefLocked { holder_is_alive: true, .. } => {
            "wait until that process ends, which releases the lock, then run this again"
        }
        git::Error::RefLocked { .. } => "if no git process is running, delete the lock file",
        git::Error::RefRead { name, .. } if name.starts_with(CACHE_PREFIX) => {
            return Some(unreadable_cache_hint(name));
        }
        git::Error::Memory(error) => return memory_hint(*error),
        _ => return None,
    };
    Some(hint.into())
}

/// The hint when the ref of a cache cannot be read.
pub(super) fn unreadable_cache_hint(name: &str) -> String {
    format!(
        "a cache can always be built again: delete the file that `git rev-parse --git-path {name}` \
         prints, then run `git mind cache-rebuild`"
    )
}

fn walk_hint(error: &WalkError) -> Option<String> {
    match error {
        WalkError::Repository(error) => git_hint(error),
        WalkError::CommitIds(error) => error.hint().map(Into::into),
        WalkError::Memory(error) => memory_hint(*error),
        WalkError::Cycle { .. } => Some(FSCK.into()),
        WalkError::TooManyCommits => None,
    }
}

fn query_hint(error: &QueryError) -> Option<String> {
    match error {
        QueryError::Walk(error) => walk_hint(error),
        error => error.memory().and_then(memory_hint),
    }
}

fn rebuild_hint(error: &RebuildError) -> Option<String> {
    Some(match error {
        RebuildError::Malformed(_) => {
            "without --strict, malformed commits are skipped and counted".into()
        }
        RebuildError::Write(git::Error::RefMoved { .. }) => {
            "another process is rebuilding this cache; run it again".into()
        }
        RebuildError::Write(git::Error::RefUnsure { .. }) => "run it again".into(),
        RebuildError::Write(git::Error::RefConflict { other, .. }) => {
            format!("`git update-ref -d {other}` deletes that cache, if its branch is gone")
        }
        RebuildError::Write(error) => return git_hint(error),
        RebuildError::Walk(error) => return walk_hint(error),
        RebuildError::Spill(error) => return error.hint().map(Into::into),
        error if error.is_over_cap() => format!("raise the arena's cap with {ARENA_CAP}=SIZE"),
        error => return error.memory().and_then(memory_hint),
    })
}

/// The hint when the edges of a rebuild exceed the cap and `--no-spill` is given.
pub(super) fn no_spill_hint() -> String {
    format!("without --no-spill, edges spill to disk; {ARENA_CAP} sets the cap")
}

fn append_hint(error: &AppendError) -> Option<String> {
    Some(match error {
        AppendError::Contended { .. } => "run it again when fewer processes write at once".into(),
        AppendError::Repository(git::Error::RefUnsure { .. }) => {
            "check with `git mind list` whether the edges are there before you run it again".into()
        }
        AppendError::Repository(git::Error::RefConflict { other, .. }) => {
            let new = "refs/gitmind/edges/NEW";
            format!(
                "`git update-ref {new} {other} && git update-ref -d {other}` gives that journal \
                 the name NEW"
            )
        }
        AppendError::Repository(git::Error::Kind { .. } | git::Error::Missing(_)) => {
            "`git update-ref refs/gitmind/edges/BRANCH COMMIT` sets it to a commit of the journal"
                .into()
        }
        AppendError::Repository(error) => return git_hint(error),
        error => return error.memory().and_then(memory_hint),
    })
}

fn merge_hint(error: &MergeError) -> Option<String> {
    match error {
        MergeError::NotAJournal(_) => {
            Some("`git for-each-ref refs/gitmind` lists the journals here".into())
        }
        MergeError::Walk(error) => walk_hint(error),
        MergeError::Append(error) => append_hint(error),
        MergeError::Edge(error) => error.memory().and_then(memory_hint),
    }
}

fn fixture_hint(error: &FixtureError) -> Option<String> {
    Some(match error {
        FixtureError::NoList { .. } => {
            "run it in a checkout of gitmind, or name the directory with --fixtures-dir DIR".into()
        }
        FixtureError::Unknown { known, .. } => {
            format!("there are {}; a directory is named with a `/`", known.join(", "))
        }
        FixtureError::Hash { .. } => {
            "restore it (git checkout -- fixtures), or correct fixtures.toml if it was changed on \
             purpose"
                .into()
        }
        FixtureError::NoRepository { .. } => {
            "`git-mind fixture make --edges N --seed 1 DIR` makes one".into()
        }
        _ => return None,
    })
}

fn generate_hint(error: &GenerateError) -> Option<String> {
    match error {
        GenerateError::Exists(_) => Some("name a directory that does not exist".into()),
        _ => None,
    }
}
