//! What changed between a base and a recording: peaks, and the call sites that changed them.

mod markdown;
mod report;
mod sites;

use std::collections::{BTreeMap, BTreeSet};

pub use self::sites::{SiteBase, SiteChange, Unlisted};
use crate::baseline::{Baseline, Peak};
use crate::held::Held;
use crate::recording::Recording;
use crate::tolerance::Tolerance;

/// The peaks of a base and of a recording, by profile, with the call sites that differ.
///
/// `Display` is the report for a terminal, [`markdown`](Self::markdown) that for a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// How much a peak may grow.
    pub tolerance: Tolerance,
    /// The profiles that both have, by name.
    pub profiles: Vec<ProfileChange>,
    /// The profiles that only the recording has, with their peaks.
    pub came: Vec<(String, Held)>,
    /// The profiles that only the base has, with their peaks.
    pub went: Vec<(String, Held)>,
    /// The labels that differ: then and now.
    labels: Vec<Mismatch>,
}

/// One profile, then and now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileChange {
    /// Its name.
    pub name: String,
    /// The peak of the base.
    pub base: Held,
    /// The peak now.
    pub now: Held,
    /// Whether the peak grew by more than the tolerance.
    pub exceeds: bool,
    /// The call sites that differ, the largest change first.
    pub sites: Vec<SiteChange>,
    /// The sites that the base does not list, when it does not list all.
    pub unlisted: Option<Unlisted>,
    /// How much the bytes without a call site changed.
    pub unattributed_difference_bytes: i128,
}

/// Two recordings were made under different conditions, so that their figures say nothing about
/// the program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the base and this recording are not comparable: {}; record both under the same conditions, or \
     renew the base",
    list(mismatches)
)]
pub struct Incomparable {
    /// The conditions that differ, at least one.
    pub mismatches: Vec<Mismatch>,
}

/// A condition or a label that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Its key.
    pub key: String,
    /// The value in the base, when it has one.
    pub base: Option<String>,
    /// The value now.
    pub now: Option<String>,
}

fn list(mismatches: &[Mismatch]) -> String {
    let value =
        |of: &Option<String>| of.as_ref().map_or("not stated".into(), |of| format!("`{of}`"));
    let one = |of: &Mismatch| {
        format!("{} is {} in the base and {} now", of.key, value(&of.base), value(&of.now))
    };
    mismatches.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl Comparison {
    /// Compares the profiles that have the same name.
    ///
    /// # Errors
    /// When the conditions of the two differ.
    pub fn between(
        base: &Baseline,
        now: &Recording,
        tolerance: Tolerance,
    ) -> Result<Self, Incomparable> {
        let now = now.baseline(usize::MAX);
        let mismatches = differing(&base.conditions, &now.conditions);
        if !mismatches.is_empty() {
            return Err(Incomparable { mismatches });
        }
        let only_in = |one: &Baseline, other: &Baseline| -> Vec<(String, Held)> {
            let only = one.peaks.iter().filter(|(name, _)| !other.peaks.contains_key(*name));
            only.map(|(name, peak)| (name.clone(), peak.held)).collect()
        };
        let both = now.peaks.iter().filter_map(|(name, now)| {
            base.peaks.get(name).map(|base| ProfileChange::between(name, base, now, tolerance))
        });
        Ok(Self {
            tolerance,
            profiles: both.collect(),
            came: only_in(&now, base),
            went: only_in(base, &now),
            labels: if base.labels.is_empty() {
                vec![]
            } else {
                differing(&base.labels, &now.labels)
            },
        })
    }

    /// Whether any peak grew by more than the tolerance.
    pub fn exceeds(&self) -> bool {
        self.profiles.iter().any(|profile| profile.exceeds)
    }

    /// Whether base and recording have the same profiles with the same peaks and call sites, as far
    /// as the base tells.
    pub fn is_unchanged(&self) -> bool {
        let is_unchanged = |profile: &ProfileChange| {
            let group = profile.unlisted.as_ref().map_or(0, Unlisted::difference_bytes);
            profile.base == profile.now && profile.sites.is_empty() && group == 0
        };
        self.came.is_empty() && self.went.is_empty() && self.profiles.iter().all(is_unchanged)
    }
}

impl ProfileChange {
    fn between(name: &str, base: &Peak, now: &Peak, tolerance: Tolerance) -> Self {
        let (sites, unlisted) = sites::between(base, now);
        Self {
            name: name.into(),
            base: base.held,
            now: now.held,
            exceeds: tolerance.is_exceeded(base.held.bytes, now.held.bytes),
            sites,
            unlisted,
            unattributed_difference_bytes: i128::from(now.unattributed_bytes)
                - i128::from(base.unattributed_bytes),
        }
    }

    /// How many bytes the peak grew by: the sum of the differences of the listed sites, the
    /// unlisted ones, and the bytes without a site.
    pub fn difference_bytes(&self) -> i128 {
        i128::from(self.now.bytes) - i128::from(self.base.bytes)
    }
}

fn differing(base: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<Mismatch> {
    let keys: BTreeSet<&String> = base.keys().chain(now.keys()).collect();
    let differing = keys.into_iter().filter(|key| base.get(*key) != now.get(*key));
    let mismatch = |key: &String| Mismatch {
        key: key.clone(),
        base: base.get(key).cloned(),
        now: now.get(key).cloned(),
    };
    differing.map(mismatch).collect()
}
