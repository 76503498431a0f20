//! Commands that do not depend on the machine's variables or anyone's configuration.

use std::ffi::{OsStr, OsString};
use std::process::Command;

/// The program that is tested: the one that `GITMIND_PROGRAM` names, such as the program as it is
/// shipped, or the one that was built with the tests.
///
/// # Panics
/// When it was not built.
pub fn program() -> OsString {
    let named =
        ["GITMIND_PROGRAM", "CARGO_BIN_EXE_git-mind"].into_iter().find_map(std::env::var_os);
    named.unwrap_or_else(|| {
        // Without cargo: it is beside the directory of the test's own executable.
        let test = std::env::current_exe().expect("a running program has a path");
        let built = test.ancestors().nth(2).map(|directory| directory.join("git-mind"));
        let built = built.filter(|path| path.is_file());
        built.expect("tests of the program are built with it: `cargo test`").into()
    })
}

/// Runs `program` without the variables whose names begin with one of `removed`, and with a
/// fixed identity in git.
pub fn isolated(program: impl AsRef<OsStr>, removed: &[&str]) -> Command {
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

/// A command that does not depend on the machine. The variables of memory are the caller's.
pub(crate) fn isolated_from_git_and_memory(program: impl AsRef<OsStr>) -> Command {
    isolated(program, &["GIT", "GM_", "NO_COLOR"])
}
