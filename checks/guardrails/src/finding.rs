//! What a rule found: where, and what to do about it.

use serde::Deserialize;
use std::fmt;

/// The names of the rules, as findings and `allowed.toml` write them.
pub(crate) mod rule {
    pub(crate) const ALLOCATION: &str = "allocation";
    pub(crate) const ALLOWLIST: &str = "allowlist";
    pub(crate) const ENVIRONMENT: &str = "environment";
    pub(crate) const FUNCTION: &str = "function-size";
    pub(crate) const HEADER: &str = "header";
    pub(crate) const LAYERS: &str = "layers";
    pub(crate) const MACHINE_PATH: &str = "machine-path";
    pub(crate) const MATRIX: &str = "matrix";
    pub(crate) const ORPHAN: &str = "undeclared-file";
    pub(crate) const OWNERSHIP: &str = "ownership";
    pub(crate) const PURE: &str = "pure";
    pub(crate) const RAW: &str = "raw-memory";
    pub(crate) const SIZE: &str = "file-size";
    pub(crate) const SYNTAX: &str = "syntax";
    pub(crate) const UNSAFE: &str = "unsafe";
    pub(crate) const WIDTH: &str = "width";

    /// Those that `allowed.toml` may except.
    pub(crate) const EXCEPTABLE: [&str; 4] = [ALLOCATION, ENVIRONMENT, OWNERSHIP, RAW];
}

/// Who found it, since an allocation is looked for twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The source check, by what is written.
    Written,
    /// Clippy, by what the names resolve to.
    Resolved,
}

impl Kind {
    /// As `allowed.toml` writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Resolved => "resolved",
        }
    }
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
