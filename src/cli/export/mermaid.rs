//! A graph for Mermaid, which Markdown pages draw. A node has its path where it is first named.

use super::fields::node;
use super::format::Format;
use super::nodes::Nodes;
use crate::branch::BranchName;
use crate::cli::escape::Escaped;
use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use crate::journal::Standing;
use crate::oid::Oid;
use std::io::{self, Write};

pub(super) struct Mermaid<'a>(pub(super) Nodes<'a>);

impl Format for Mermaid<'_> {
    fn begin(&mut self, _: &BranchName, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"flowchart LR\n")
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let edge = shown.edge;
        let line = if shown.standing == Standing::Live { "-->" } else { "-.->" };
        out.write_all(b"  ")?;
        self.end_of_edge(edge.source_path, &edge.source, out)?;
        write!(out, " {line}|{}| ", edge.relation.name())?;
        self.end_of_edge(edge.target_path, &edge.target, out)?;
        Ok(out.write_all(b"\n")?)
    }

    fn end(&mut self, _: &mut dyn Write) -> Result<(), Failure> {
        Ok(())
    }
}

impl Mermaid<'_> {
    fn end_of_edge(
        &mut self,
        path: &[u8],
        object: &Oid,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let name = node(path, object);
        let (number, is_new) = self.0.number(&name)?;
        write!(out, "n{number}")?;
        if is_new {
            write!(out, "[\"{}\"]", label(&name))?;
        }
        Ok(())
    }
}

/// The text with ASCII punctuation as entities, since Mermaid takes some of it for markup.
fn label(name: &[u8]) -> String {
    let mut label = String::new();
    for c in Escaped::bytes(name).to_string().chars() {
        if c.is_ascii_punctuation() && !matches!(c, '.' | '/' | '_' | '-') {
            label.push_str(&format!("#{};", u32::from(c)));
        } else {
            label.push(c);
        }
    }
    label
}
