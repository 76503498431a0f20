//! The house rules that neither the compiler nor clippy holds: `guardrails check`. And the public
//! API of the libraries beside its stored texts: `guardrails api [--write]`, by `checks/api/run`.
//!
//! `check` looks at the files of the working tree, `check --staged` at those of git's index that a
//! commit would change. What is found is printed, a line each: file, line, rule, what is wrong,
//! what to do. The exit code is 0 if there was nothing, 1 if there was, 2 if it cannot tell.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod api;
mod finding;
mod rules;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::process::ExitCode;

use tree::Tree;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["api", options @ ..] = &words[..] {
        return api(options == ["--write"]);
    }
    let tree = match words[..] {
        ["check"] => Ok(Tree::working()),
        ["check", "--staged"] => Tree::staged().map_err(|e| e.to_string()),
        _ => Err("usage: guardrails check [--staged], api [--write]".to_owned()),
    };
    report(tree.map(|tree| rules::check(&tree)), |count| {
        format!("{count} found; AGENTS.md says how to obey a rule")
    })
}

fn api(is_written: bool) -> ExitCode {
    report(api::compare(is_written), |_| {
        "`checks/api/run --write` stores it; the next version has to fit".to_owned()
    })
}

/// Prints what was found, and `advice` for so many findings.
fn report(found: Result<Vec<impl Display>, String>, advice: impl Fn(usize) -> String) -> ExitCode {
    match found {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| println!("{finding}"));
            println!("guardrails: {}", advice(findings.len()));
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("guardrails: {reason}");
            ExitCode::from(2)
        }
    }
}
