//! Commands that do not depend on the machine's variables or anyone's configuration.

use std::ffi::{OsStr, OsString};
use std::process::Command;

/// The program that is tested: the one built with the tests, or the one that `GITMIND_PROGRAM` names,
/// such as the program as it is shipped.
pub(crate) fn program() -> OsString {
    std::env::var_os("GITMIND_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_git-mind").into())
}

/// Runs `program` without the variables whose names begin with one of `removed`, and as nobody in
/// particular where git asks who it is.
pub(crate) fn isolated(program: impl AsRef<OsStr>, removed: &[&str]) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if removed.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_AUTHOR_NAME", "a").env("GIT_AUTHOR_EMAIL", "a@b").env("TZ", "UTC");
    command.env("GIT_COMMITTER_NAME", "a").env("GIT_COMMITTER_EMAIL", "a@b").env("LC_ALL", "C");
    command
}
