//! README: what it pastes is what the program prints.

use crate::support::mind;
use std::path::Path;

const README: &str = include_str!("../../README.md");

/// The text block that follows the shell block with this command.
fn pasted(command: &str) -> &'static str {
    let shell = format!("```sh\n{command}\n```\n\n```text\n");
    let (_, after) = README.split_once(&shell).expect("README shows the command with its output");
    after.split_once("```").expect("the block ends").0
}

/// The lines, without the digits of the peak and its share, which differ between builds.
fn masked(text: &str) -> Vec<String> {
    let mask = |line: &str| {
        let kept = if line.starts_with("heap peak") {
            0
        } else {
            line.rfind("MiB,").unwrap_or(line.len())
        };
        let (same, measured) = line.split_at(kept);
        same.to_owned() + &measured.replace(|c: char| c.is_ascii_digit(), "")
    };
    text.lines().map(mask).collect()
}

#[test]
fn the_pasted_budget_is_what_the_program_prints() {
    let printed = mind(Path::new(env!("CARGO_MANIFEST_DIR")), &["budget"]).ok();
    assert_eq!(masked(pasted("cargo run --release -- budget")), masked(&printed));
}
