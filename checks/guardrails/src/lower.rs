//! Writes counts that fell into the text of `allowed.toml`, and leaves the rest of it as it is.
//!
//! An entry is one line. No count rises, and nothing is added.

use super::finding::{Finding, Kind};

/// The text with each count of `kind` as found, where that is fewer; without entries of zero.
pub(crate) fn lower(text: &str, found: &[Finding], kind: Kind) -> String {
    let mut rule = None;
    let lines = text.lines().filter_map(|line| {
        if line.starts_with('[') {
            let legacy = line.strip_prefix("[legacy.").and_then(|rest| rest.strip_suffix(']'));
            rule = legacy.and_then(|rest| rest.split('.').nth(1)).map(str::to_owned);
        }
        let (Some(rule), Some(entry)) = (&rule, line.strip_prefix('"')) else {
            return Some(line.to_owned());
        };
        let (path, _) = entry.split_once('"')?;
        let is_it = |finding: &&Finding| finding.rule == rule && finding.path == path;
        let line = lower_line(line, kind, found.iter().filter(is_it).count());
        let is_empty = [Kind::Written, Kind::Resolved].map(|kind| count(&line, kind)) == [0, 0];
        (!is_empty).then_some(line)
    });
    lines.map(|line| line + "\n").collect()
}

fn lower_line(line: &str, kind: Kind, found: usize) -> String {
    let counted = count(line, kind);
    let key = kind.name();
    if found < counted {
        line.replace(&format!("{key} = {counted}"), &format!("{key} = {found}"))
    } else {
        line.to_owned()
    }
}

/// The count of one kind in an entry, zero if it has none.
fn count(line: &str, kind: Kind) -> usize {
    let rest = line.split_once(&format!("{} = ", kind.name())).map_or("", |(_, rest)| rest);
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}
