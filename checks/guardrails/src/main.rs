//! The house rules that neither the compiler nor clippy holds: `guardrails check`.
//!
//! `check` looks at the files of the working tree, `check --staged` at those of git's index that a
//! commit would change, `clippy` at the messages of a clippy run (JSON, on standard input). What
//! is found and not excepted in `allowed.toml` is printed, a line each: file, line, rule, what is
//! wrong, what to do. With `--lower`, counts of that file that fell are written down first. The
//! exit code is 0 if there was nothing, 1 if there was, 2 if it cannot tell.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod clippy;
mod exceptions;
mod finding;
mod lower;
mod rules;
mod source;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::process::ExitCode;

use exceptions::{EXCEPTIONS, Exceptions};
use finding::{Finding, Kind};
use tree::Tree;

const USAGE: &str = "usage: guardrails check [--staged | --lower]
       guardrails clippy [--lower] <MESSAGES";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["check"] => check(&Tree::working(), false),
        ["check", "--lower"] => check(&Tree::working(), true),
        ["check", "--staged"] => staged(),
        ["clippy"] => clippy(&Tree::working(), false),
        ["clippy", "--lower"] => clippy(&Tree::working(), true),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| println!("{finding}"));
            println!("guardrails: {} found; AGENTS.md says how to meet a rule", findings.len());
            ExitCode::FAILURE
        }
        Err(reason) => {
            eprintln!("guardrails: {reason}");
            ExitCode::from(2)
        }
    }
}

/// Every rule on the source.
fn check(tree: &Tree, is_lowering: bool) -> Result<Vec<Finding>, String> {
    let found = rules::check(tree)?;
    let exceptions = exceptions(tree, &found, is_lowering.then_some(Kind::Written))?;
    let mut findings = exceptions.apply(found, Kind::Written, &|path| tree.is_checked(path));
    findings.extend(exceptions.stale(&|path| tree.has(path)));
    Ok(findings)
}

/// Every rule on what a commit would change; and the list of exceptions has not grown.
fn staged() -> Result<Vec<Finding>, String> {
    let tree = Tree::staged().map_err(|e| e.to_string())?;
    let mut findings = check(&tree, false)?;
    if let Some(before) = tree.before(EXCEPTIONS) {
        let now = exceptions(&tree, &[], None)?;
        findings.extend(now.growth_since(&Exceptions::parse(&before)?));
    }
    Ok(findings)
}

/// What clippy found with the lists of `clippy.toml`; and every allowance is needed.
fn clippy(tree: &Tree, is_lowering: bool) -> Result<Vec<Finding>, String> {
    let found = clippy::findings(io::stdin().lock())?;
    let exceptions = exceptions(tree, &found, is_lowering.then_some(Kind::Resolved))?;
    let unused = exceptions.unused(&rules::check(tree)?, &found);
    Ok([exceptions.apply(found, Kind::Resolved, &|_| true), unused].concat())
}

/// The exceptions, with the counts of a kind lowered first, on disk, to what was found.
fn exceptions(tree: &Tree, found: &[Finding], kind: Option<Kind>) -> Result<Exceptions, String> {
    let mut text = tree.read(EXCEPTIONS)?;
    if let Some(kind) = kind {
        text = lower::lower(&text, found, kind);
        fs::write(EXCEPTIONS, &text).map_err(|e| format!("{EXCEPTIONS}: {e}"))?;
    }
    Exceptions::parse(&text)
}
