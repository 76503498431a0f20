//! What a rule found: where, and what to do about it.

use std::fmt;

/// The names of the rules, as findings write them.
pub(crate) mod rule {
    pub(crate) const FUNCTION: &str = "function-size";
    pub(crate) const HEADER: &str = "header";
    pub(crate) const MACHINE_PATH: &str = "machine-path";
    pub(crate) const MATRIX: &str = "matrix";
    pub(crate) const ORPHAN: &str = "undeclared-file";
    pub(crate) const OWNERSHIP: &str = "ownership";
    pub(crate) const SIZE: &str = "file-size";
    pub(crate) const SYNTAX: &str = "syntax";
    pub(crate) const WALLS: &str = "walls";
    pub(crate) const WIDTH: &str = "width";
}

/// One violation of one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// From the top of the repository.
    pub(crate) path: String,
    /// From one.
    pub(crate) line: usize,
    /// One of [`rule`].
    pub(crate) rule: &'static str,
    /// What is wrong, and after a colon what to do.
    pub(crate) what: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, rule: &'static str, what: String) -> Self {
        Self { path: path.to_owned(), line, rule, what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.rule, self.what)
    }
}
