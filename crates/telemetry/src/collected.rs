//! The sink of tests: it keeps what it is given.

use std::cell::RefCell;
use std::io;

use super::log::Sink;

/// Keeps lines, for tests.
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
