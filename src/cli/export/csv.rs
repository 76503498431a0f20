//! A table (RFC 4180): a line of names, then a line for each edge.
//!
//! Spreadsheets take a cell that starts with `=`, `+`, `-` or `@` for a formula, quoted or not, and
//! these texts are of others. Such a path starts with `./`, which names the same file; other such
//! text, and text that starts with `'`, gets a `'` before it.

use super::fields::{FIELDS, Value, node, values};
use super::format::Format;
use crate::branch::BranchName;
use crate::cli::escape::{Escaped, each_run};
use crate::cli::failure::Failure;
use crate::cli::shown::Shown;
use std::borrow::Cow;
use std::io::{self, Write};

pub(super) struct Csv;

impl Format for Csv {
    fn begin(&mut self, _: &BranchName, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"source_path,target_path")?;
        FIELDS.iter().try_for_each(|(name, _)| write!(out, ",{name}"))?;
        out.write_all(b"\r\n")
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let edge = shown.edge;
        cell(&node(edge.source_path, &edge.source), "./", out)?;
        out.write_all(b",")?;
        cell(&node(edge.target_path, &edge.target), "./", out)?;
        for value in values(shown) {
            out.write_all(b",")?;
            match value {
                Value::Absent => {}
                Value::Plain(text) => out.write_all(text.as_bytes())?,
                Value::Text(text) => cell(text, "'", out)?,
            }
        }
        Ok(out.write_all(b"\r\n")?)
    }

    fn end(&mut self, _: &mut dyn Write) -> Result<(), Failure> {
        Ok(())
    }
}

/// Writes a cell with text of others; before what a formula starts with, or this mark itself,
/// stands `mark`.
fn cell(bytes: &[u8], mark: &str, out: &mut dyn Write) -> io::Result<()> {
    let text: Cow<'_, str> = match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => Escaped::bytes(bytes).to_string().into(),
    };
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\'']);
    let mark = if is_formula { mark } else { "" };
    write!(out, "\"{mark}")?;
    let is_plain = |byte: u8| byte.is_ascii() & (byte != b'"');
    each_run(
        &text,
        is_plain,
        |c| c == '"',
        |run, quote| {
            out.write_all(run.as_bytes())?;
            out.write_all(quote.map_or(b"", |_| b"\"\""))
        },
    )?;
    out.write_all(b"\"")
}
