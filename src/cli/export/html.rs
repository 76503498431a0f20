//! A page that holds the edges and a script to look at them; nothing is loaded from elsewhere.
//!
//! Its policy allows no script and no style but its own, which it names by their hashes, so text of
//! others that got into the markup could not run. Such text is only in the data, as JSON.

use super::fields::node;
use super::format::Format;
use super::nodes::Nodes;
use crate::branch::BranchName;
use crate::cli::escape::Escaped;
use crate::cli::failure::Failure;
use crate::cli::output::write_json;
use crate::cli::shown::{Shown, name_of};
use crate::journal::Standing;
use data_encoding::BASE64;
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// A page whose edges are being written.
pub(super) struct Html<'a> {
    nodes: Nodes<'a>,
    types: Nodes<'a>,
    authors: Nodes<'a>,
    separator: &'static str,
}

impl<'a> Html<'a> {
    /// A page without edges, whose texts are numbered by `numbers`.
    pub(super) fn new(numbers: impl Fn() -> Nodes<'a>) -> Self {
        Self { nodes: numbers(), types: numbers(), authors: numbers(), separator: "" }
    }
}

impl Format for Html<'_> {
    fn begin(&mut self, branch: &BranchName, out: &mut dyn Write) -> io::Result<()> {
        let title = format!("Links of {}", Escaped::bytes(branch.as_str().as_bytes()));
        let (head, _) = parts();
        let hash = |text: &str| BASE64.encode(&Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; \
             form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        let head = head.replace("%POLICY%", &policy).replace("%STYLE%", STYLE);
        out.write_all(head.replace("%TITLE%", &markup(&title)).as_bytes())?;
        out.write_all(b"{\"edges\":[")
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let edge = shown.edge;
        let (source, _) = self.nodes.number(&node(edge.source_path, &edge.source))?;
        let (target, _) = self.nodes.number(&node(edge.target_path, &edge.target))?;
        let kind = match edge.relation.name() {
            "custom" => format!("custom ({})", edge.relation.0),
            name => name.to_owned(),
        };
        let (kind, _) = self.types.number(kind.as_bytes())?;
        let (author, _) = self.authors.number(shown.author())?;
        let confidence = edge.meant_confidence().fraction();
        let standing = match shown.standing {
            Standing::Live => "",
            standing => name_of(standing),
        };
        let separator = std::mem::replace(&mut self.separator, ",");
        writeln!(
            out,
            "{separator}[{source},{target},{kind},{author},{confidence:.4},{},\"{standing}\"]",
            shown.time_ms()
        )?;
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        let Self { nodes, types, authors, .. } = self;
        out.write_all(b"]")?;
        for (name, texts) in [("nodes", nodes), ("types", types), ("authors", authors)] {
            write!(out, ",\n\"{name}\":[")?;
            let mut separator = "";
            texts.each(|text| {
                write!(out, "{separator}")?;
                separator = ",\n";
                let text = serde_json::to_string(&Escaped::bytes(text).to_string())?;
                // In the markup, `<` could end the data.
                Ok::<_, Failure>(write_json(out, text.replace('<', "\\u003c").as_bytes())?)
            })?;
            out.write_all(b"]")?;
        }
        let (_, tail) = parts();
        out.write_all(b"}")?;
        Ok(out.write_all(tail.replace("%SCRIPT%", SCRIPT).as_bytes())?)
    }
}

/// What is before and after the data.
fn parts() -> (&'static str, &'static str) {
    PAGE.split_once("%DATA%").expect("this holds because the page has a place for the data")
}

/// Text in the markup.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
