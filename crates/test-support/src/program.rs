//! Runs of the program, without anyone's environment, and what they print.

use crate::command::{isolated_from_git_and_memory as isolated, program};
use std::path::Path;
use std::process::{Command, Output};

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn new(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("answers are UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("messages are UTF-8"),
        }
    }

    /// The answer of a run that succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The document of a run with `--json` that succeeded.
    pub fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("one JSON document")
    }

    /// The one error line of a run that failed with `code`, and that of its hint, if it has one.
    pub fn error(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "a failed run answers nothing");
        let hints = self.stderr.lines().skip(1);
        let is_one_error =
            hints.clone().count() <= 1 && hints.clone().all(|line| line.starts_with("hint: "));
        assert!(is_one_error && self.stderr.starts_with("git-mind: error: "), "{self:?}");
        self.stderr.trim_end().into()
    }
}

/// The program, without anyone's environment.
pub fn mind_command(directory: &Path, args: &[&str]) -> Command {
    let mut command = isolated(program());
    // State goes to the directory for temporary files, not to anyone's home.
    command.env_remove("HOME").current_dir(directory).args(args);
    for person in ["AUTHOR", "COMMITTER"] {
        command.env_remove(format!("GIT_{person}_NAME")).env_remove(format!("GIT_{person}_EMAIL"));
    }
    command
}

pub fn mind(directory: &Path, args: &[&str]) -> Ran {
    Ran::new(mind_command(directory, args).output().expect("the program was built"))
}

/// Runs the program with these variables and no others of memory and telemetry.
pub fn mind_with(directory: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = mind_command(directory, args);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GM_") || text.starts_with("GITMIND_") {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().copied());
    Ran::new(command.output().expect("the program was built"))
}
