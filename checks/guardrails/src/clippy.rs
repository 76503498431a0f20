//! The messages of a clippy run that was given the lists of `clippy.toml`.

use serde::Deserialize;
use std::io::BufRead;

use super::finding::{Finding, rule};

const LISTS: &str = "checks/guardrails/heap/clippy.toml";

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
    success: Option<bool>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    code: Option<Code>,
    spans: Vec<Span>,
    level: String,
    rendered: Option<String>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: usize,
    column_start: usize,
    is_primary: bool,
    expansion: Option<Expansion>,
}

#[derive(Deserialize)]
struct Expansion {
    span: Box<Span>,
}

/// What clippy found of the lists; an error if it could not look.
///
/// The messages of one run come once for the library and once for the program, and other lints
/// may be among them: they are the check `clippy`'s.
pub(crate) fn findings(messages: impl BufRead) -> Result<Vec<Finding>, String> {
    let (mut found, mut has_finished) = (Vec::new(), false);
    for line in messages.lines() {
        let line = line.map_err(|e| format!("clippy's messages: {e}"))?;
        let line: Line =
            serde_json::from_str(&line).map_err(|e| format!("clippy's messages: {e}: {line}"))?;
        if line.reason == "build-finished" {
            has_finished = line.success == Some(true);
        }
        let Some(message) = line.message else { continue };
        let is_listed =
            message.code.as_ref().is_some_and(|code| code.code.starts_with("clippy::disallowed_"));
        let span = message.spans.iter().find(|span| span.is_primary).map(outermost);
        match span {
            Some(span) if is_listed => {
                let what = format!(
                    "{}: use the `try_` operations of `memory::{{Vec, Map, Box}}` on the handle of \
                     the context",
                    message.message
                );
                let finding =
                    Finding::new(&span.file_name, span.line_start, rule::ALLOCATION, what);
                found.push((span.column_start, finding));
            }
            // An entry that names nothing finds nothing.
            Some(span) if span.file_name.ends_with(LISTS) => {
                let what = format!("{}: correct the path", message.message);
                found.push((0, Finding::new(LISTS, span.line_start, rule::ALLOWLIST, what)));
            }
            _ if message.level == "error" => return Err(message.rendered.unwrap_or_default()),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    let found = found.into_iter().map(|(_, finding)| finding).collect();
    if has_finished { Ok(found) } else { Err("clippy did not finish".to_owned()) }
}

/// Where the code that a macro made was asked for.
fn outermost(span: &Span) -> &Span {
    match &span.expansion {
        Some(expansion) => outermost(&expansion.span),
        None => span,
    }
}
