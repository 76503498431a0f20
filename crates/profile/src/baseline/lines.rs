//! A baseline as sorted lines `key value`, written and parsed. Lines may be untrusted.

use std::fmt;
use std::str::FromStr;

use super::{Baseline, Listed};
use crate::text;

/// The first line, which says how to read the others.
const SCHEMA: &str = "schema 1";

/// The most bytes of a line: three words that may have 1024 bytes each, and a number.
const LINE_BYTES_MAX: usize = 4096;

/// The most bytes of a baseline that is read.
const BASELINE_BYTES_MAX: usize = 64 << 20;

/// Why lines are not a baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} {problem}")]
pub struct LineError {
    place: String,
    problem: String,
}

impl LineError {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }
}

/// The lines, sorted but for the first; comments are the caller's.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let conditions =
            self.conditions.iter().map(|(key, value)| format!("condition {key} {value}"));
        let mut conditions: Vec<String> = conditions.collect();
        conditions.sort();
        let mut lines: Vec<String> = Vec::new();
        for (name, peak) in &self.peaks {
            lines.push(format!("{name} peak_bytes {}", peak.held.bytes));
            lines.push(format!("{name} peak_blocks {}", peak.held.blocks));
            let sites = peak.sites.iter();
            lines.extend(sites.map(|(site, held)| format!("{name} site {site} {}", held.bytes)));
            if peak.other_bytes > 0 {
                lines.push(format!("{name} sites_other_bytes {}", peak.other_bytes));
            }
            if peak.unattributed_bytes != 0 {
                lines.push(format!("{name} unattributed_bytes {}", peak.unattributed_bytes));
            }
        }
        lines.sort();
        writeln!(f, "{SCHEMA}")?;
        conditions.iter().chain(&lines).try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Reads the lines in any order, after comments and the line of the schema.
impl FromStr for Baseline {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        if text.len() > BASELINE_BYTES_MAX {
            let problem = format!("has {} bytes; the limit is {BASELINE_BYTES_MAX}", text.len());
            return Err(LineError::new("the baseline", problem));
        }
        let mut lines = (1..).zip(text.lines()).skip_while(|(_, line)| line.starts_with('#'));
        if lines.next().map(|(_, line)| line) != Some(SCHEMA) {
            let problem = format!(
                "does not begin with `{SCHEMA}`: renew it, or read it by the version of its writer"
            );
            return Err(LineError::new("the baseline", problem));
        }
        let mut baseline = Self::default();
        let mut known = std::collections::BTreeSet::new();
        for (number, line) in lines {
            let key = baseline.take(line);
            let key = key.and_then(|key| match known.insert(key) {
                true => Ok(()),
                false => Err("has a key that is there already".into()),
            });
            key.map_err(|problem| {
                LineError::new(format!("line {number} of the baseline"), problem)
            })?;
        }
        baseline.checked()
    }
}

impl Baseline {
    /// Parses a line, and returns its key.
    fn take<'l>(&mut self, line: &'l str) -> Result<&'l str, String> {
        if line.len() > LINE_BYTES_MAX {
            return Err(format!("has {} bytes; the limit is {LINE_BYTES_MAX}", line.len()));
        }
        text_of(line.split(' ').next().unwrap_or(line), text::word_problem)?;
        if let Some(entry) = line.strip_prefix("condition ") {
            let (key, value) = entry.split_once(' ').ok_or("is a condition without a value")?;
            text_of(key, text::word_problem)?;
            text_of(value, text::problem)?;
            self.conditions.insert(key.into(), value.into());
            return Ok(&line[..line.len() - value.len()]);
        }
        let (key, value) = line.rsplit_once(' ').ok_or("is not `key value`")?;
        let (name, what) = key.split_once(' ').ok_or("has neither a name nor `condition`")?;
        let peak = self.peaks.entry(name.into()).or_default();
        let bytes = || value.parse::<u64>().map_err(|_| format!("has no whole number: {value:?}"));
        match (what, what.strip_prefix("site ")) {
            (_, Some(site)) => {
                text_of(site, text::problem)?;
                let listed = Listed { bytes: bytes()?, blocks: None, place: None };
                peak.sites.insert(site.into(), listed);
            }
            ("peak_bytes", _) => peak.held.bytes = bytes()?,
            ("peak_blocks", _) => peak.held.blocks = bytes()?,
            ("sites_other_bytes", _) => peak.other_bytes = bytes()?,
            ("unattributed_bytes", _) => {
                let number = value.parse();
                peak.unattributed_bytes = number.map_err(|_| "has no whole number")?;
            }
            _ => return Err(format!("has the key {what:?}, which this version does not know")),
        }
        Ok(key)
    }

    /// The baseline, if the sites of each profile sum to its peak.
    fn checked(self) -> Result<Self, LineError> {
        for (name, peak) in &self.peaks {
            let listed = peak.sites.values().map(|site| i128::from(site.bytes)).sum::<i128>();
            let sum = listed + i128::from(peak.other_bytes) + i128::from(peak.unattributed_bytes);
            if sum != i128::from(peak.held.bytes) {
                let problem = format!("has sites of {sum} bytes and a peak of {}", peak.held.bytes);
                return Err(LineError::new(format!("the baseline of {name}"), problem));
            }
        }
        Ok(self)
    }
}

fn text_of(text: &str, problem: fn(&str) -> Option<String>) -> Result<(), String> {
    problem(text).map_or(Ok(()), |problem| Err(format!("has a text that {problem}")))
}
