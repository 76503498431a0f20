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

/// What a line says on any machine and in any build: the words, the caps, and how many numbers.
fn masked(line: &str) -> String {
    const OF_A_MACHINE: [&str; 7] =
        ["program", "revision", "compiler", "target", "machine", "pages", "toggles"];
    let words = line.split_whitespace();
    if let Some(label) = words.clone().next().filter(|word| OF_A_MACHINE.contains(word)) {
        return label.into();
    }
    let mask = |word| match word {
        "256.0" | "128.0" | "17345" | "12469" => Some(word),
        "B" | "KiB" | "MiB" | "%" => None,
        "unknown" => Some("#"),
        word if word.parse::<f64>().is_ok() => Some("#"),
        word => Some(word),
    };
    words.filter_map(mask).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_pasted_budget_is_what_the_program_prints() {
    let printed = mind(Path::new(env!("CARGO_MANIFEST_DIR")), &["budget"]).ok();
    let masked = |text: &str| text.lines().map(masked).collect::<Vec<_>>();
    assert_eq!(masked(pasted("cargo run --release -- budget")), masked(&printed));
}
