//! The report of a comparison for a terminal: a line for each profile, then its call sites.

use std::fmt;

use super::{Comparison, Mismatch, ProfileChange, SiteBase, SiteChange};
use crate::held::Held;
use crate::number::{Exact, grouped, percent, signed};
use crate::recording::SiteHeld;

/// Call sites that a report names for each profile.
pub(super) const SITES_SHOWN: usize = 20;

/// The report for a terminal, without colours.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Mismatch { key, base, now } in &self.labels {
            let [base, now] = [base, now].map(|value| value.as_deref().unwrap_or("not stated"));
            writeln!(f, "{key}: {base} -> {now}")?;
        }
        self.profiles.iter().try_for_each(|profile| self.profile(f, profile))?;
        for (name, peak) in &self.came {
            writeln!(f, "{name}: not in the base; now a peak of {}", held(*peak))?;
        }
        for (name, peak) in &self.went {
            writeln!(f, "{name}: not recorded; in the base a peak of {}", held(*peak))?;
        }
        Ok(())
    }
}

impl Comparison {
    fn profile(&self, f: &mut fmt::Formatter<'_>, profile: &ProfileChange) -> fmt::Result {
        let (base, now) = (profile.base.bytes, profile.now.bytes);
        write!(f, "{}: peak {}", profile.name, Exact(base))?;
        match profile.difference_bytes() {
            0 => f.write_str(", unchanged")?,
            difference => {
                let share = percent(base, difference);
                write!(f, " -> {}, {} B ({share})", Exact(now), signed(difference))?;
            }
        }
        if profile.exceeds {
            write!(f, ", above the tolerance of {}", self.tolerance)?;
        }
        writeln!(f)?;
        let rows: Vec<[String; 4]> = profile.sites.iter().take(SITES_SHOWN).map(row).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2)];
        for [verb, difference, amounts, site] in &rows {
            let [verbs, differences, all] = widths;
            writeln!(f, "  {verb:verbs$}  {difference:>differences$}  {amounts:all$}  {site}")?;
        }
        if let Some(more @ 1..) = profile.sites.len().checked_sub(SITES_SHOWN) {
            writeln!(f, "  and {more} other call sites with smaller changes")?;
        }
        Self::rest(f, profile)
    }

    /// The bytes that no listed call site accounts for.
    fn rest(f: &mut fmt::Formatter<'_>, profile: &ProfileChange) -> fmt::Result {
        if let Some(group) = profile.unlisted.as_ref().filter(|of| of.difference_bytes() != 0) {
            let difference = signed(group.difference_bytes());
            let [base, now] = [group.base_bytes, group.now_bytes].map(|of| grouped(of.into()));
            writeln!(
                f,
                "  {difference} B in call sites that the base does not list: {base} -> {now} B"
            )?;
            for SiteHeld { site, place, held: of } in &group.candidates {
                writeln!(f, "    perhaps {}, now {}", located(site, place.as_deref()), held(*of))?;
            }
        }
        match profile.unattributed_difference_bytes {
            0 => Ok(()),
            bytes => writeln!(f, "  {} B in memory that no call site is known for", signed(bytes)),
        }
    }
}

/// The change of a site, its difference, both amounts, and the site's position.
fn row(change: &SiteChange) -> [String; 4] {
    let difference = match (change.base, change.difference_bytes()) {
        (SiteBase::AtMost { .. }, bytes) => format!(">= {} B", grouped(bytes.unsigned_abs())),
        (SiteBase::Held { .. }, bytes) => format!("{} B", signed(bytes)),
    };
    let amounts = format!("{} -> {}", base(change.base), held(change.now));
    [change.verb().into(), difference, amounts, located(&change.site, change.place.as_deref())]
}

pub(super) fn base(base: SiteBase) -> String {
    match base {
        SiteBase::Held { bytes, blocks: Some(blocks) } => held(Held { bytes, blocks }),
        SiteBase::Held { bytes, blocks: None } => format!("{} B", grouped(bytes.into())),
        SiteBase::AtMost { bytes } => format!("at most {} B", grouped(bytes.into())),
    }
}

pub(super) fn held(Held { bytes, blocks }: Held) -> String {
    match blocks {
        _ if bytes == 0 => "0 B".into(),
        1 => format!("{} B in 1 block", grouped(bytes.into())),
        _ => format!("{} B in {} blocks", grouped(bytes.into()), grouped(blocks.into())),
    }
}

/// The site and where it is.
fn located(site: &str, place: Option<&str>) -> String {
    match name_and_place(site, place) {
        (name, Some(place)) => format!("{name} at {place}"),
        (name, None) => name.into(),
    }
}

/// The name and the position of a site; the name without its file if the position has it.
pub(super) fn name_and_place<'t>(
    site: &'t str,
    place: Option<&'t str>,
) -> (&'t str, Option<&'t str>) {
    let named = site.strip_suffix(')').and_then(|named| named.rsplit_once(" ("));
    match (named, place) {
        (Some((name, file)), Some(at)) if at.starts_with(file) => (name, place),
        _ => (site, place),
    }
}
