//! `check --staged`, which the pre-commit hook runs, in repositories of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FINE: &str = "//! Why.\n";
const WORSE: &str = "No header.\n";

/// A repository with one commit, which keeps every rule.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .expect("this holds because no other test uses the directory");
        }
        let repository = Self(directory);
        repository.write("Cargo.toml", "# Why.\n");
        repository.write("src/lib.rs", "//! Why.\npub mod git;\n");
        repository.write("src/git.rs", FINE);
        repository.git(&["init", "--quiet"]);
        repository.git(&["add", "."]);
        let [name, mail] = ["user.name=T", "user.email=t@example.org"];
        repository.git(&["-c", name, "-c", mail, "commit", "--quiet", "--message", "one"]);
        repository
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a path in a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn stage(&self, path: &str, text: &str) {
        self.write(path, text);
        self.git(&["add", path]);
    }

    fn git(&self, arguments: &[&str]) {
        let output = self.run(Command::new("git").args(arguments));
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }

    /// Runs a command here, outside of any hook and without the settings of a user.
    fn run(&self, command: &mut Command) -> Output {
        let command = command.current_dir(&self.0).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let output = command.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").output();
        output.expect("the program starts")
    }

    /// The exit code of the check and the lines it prints.
    fn check(&self, option: &str) -> (Option<i32>, String) {
        let program = env!("CARGO_BIN_EXE_guardrails");
        let output = self.run(Command::new(program).args(["check", option]));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[test]
fn a_staged_violation_is_found_whatever_the_working_tree_says() {
    let repository = Repository::new("staged");
    repository.stage("src/git.rs", WORSE);
    repository.write("src/git.rs", FINE);
    let (code, lines) = repository.check("--staged");
    assert_eq!(code, Some(1), "{lines}");
    assert!(lines.contains("src/git.rs:1: header: no header"), "{lines}");
}

#[test]
fn what_is_not_staged_is_not_looked_at() {
    let repository = Repository::new("unstaged");
    repository.write("src/git.rs", WORSE);
    repository.write("src/lost.rs", "no header");
    repository.stage("notes.md", "Fine.\n");
    assert_eq!(repository.check("--staged"), (Some(0), String::new()));
}

#[test]
fn a_staged_file_that_nothing_declares_is_found() {
    let repository = Repository::new("undeclared");
    repository.stage("tests/it/lost.rs", "//! Why.\n");
    let (code, lines) = repository.check("--staged");
    assert_eq!(code, Some(1), "{lines}");
    assert!(lines.starts_with("tests/it/lost.rs:1: undeclared-file: "), "{lines}");
}

#[test]
fn what_cannot_be_checked_is_neither_fine_nor_wrong() {
    let repository = Repository::new("broken");
    repository.write(".git/index", "no index");
    assert_eq!(repository.check("--staged").0, Some(2));
    assert_eq!(repository.check("--stagged").0, Some(2));
}
