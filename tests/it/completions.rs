//! Completions: what the program answers, and the function of bash. `checks/completions/run` tries
//! them at the prompt of bash, zsh and fish.

use crate::cli::COMMANDS;
use gitmind_test_support::{TempRepository, mind, mind_command};
use std::path::Path;
use std::process::Command;

/// A repository with journals, branches, a tag, remotes and files.
fn world() -> TempRepository {
    let world = TempRepository::fixture("small");
    world.git(&["update-ref", "refs/gitmind/edges/feature/x", "refs/gitmind/edges/main"]);
    world.git(&["update-ref", "refs/gitmind/remotes/origin/edges/main", "refs/gitmind/edges/main"]);
    world.git(&["branch", "spare", "HEAD"]);
    world.git(&["tag", "v1", "HEAD"]);
    world.git(&["remote", "add", "origin", "elsewhere"]);
    world.git(&["remote", "add", "upstream", "elsewhere"]);
    let directory = world.path().join("source code");
    std::fs::create_dir(&directory).expect("a new directory");
    for name in ["alpha.c", "beta.c"] {
        std::fs::write(directory.join(name), "").expect("a file");
    }
    world
}

/// The candidates for the last word of a line, as the program answers them.
fn candidates(directory: &Path, line: &[&str]) -> Vec<String> {
    let mut command = mind_command(directory, &["--", "git-mind"]);
    let index = line.len().to_string();
    command.args(line).env("GIT_MIND_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index);
    let output = command.output().expect("the program was built");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn every_command_and_option_is_a_candidate() {
    let here = Path::new(".");
    let commands = candidates(here, &[""]);
    for command in COMMANDS {
        assert!(commands.iter().any(|name| name == command[0]), "{command:?}");
        let options = candidates(here, &[command, &["--"]].concat());
        assert!(options.iter().any(|name| name == "--help"), "{command:?}: {options:?}");
    }
    assert_eq!(candidates(here, &["cache-"]), ["cache-rebuild"]);
    assert_eq!(candidates(here, &["list", "--min"]), ["--min-confidence"]);
}

#[test]
fn values_come_from_the_repository() {
    let world = world();
    let of = |line: &[&str]| candidates(world.path(), line);
    assert_eq!(of(&["list", "--branch", ""]), ["feature/x", "main", "spare"]);
    assert_eq!(of(&["list", "--branch", "f"]), ["feature/x"]);
    assert_eq!(of(&["link", "--branch=s"]), ["--branch=spare"]);
    assert_eq!(of(&["link", "--type", "imp"]), ["implements"]);
    assert_eq!(of(&["list", "--type=d"]), ["--type=depends_on"]);
    assert_eq!(of(&["list", "--source", "c"]), ["claude"]);
    assert_eq!(of(&["export", "--format", "g"]), ["graphml"]);
    assert_eq!(of(&["sync", "o"]), ["origin"]);
    assert_eq!(of(&["merge", "main", "o"]), ["origin/main"]);
    assert_eq!(of(&["list", "--at", "v"]), ["v1"]);
    assert_eq!(of(&["diff", "v1..sp"]), ["v1..spare"]);
    assert_eq!(of(&["link", "sou"]), ["source code/"]);
    assert_eq!(of(&["query", "--from", "source code/a"]), ["source code/alpha.c"]);
    assert_eq!(of(&["-C", "source code", "list", "be"]), ["beta.c"]);
    assert_eq!(of(&["-C", "source code", "list", "--branch", "f"]), ["feature/x"]);
    let nowhere = world.path().parent().expect("a directory above");
    assert_eq!(candidates(nowhere, &["list", "--branch", "f"]), [""; 0], "there is no repository");
}

#[test]
fn there_is_a_script_for_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = mind(Path::new("."), &["completions", shell]).ok();
        assert!(script.contains("GIT_MIND_COMPLETE"), "{shell}");
    }
    let mut command = mind_command(Path::new("."), &["--", "git-mind", ""]);
    let output = command.env("GIT_MIND_COMPLETE", "tcsh").output().expect("it was built");
    assert_eq!(output.status.code(), Some(1));
}

/// Runs lines of bash after the script of completions, and returns what COMPREPLY has then.
fn in_bash(world: &TempRepository, lines: &str) -> Vec<String> {
    let script = mind(world.path(), &["completions", "bash"]).ok();
    // A bash without readline has no completion at all.
    let start = "PATH=$0:$PATH; complete() { :; }";
    let script = format!("{start}\n{script}\n{lines}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"");
    let program = gitmind_test_support::program();
    let directory = Path::new(&program).parent().expect("it is in a directory");
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).arg(directory).current_dir(world.path());
    let output = bash.output().expect("bash is there");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_program_and_the_command_of_git() {
    let world = world();
    let program = |words: &str| {
        let lines = format!("COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))");
        in_bash(&world, &format!("{lines}; _git_mind_program"))
    };
    assert_eq!(program("git-mind cache-"), ["cache-rebuild"]);
    assert_eq!(program("git-mind list --branch s"), ["spare"]);
    // readline has split the word, and replaces its last part only.
    assert_eq!(program("git-mind list --type = imp"), ["implements"]);
    assert_eq!(
        program("git-mind list --type ="),
        ["implements", "references", "depends_on", "augments", "custom"]
    );
    // As git's own completion calls it after `git -C 'source code' mind list`.
    let git = |words: &str| {
        let lines = "__git_C_args=(-C 'source code') __git_cmd_idx=3";
        let words = format!("words=(git -C 'source code' mind {words})");
        in_bash(&world, &format!("{lines}; {words}; cword=$((${{#words[@]}} - 1)); _git_mind"))
    };
    assert_eq!(git("list be"), ["beta.c"]);
    assert_eq!(git("list --type=imp"), ["implements"]);
    assert_eq!(git("sync u"), ["upstream"]);
}
