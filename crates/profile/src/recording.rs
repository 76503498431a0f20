//! A recording: the memory profiles of one run, and the conditions that it was made under.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Document, ReadError};
use crate::frame::Frame;
use crate::held::{Held, When};
use crate::text::{cleaned, cleaned_word};

/// Memory profiles by name, with the conditions of the run.
///
/// ```
/// use gitmind_profile::{Comparison, Recording, Tolerance};
///
/// let recording = Recording::new().with_condition("threads", "1").with_label("revision", "1a2b");
/// let read = Recording::from_json(recording.to_json().as_bytes())?;
/// assert_eq!(read, recording);
/// let comparison = Comparison::between(&read.baseline(20), &recording, Tolerance::NONE)?;
/// assert!(!comparison.exceeds());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Recording {
    pub(crate) conditions: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) profiles: Vec<RecordedProfile>,
}

/// The memory profile of one operation, with the names of its call stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedProfile {
    pub(crate) name: String,
    pub(crate) peak: Held,
    pub(crate) end: Held,
    pub(crate) total: Held,
    pub(crate) unattributed_bytes: i64,
    pub(crate) own_bytes: u64,
    pub(crate) stacks: Vec<Stack>,
}

/// What one call stack holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    /// The operation, in a profile of several.
    pub(crate) operation: Option<String>,
    /// Innermost first, at least one.
    pub(crate) frames: Vec<Arc<Frame>>,
    /// The frame that the memory is counted for.
    pub(crate) site: usize,
    pub(crate) peak: Held,
    pub(crate) end: Held,
    pub(crate) total: Held,
}

/// What one call site holds, over all stacks through which it was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteHeld {
    /// The function, by its path; by its last part and its file, when no more is known.
    pub site: String,
    /// File and line of the call that holds most of it.
    pub place: Option<String>,
    /// What it holds.
    pub held: Held,
}

impl Recording {
    /// A recording without profiles.
    pub fn new() -> Self {
        Self::default()
    }

    /// States what two recordings must share to be comparable, such as the hash of the input, the
    /// target or the number of threads.
    ///
    /// Spaces in a key, and invisible characters in both, are replaced.
    #[must_use]
    pub fn with_condition(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.conditions.insert(cleaned_word(key), cleaned(value.as_ref()));
        self
    }

    /// Adds a label, such as the revision, which is printed and not compared.
    #[must_use]
    pub fn with_label(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.labels.insert(cleaned_word(key), cleaned(value.as_ref()));
        self
    }

    /// Adds a profile, in the place of one of the same name.
    pub(crate) fn insert(&mut self, profile: RecordedProfile) {
        match self.profiles.iter_mut().find(|known| known.name == profile.name) {
            Some(known) => *known = profile,
            None => self.profiles.push(profile),
        }
    }

    /// Reads a document that [`to_json`](Self::to_json) wrote. It may be untrusted.
    ///
    /// # Errors
    /// When it is not JSON, of another schema, above a limit, or its figures contradict each other.
    pub fn from_json(document: &[u8]) -> Result<Self, ReadError> {
        Document::read(document)?.try_into()
    }

    /// The recording as a JSON document, in one line.
    pub fn to_json(&self) -> String {
        let document = serde_json::to_string(self);
        document.expect("this holds because every key is a string and every value a text or number")
            + "\n"
    }

    /// What two recordings must share to be comparable.
    pub fn conditions(&self) -> &BTreeMap<String, String> {
        &self.conditions
    }

    /// The labels, which are printed and not compared.
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.labels
    }

    /// The profiles, in the order that they were added in.
    pub fn profiles(&self) -> &[RecordedProfile] {
        &self.profiles
    }

    /// The profile of that name.
    pub fn profile(&self, name: &str) -> Option<&RecordedProfile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }
}

impl RecordedProfile {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What all call stacks held or allocated together.
    pub fn held(&self, when: When) -> Held {
        match when {
            When::Peak => self.peak,
            When::End => self.end,
            When::Total => self.total,
        }
    }

    /// Bytes of the peak that no call stack is known for: negative when memory from before the
    /// profile was freed. The peak is the sum over the call sites and this.
    pub fn unattributed_bytes(&self) -> i64 {
        self.unattributed_bytes
    }

    /// Memory of the profiler itself, which is in no other figure.
    pub fn own_bytes(&self) -> u64 {
        self.own_bytes
    }

    /// The call sites that held or allocated anything: the largest first, equal ones by name.
    pub fn sites(&self, when: When) -> Vec<SiteHeld> {
        let mut sites: BTreeMap<String, (SiteHeld, Held)> = BTreeMap::new();
        for stack in self.stacks.iter().filter(|stack| !stack.held(when).is_nothing()) {
            let frame = &stack.frames[stack.site];
            let (held, place) = (stack.held(when), frame.place());
            let (site, largest) = sites.entry(frame.key()).or_insert_with_key(|key| {
                let none = Held::default();
                (SiteHeld { site: key.clone(), place: place.clone(), held: none }, none)
            });
            site.held.add(held);
            if (held, Reverse(&place)) > (*largest, Reverse(&site.place)) {
                (*largest, site.place) = (held, place);
            }
        }
        let mut sites: Vec<SiteHeld> = sites.into_values().map(|(site, _)| site).collect();
        sites.sort_by_key(|site| Reverse(site.held.bytes));
        sites
    }
}

impl Stack {
    pub(crate) fn held(&self, when: When) -> Held {
        match when {
            When::Peak => self.peak,
            When::End => self.end,
            When::Total => self.total,
        }
    }
}
