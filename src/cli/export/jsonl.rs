//! Lines of JSON: each is an object of `edges` in `list --json`, which `import` reads.

use super::format::Format;
use crate::branch::BranchName;
use crate::cli::failure::Failure;
use crate::cli::list_json::EdgeDocument;
use crate::cli::output::write_json;
use crate::cli::shown::Shown;
use std::io::{self, Write};

#[derive(Default)]
pub(super) struct Jsonl {
    /// Buffer of the line that is being written.
    line: Vec<u8>,
}

impl Format for Jsonl {
    fn begin(&mut self, _: &BranchName, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn edge(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, &EdgeDocument::new(shown))?;
        self.line.push(b'\n');
        Ok(write_json(out, &self.line)?)
    }

    fn end(&mut self, _: &mut dyn Write) -> Result<(), Failure> {
        Ok(())
    }
}
