//! Code that the compiler cannot check: where it may be, and what it says for itself.
//!
//! Clippy asks for the comment too, of what it compiles; this asks in every configuration, in the
//! bodies of macros and in the crates that clippy is not run on.

use crate::finding::{Finding, rule};
use crate::source::Source;
use crate::tokens::Token;

/// Where `unsafe` may be. Each but the first tests or measures what is there.
const HOMES: [&str; 4] =
    ["crates/memory/src/", "crates/memory/tests/", "benches/instructions/", "benches/peers/"];

/// Unsafe code in the wrong place, and unsafe blocks and implementations without their reason.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let is_home = HOMES.iter().any(|home| source.path.starts_with(home));
    let lines: Vec<&str> = source.text.lines().collect();
    let mut findings = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        if token.text != "unsafe" || !token.is_name || is_attribute(&source.tokens, at) {
            continue;
        }
        let line = token.start.line;
        if !is_home {
            let what =
                format!("`unsafe` belongs under {}: move it behind a safe function", HOMES[0]);
            findings.push(Finding::new(source.path, line, rule::UNSAFE, what));
        }
        let follows = source.tokens.get(at + 1).map_or("", |next| next.text.as_str());
        if matches!(follows, "{" | "impl") && !has_reason(&lines, line) {
            let what = "no SAFETY comment: write `// SAFETY: <the fact that makes this sound, and \
                        who established it>` directly above";
            findings.push(Finding::new(source.path, line, rule::UNSAFE, what.to_owned()));
        }
    }
    findings
}

/// `#[unsafe(...)]` is no block.
fn is_attribute(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1].text == "["
}

/// Whether the comment that ends above the statement of this line begins with the word.
fn has_reason(lines: &[&str], line: usize) -> bool {
    let is_comment = |text: &&&str| text.trim_start().starts_with("//");
    let above = &lines[..line - 1];
    // A statement may begin some lines earlier: `let x =`, a call's arguments, an attribute.
    let begins = above.iter().rposition(|text| {
        let text = text.trim();
        text.is_empty() || text.starts_with("//") || text.ends_with([';', '{', '}'])
    });
    let above = begins.map_or(&[][..], |last| &above[..=last]);
    let comment = above.iter().rev().take_while(is_comment);
    comment.map(|text| text.trim_start()).any(|text| text.starts_with("// SAFETY:"))
}
