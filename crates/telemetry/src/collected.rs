//! A sink for tests that keeps the lines it receives.

use std::cell::RefCell;
use std::io;

use super::log::Sink;

/// Keeps lines in memory, for tests.
#[derive(Debug, Default)]
pub struct CollectedLines(RefCell<Vec<u8>>);

impl CollectedLines {
    /// All lines so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Sink for CollectedLines {
    fn line(&self, line: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().extend_from_slice(line);
        Ok(())
    }
}
