//! The base of a comparison: the peaks of a recording and the largest call sites.

mod lines;

use std::cmp::Reverse;
use std::collections::BTreeMap;

pub use self::lines::LineError;
use crate::document::ReadError;
use crate::held::{Held, When};
use crate::recording::{RecordedProfile, Recording, SiteHeld};

/// The peaks of a recording and the largest call sites of each.
///
/// `Display` writes it as sorted lines `key value`, to be committed: a change of memory is a change
/// of lines. They contain no source line numbers, because other edits move these. `FromStr` reads
/// them.
///
/// ```
/// use gitmind_profile::{Baseline, Recording};
///
/// let baseline = Recording::new().with_condition("threads", "1").baseline(20);
/// assert_eq!(baseline.to_string(), "schema 1\ncondition threads 1\n");
/// let committed = format!("# Renew it by: ...\n{baseline}");
/// assert_eq!(committed.parse::<Baseline>()?, baseline);
/// # Ok::<(), gitmind_profile::LineError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    pub(crate) conditions: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) peaks: BTreeMap<String, Peak>,
}

/// The peak of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peak {
    pub(crate) held: Held,
    pub(crate) unattributed_bytes: i64,
    pub(crate) sites: BTreeMap<String, Listed>,
    /// The sum of the sites that are not listed.
    pub(crate) other_bytes: u64,
}

/// The bytes of a listed site at the peak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) bytes: u64,
    /// Blocks, which lines do not contain.
    pub(crate) blocks: Option<u64>,
    pub(crate) place: Option<String>,
}

/// Why a base cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaseError {
    /// It begins like a JSON document, and is not a valid one.
    #[error(transparent)]
    Json(#[from] ReadError),
    /// It begins like lines, and these are not valid.
    #[error(transparent)]
    Lines(#[from] LineError),
    /// It is not text.
    #[error("a base is text: a recording in JSON, or lines `key value`")]
    NotText,
}

impl Recording {
    /// The base for later recordings: the peaks, and of each the `sites_max` largest call sites; of
    /// equal ones the first by name.
    pub fn baseline(&self, sites_max: usize) -> Baseline {
        let peaks = self.profiles.iter().map(|of| (of.name.clone(), Peak::of(of, sites_max)));
        Baseline {
            conditions: self.conditions.clone(),
            labels: self.labels.clone(),
            peaks: peaks.collect(),
        }
    }
}

impl Baseline {
    /// Reads a file of either form: a recording in JSON, of which all sites are listed, or the
    /// lines of a baseline.
    ///
    /// # Errors
    /// The error of the form that the file seems to have.
    pub fn read(file: &[u8]) -> Result<Self, BaseError> {
        if file.trim_ascii_start().starts_with(b"{") {
            return Ok(Recording::from_json(file)?.baseline(usize::MAX));
        }
        Ok(std::str::from_utf8(file).map_err(|_| BaseError::NotText)?.parse::<Self>()?)
    }
}

impl Peak {
    fn of(profile: &RecordedProfile, sites_max: usize) -> Self {
        let mut sites: Vec<SiteHeld> = profile.sites(When::Peak);
        sites.retain(|site| site.held.bytes > 0);
        sites.sort_by(|a, b| {
            (Reverse(a.held.bytes), &a.site).cmp(&(Reverse(b.held.bytes), &b.site))
        });
        let others = sites.split_off(sites_max.min(sites.len()));
        let listed = sites.into_iter().map(|SiteHeld { site, place, held }| {
            (site, Listed { bytes: held.bytes, blocks: Some(held.blocks), place })
        });
        Self {
            held: profile.peak,
            unattributed_bytes: profile.unattributed_bytes,
            sites: listed.collect(),
            other_bytes: others.iter().map(|site| site.held.bytes).sum(),
        }
    }

    /// The maximum of the bytes of an unlisted site.
    pub(crate) fn unlisted_bytes_max(&self) -> u64 {
        let smallest = self.sites.values().map(|site| site.bytes).min();
        smallest.map_or(self.other_bytes, |smallest| smallest.min(self.other_bytes))
    }
}
