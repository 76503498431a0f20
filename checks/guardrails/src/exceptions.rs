//! What may break a rule, and why: `allowed.toml`.
//!
//! An `allow` is for good and says why. A `legacy` entry is for code that has not moved yet: it
//! names the issue that will move it and counts what is found, and the count has to be exact. So
//! a new violation in the same file is seen, and the list shrinks with what it lists.

use serde::Deserialize;
use std::collections::BTreeMap;

use super::finding::{Finding, Kind, rule};

/// The file, from the top of the repository.
pub(crate) const EXCEPTIONS: &str = "checks/guardrails/allowed.toml";

/// The exceptions, as the file has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exceptions {
    allow: Vec<Allow>,
    /// By issue, rule, and path.
    #[serde(default)]
    legacy: BTreeMap<String, BTreeMap<String, BTreeMap<String, Counts>>>,
    /// The file itself, to name its lines.
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    rule: String,
    /// A file, or a folder with its slash.
    path: String,
    /// Who alone is wrong about it, where one is.
    only: Option<Kind>,
    reason: String,
}

/// How many violations a file has, by who finds them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Counts {
    written: usize,
    resolved: usize,
}

impl Counts {
    const fn of(self, kind: Kind) -> usize {
        match kind {
            Kind::Written => self.written,
            Kind::Resolved => self.resolved,
        }
    }
}

impl Exceptions {
    /// Reads and checks the file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parsed: Self = toml::from_str(text).map_err(|e| format!("{EXCEPTIONS}: {e}"))?;
        let rules = parsed.allow.iter().map(|allow| &allow.rule);
        let legacy_rules = parsed.legacy.values().flat_map(BTreeMap::keys);
        for name in rules.chain(legacy_rules) {
            if !rule::EXCEPTABLE.contains(&name.as_str()) {
                let known = rule::EXCEPTABLE.join(", ");
                return Err(format!("{EXCEPTIONS}: no exception to `{name}`, only to {known}"));
            }
        }
        if let Some(allow) = parsed.allow.iter().find(|allow| allow.reason.len() < 10) {
            return Err(format!("{EXCEPTIONS}: {}: say why in `reason`", allow.path));
        }
        if let Some(key) = parsed.legacy.keys().find(|key| key.parse::<u32>().is_err()) {
            return Err(format!("{EXCEPTIONS}: legacy.{key}: name the issue by its number"));
        }
        text.clone_into(&mut parsed.text);
        Ok(parsed)
    }

    /// What remains of the findings, with what is wrong with the exceptions themselves.
    pub(crate) fn apply(
        &self,
        found: Vec<Finding>,
        kind: Kind,
        is_checked: &dyn Fn(&str) -> bool,
    ) -> Vec<Finding> {
        let (mut excepted, mut remaining) = (BTreeMap::<_, Vec<Finding>>::new(), Vec::new());
        for finding in found {
            let is_allowed = self.allow.iter().any(|allow| allow.covers(&finding, kind));
            if !is_allowed {
                excepted.entry((finding.rule, finding.path.clone())).or_default().push(finding);
            }
        }
        for (issue, name, path, counts) in self.legacy() {
            let found = excepted.keys().find(|key| (key.0, &*key.1) == (name, path)).cloned();
            let found = found.and_then(|key| excepted.remove(&key)).unwrap_or_default();
            let (is, allowed) = (found.len(), counts.of(kind));
            if is > allowed {
                remaining.extend(found.into_iter().map(|mut finding| {
                    finding.what += &format!(" (the file has {is}, issue {issue} knows {allowed})");
                    finding
                }));
            } else if is < allowed && is_checked(path) {
                let key = kind.name();
                let what = format!(
                    "{path} has only {is} of the {allowed} `{key}` findings of `{name}`: write \
                     {key} = {is}, or run this again with --lower",
                );
                remaining.push(self.finding(path, what));
            }
        }
        remaining.extend(excepted.into_values().flatten());
        remaining.sort();
        remaining
    }

    /// Entries of files that are not there.
    pub(crate) fn stale(&self, is_there: &dyn Fn(&str) -> bool) -> Vec<Finding> {
        let allowed = self.allow.iter().map(|allow| allow.path.as_str());
        let paths = allowed.chain(self.legacy().map(|(_, _, path, _)| path));
        let gone = paths
            .filter(|path| !is_there(path))
            .map(|path| self.finding(path, format!("{path} is not there: drop its entry")));
        gone.collect()
    }

    /// Allowances that neither the source check nor clippy needs.
    pub(crate) fn unused(&self, written: &[Finding], resolved: &[Finding]) -> Vec<Finding> {
        let covers = |allow: &Allow, found: &[Finding], kind| {
            found.iter().any(|finding| allow.covers(finding, kind))
        };
        let unused = self.allow.iter().filter(|allow| {
            !covers(allow, written, Kind::Written) && !covers(allow, resolved, Kind::Resolved)
        });
        let findings = unused.map(|allow| {
            let what = format!("nothing in {} breaks `{}`: drop its entry", allow.path, allow.rule);
            self.finding(&allow.path, what)
        });
        findings.collect()
    }

    /// A finding about the entry of a path.
    fn finding(&self, path: &str, what: String) -> Finding {
        let is_entry = |line: &str| line.contains(&format!("\"{path}\""));
        let at = self.text.lines().position(is_entry).unwrap_or_default();
        Finding::new(EXCEPTIONS, at + 1, rule::ALLOWLIST, what)
    }

    /// Whether the legacy entries count more than they did before.
    pub(crate) fn growth_since(&self, before: &Self) -> Option<Finding> {
        let total = |exceptions: &Self| -> usize {
            exceptions.legacy().map(|(.., counts)| counts.written + counts.resolved).sum()
        };
        let (old, new) = (total(before), total(self));
        (new > old).then(|| {
            let what = format!(
                "the legacy entries count {new}, and {old} before: they only shrink; use the \
                 memory layer, or give an `allow` its reason",
            );
            Finding::new(EXCEPTIONS, 1, rule::ALLOWLIST, what)
        })
    }

    fn legacy(&self) -> impl Iterator<Item = (&str, &str, &str, Counts)> {
        self.legacy.iter().flat_map(|(issue, rules)| {
            rules.iter().flat_map(move |(name, files)| {
                files.iter().map(move |(path, counts)| (&**issue, &**name, &**path, *counts))
            })
        })
    }
}

impl Allow {
    fn covers(&self, finding: &Finding, kind: Kind) -> bool {
        let is_inside = match self.path.strip_suffix('/') {
            Some(_) => finding.path.starts_with(&self.path),
            None => finding.path == self.path,
        };
        is_inside && self.rule == finding.rule && self.only.is_none_or(|only| only == kind)
    }
}
