//! A graph as XML (<http://graphml.graphdrawing.org>). A node is declared before its first edge.

use super::fields::{FIELDS, Value, node, values};
use super::format::Format;
use super::nodes::Nodes;
use crate::branch::BranchName;
use crate::cli::escape::{Escaped, each_run};
use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use std::borrow::Cow;
use std::convert::Infallible;
use std::io::{self, Write};

pub(super) struct Graphml<'a>(pub(super) Nodes<'a>);

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="label" for="node" attr.name="label" attr.type="string"/>
"#;

impl Format for Graphml<'_> {
    fn begin(&mut self, branch: &BranchName, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(HEAD.as_bytes())?;
        for (name, kind) in FIELDS {
            let key = format!(r#"for="edge" attr.name="{name}" attr.type="{kind}""#);
            writeln!(out, r#"<key id="{name}" {key}/>"#)?;
        }
        let branch = text(branch.as_str().as_bytes());
        writeln!(out, r#"<graph id="{branch}" edgedefault="directed">"#)
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let edge = shown.edge;
        let mut ends = [0; 2];
        let paths = [(edge.source_path, &edge.source), (edge.target_path, &edge.target)];
        for (end, (path, object)) in ends.iter_mut().zip(paths) {
            let name = node(path, object);
            let (number, is_new) = self.0.number(&name)?;
            if is_new {
                let label = text(&name);
                writeln!(out, r#"<node id="n{number}"><data key="label">{label}</data></node>"#)?;
            }
            *end = number;
        }
        let [source, target] = ends;
        write!(out, r#"<edge source="n{source}" target="n{target}">"#)?;
        for ((name, _), value) in FIELDS.iter().zip(values(shown)) {
            let value = match &value {
                Value::Absent => continue,
                Value::Plain(plain) => Cow::Borrowed(&**plain),
                Value::Text(bytes) => text(bytes).into(),
            };
            write!(out, r#"<data key="{name}">{value}</data>"#)?;
        }
        Ok(writeln!(out, "</edge>")?)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), Failure> {
        Ok(out.write_all(b"</graph>\n</graphml>\n")?)
    }
}

/// The text in XML. What XML cannot hold is escaped as `list` prints it.
fn text(bytes: &[u8]) -> String {
    let is_char = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        c => c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    let plain = match str::from_utf8(bytes) {
        Ok(text) if text.chars().all(is_char) => Cow::Borrowed(text),
        _ => Escaped::bytes(bytes).to_string().into(),
    };
    let mut xml = String::with_capacity(plain.len());
    // A parser would read tabs and line ends as spaces in an attribute.
    let is_special = |c| matches!(c, '&' | '<' | '>' | '"' | '\t' | '\n' | '\r');
    let is_plain = |byte| matches!(byte, b' '..=b'~') & !is_special(char::from(byte));
    let Ok(()) = each_run(&plain, is_plain, is_special, |run, special| {
        xml.push_str(run);
        match special {
            None => {}
            Some('&') => xml.push_str("&amp;"),
            Some('<') => xml.push_str("&lt;"),
            Some('>') => xml.push_str("&gt;"),
            Some('"') => xml.push_str("&quot;"),
            Some(c) => xml.push_str(&format!("&#{};", u32::from(c))),
        }
        Ok::<_, Infallible>(())
    });
    xml
}
