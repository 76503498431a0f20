//! The call sites that differ, also when the base lists only those that held the most.

use std::cmp::Reverse;

use crate::baseline::{Listed, Peak};
use crate::held::Held;
use crate::recording::SiteHeld;

/// Sites that are proposed as the cause of a growth of those that are not listed.
const CANDIDATES_MAX: usize = 5;

/// A call site that holds more or less than in the base.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteChange {
    /// The function, as of [`SiteHeld::site`].
    pub site: String,
    /// File and line, now; those of the base when the site is gone.
    pub place: Option<String>,
    /// What it held in the base.
    pub base: SiteBase,
    /// What it holds now.
    pub now: Held,
}

/// What a base says about a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteBase {
    /// How much it held. Lines of a baseline do not tell the number of blocks.
    Held {
        /// Bytes.
        bytes: u64,
        /// Blocks, when they are known.
        blocks: Option<u64>,
    },
    /// It is not listed, so it held this at most.
    AtMost {
        /// Bytes.
        bytes: u64,
    },
}

/// The call sites that the base does not list, as a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unlisted {
    /// What they held together in the base.
    pub base_bytes: u64,
    /// What those hold together now that the base does not list.
    pub now_bytes: u64,
    /// Those that may have caused the growth which no named site explains: first those whose size
    /// is nearest to it.
    pub candidates: Vec<SiteHeld>,
}

impl SiteChange {
    /// How many bytes it grew by; of a site that the base does not list, at least.
    pub fn difference_bytes(&self) -> i128 {
        let (SiteBase::Held { bytes, .. } | SiteBase::AtMost { bytes }) = self.base;
        i128::from(self.now.bytes) - i128::from(bytes)
    }

    /// The kind of change: `grew`, `shrank`, `came` or `went`.
    ///
    /// # Ownership
    /// A constant.
    pub fn verb(&self) -> &'static str {
        match (self.base, self.difference_bytes()) {
            (SiteBase::Held { bytes: 0, .. }, _) => "came",
            _ if self.now.bytes == 0 => "went",
            (_, 1..) => "grew",
            (_, ..0) => "shrank",
            // As many bytes in other blocks.
            (SiteBase::Held { blocks: Some(blocks), .. }, 0) if blocks > self.now.blocks => {
                "shrank"
            }
            (_, 0) => "grew",
        }
    }
}

impl Unlisted {
    /// How many bytes the group grew by.
    pub fn difference_bytes(&self) -> i128 {
        i128::from(self.now_bytes) - i128::from(self.base_bytes)
    }
}

/// The sites that differ, and the group of those that the base does not list. `now` lists all.
pub(super) fn between(base: &Peak, now: &Peak) -> (Vec<SiteChange>, Option<Unlisted>) {
    let most = base.unlisted_bytes_max();
    let none = Listed { blocks: Some(0), ..Listed::default() };
    let (mut changes, mut others) = (Vec::new(), Vec::new());
    for (site, held) in &base.sites {
        let present = now.sites.get(site).unwrap_or(&none);
        let is_same =
            held.bytes == present.bytes && (held.blocks.is_none() || held.blocks == present.blocks);
        if !is_same {
            let then = SiteBase::Held { bytes: held.bytes, blocks: held.blocks };
            let place = present.place.as_ref().or(held.place.as_ref());
            changes.push(change(site, place, then, present));
        }
    }
    for (site, held) in now.sites.iter().filter(|(site, _)| !base.sites.contains_key(*site)) {
        if base.other_bytes == 0 {
            let then = SiteBase::Held { bytes: 0, blocks: Some(0) };
            changes.push(change(site, held.place.as_ref(), then, held));
            continue;
        }
        others.push((site, held));
        if held.bytes > most {
            let then = SiteBase::AtMost { bytes: most };
            changes.push(change(site, held.place.as_ref(), then, held));
        }
    }
    // Stable, so that equal changes stay in the order of their names.
    changes.sort_by(|a, b| a.site.cmp(&b.site));
    changes.sort_by_key(|change| Reverse(change.difference_bytes().unsigned_abs()));
    (changes, (base.other_bytes > 0).then(|| unlisted(base, most, &others)))
}

fn change(site: &str, place: Option<&String>, base: SiteBase, now: &Listed) -> SiteChange {
    SiteChange { site: site.into(), place: place.cloned(), base, now: held(now) }
}

fn held(listed: &Listed) -> Held {
    Held { bytes: listed.bytes, blocks: listed.blocks.unwrap_or(0) }
}

/// The group, of which those above `most` are named already.
fn unlisted(base: &Peak, most: u64, others: &[(&String, &Listed)]) -> Unlisted {
    let sum = |of: &mut dyn Iterator<Item = u64>| of.fold(0_u64, u64::saturating_add);
    let now_bytes = sum(&mut others.iter().map(|(_, held)| held.bytes));
    let named_bytes =
        sum(&mut others.iter().map(|(_, held)| held.bytes).filter(|bytes| *bytes > most));
    // A named site may have held nothing in the base, and explain as much as it holds.
    let unexplained_bytes = now_bytes.saturating_sub(base.other_bytes).saturating_sub(named_bytes);
    let mut candidates: Vec<_> = others.iter().filter(|(_, held)| held.bytes <= most).collect();
    if unexplained_bytes == 0 {
        candidates.clear();
    }
    candidates.sort_by_key(|(_, held)| held.bytes.abs_diff(unexplained_bytes));
    candidates.truncate(CANDIDATES_MAX);
    let candidate = |(site, listed): &(&String, &Listed)| SiteHeld {
        site: (*site).clone(),
        place: listed.place.clone(),
        held: held(listed),
    };
    Unlisted {
        base_bytes: base.other_bytes,
        now_bytes,
        candidates: candidates.into_iter().map(candidate).collect(),
    }
}
