//! A graph for Graphviz. An edge names its ends by their paths, so no node is declared.
//!
//! Graphviz takes a name that starts with `%` for one of its own, so such a path starts with `./`.

use super::fields::{FIELDS, Value, node, values};
use super::format::Format;
use crate::branch::BranchName;
use crate::cli::escape::{Escaped, each_run};
use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use crate::journal::Standing;
use std::io::{self, Write};

#[derive(Default)]
pub(super) struct Dot {
    /// The line of an edge, which is made of many parts.
    line: Vec<u8>,
}

impl Format for Dot {
    fn begin(&mut self, branch: &BranchName, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "digraph {} {{", Quoted(branch.as_str().as_bytes()))?;
        writeln!(
            out,
            "  rankdir=LR; node [shape=box, fontname=\"sans-serif\"]; \
             edge [fontname=\"sans-serif\", fontsize=10];"
        )
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let edge = shown.edge;
        let source = node(edge.source_path, &edge.source);
        let target = node(edge.target_path, &edge.target);
        let label = edge.relation.name();
        let line = &mut self.line;
        line.clear();
        write!(line, "  {} -> {} [label=\"{label}\"", Quoted(&source), Quoted(&target))?;
        if shown.standing != Standing::Live {
            line.write_all(b", style=dashed, color=gray")?;
        }
        for ((name, _), value) in FIELDS.iter().zip(values(shown)) {
            match value {
                Value::Absent => {}
                Value::Plain(text) => write!(line, ", {name}={}", Quoted(text.as_bytes()))?,
                Value::Text(text) => write!(line, ", {name}={}", Quoted(text))?,
            }
        }
        line.write_all(b"];\n")?;
        Ok(out.write_all(line)?)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        Ok(writeln!(out, "}}")?)
    }
}

/// Text in quotes, of which Graphviz draws what `list` prints.
struct Quoted<'a>(&'a [u8]);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = Escaped::bytes(self.0).to_string();
        let mark = if text.starts_with('%') { "./" } else { "" };
        write!(f, "\"{mark}")?;
        let is_special = |c| matches!(c, '\\' | '"' | '&');
        let is_plain = |byte: u8| byte.is_ascii() & !matches!(byte, b'\\' | b'"' | b'&');
        each_run(&text, is_plain, is_special, |run, special| {
            f.write_str(run)?;
            f.write_str(match special {
                Some('\\') => "\\\\",
                Some('"') => "\\\"",
                Some(_) => "&amp;",
                None => "",
            })
        })?;
        f.write_str("\"")
    }
}
