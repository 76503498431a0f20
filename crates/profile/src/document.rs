//! The JSON document of a recording. Frames are in a table; a call stack refers to them by number.
//!
//! A document may be untrusted: its schema, texts, references and sums are checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use crate::held::{Held, When};
use crate::recording::{RecordedProfile, Recording, Stack};
use crate::text;

/// The version of the format that is written and read.
const SCHEMA: u64 = 1;

/// The most bytes of a document that is read.
const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// Why a document was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is longer than the limit.
    #[error("the recording has {bytes} bytes; the limit is {DOCUMENT_BYTES_MAX}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not JSON, or JSON of another format.
    #[error("this is not a recording of memory profiles in JSON")]
    Json(#[source] serde_json::Error),
    /// It has another schema.
    #[error(
        "the recording has schema {found}, and this version reads schema {SCHEMA}; record it \
         again, or read it with the version of its writer"
    )]
    Schema {
        /// The schema of the document.
        found: u64,
    },
    /// A part of it is wrong.
    #[error("{place} {problem}")]
    Invalid {
        /// Which part.
        place: String,
        /// What is wrong with it, and the limit.
        problem: String,
    },
}

fn invalid(place: impl Into<String>, problem: impl Into<String>) -> ReadError {
    ReadError::Invalid { place: place.into(), problem: problem.into() }
}

/// The format of the document. Members may be added; `schema` changes when the meaning of one
/// changes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Document {
    schema: u64,
    #[serde(default)]
    conditions: BTreeMap<String, String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    frames: Vec<Frame>,
    profiles: Vec<ProfileDocument>,
}

#[derive(Serialize, Deserialize)]
struct ProfileDocument {
    name: String,
    peak: Held,
    end: Held,
    total: Held,
    unattributed_bytes: i64,
    own_bytes: u64,
    stacks: Vec<StackDocument>,
}

#[derive(Serialize, Deserialize)]
struct StackDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// Numbers of frames, innermost first.
    frames: Vec<usize>,
    /// The frame that the memory is counted for.
    site: usize,
    #[serde(default, skip_serializing_if = "Held::is_nothing")]
    peak: Held,
    #[serde(default, skip_serializing_if = "Held::is_nothing")]
    end: Held,
    #[serde(default, skip_serializing_if = "Held::is_nothing")]
    total: Held,
}

impl Document {
    pub(crate) fn read(document: &[u8]) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            schema: u64,
        }
        if document.len() > DOCUMENT_BYTES_MAX {
            return Err(ReadError::TooLong { bytes: document.len() });
        }
        let Head { schema } = serde_json::from_slice(document).map_err(ReadError::Json)?;
        if schema != SCHEMA {
            return Err(ReadError::Schema { found: schema });
        }
        serde_json::from_slice(document).map_err(ReadError::Json)
    }
}

impl From<Recording> for Document {
    fn from(recording: Recording) -> Self {
        let stacks = recording.profiles.iter().flat_map(|profile| &profile.stacks);
        let frames: BTreeSet<&Frame> =
            stacks.flat_map(|stack| &stack.frames).map(AsRef::as_ref).collect();
        let numbers: BTreeMap<&Frame, usize> =
            frames.iter().enumerate().map(|(number, frame)| (*frame, number)).collect();
        let stack = |stack: &Stack| StackDocument {
            operation: stack.operation.clone(),
            frames: stack.frames.iter().map(|frame| numbers[frame.as_ref()]).collect(),
            site: stack.site,
            peak: stack.peak,
            end: stack.end,
            total: stack.total,
        };
        let profile = |profile: &RecordedProfile| ProfileDocument {
            name: profile.name.clone(),
            peak: profile.peak,
            end: profile.end,
            total: profile.total,
            unattributed_bytes: profile.unattributed_bytes,
            own_bytes: profile.own_bytes,
            stacks: profile.stacks.iter().map(stack).collect(),
        };
        Self {
            schema: SCHEMA,
            profiles: recording.profiles.iter().map(profile).collect(),
            frames: frames.into_iter().cloned().collect(),
            conditions: recording.conditions,
            labels: recording.labels,
        }
    }
}

impl TryFrom<Document> for Recording {
    type Error = ReadError;

    fn try_from(document: Document) -> Result<Self, ReadError> {
        if document.schema != SCHEMA {
            return Err(ReadError::Schema { found: document.schema });
        }
        for (kind, texts) in [("condition", &document.conditions), ("label", &document.labels)] {
            for (key, value) in texts {
                let problem = text::word_problem(key).or_else(|| text::problem(value));
                refuse(problem, || format!("{kind} {key:?}"))?;
            }
        }
        for (number, frame) in document.frames.iter().enumerate() {
            let file = frame.file.as_deref().and_then(text::problem);
            refuse(text::problem(&frame.function).or(file), || format!("frame {number}"))?;
        }
        let frames: Vec<Arc<Frame>> = document.frames.into_iter().map(Arc::new).collect();
        let mut profiles: Vec<RecordedProfile> = Vec::new();
        let mut names = BTreeSet::new();
        for profile in document.profiles {
            let known = !names.insert(profile.name.clone());
            let twice = || known.then(|| "is there twice".to_owned());
            let problem = text::profile_problem(&profile.name).or_else(twice);
            refuse(problem, || format!("profile {:?}", profile.name))?;
            profiles.push(profile.checked(&frames)?);
        }
        Ok(Self { conditions: document.conditions, labels: document.labels, profiles })
    }
}

fn refuse(problem: Option<String>, place: impl Fn() -> String) -> Result<(), ReadError> {
    problem.map_or(Ok(()), |problem| Err(invalid(place(), problem)))
}

impl ProfileDocument {
    /// The profile, if its references are within the table and its sums are right.
    fn checked(self, frames: &[Arc<Frame>]) -> Result<RecordedProfile, ReadError> {
        let mut stacks = Vec::new();
        for (number, stack) in self.stacks.into_iter().enumerate() {
            let place = || format!("call stack {number} of profile {}", self.name);
            stacks.push(stack.checked(frames).map_err(|problem| invalid(place(), problem))?);
        }
        for when in [When::Peak, When::End, When::Total] {
            let held = stacks.iter().map(|stack| stack.held(when));
            let sum = held.into_iter().try_fold(Held::default(), Held::checked_add);
            let place = || format!("profile {}", self.name);
            let too_large = || invalid(place(), "has more than 2^64 bytes or blocks");
            let attributed = i128::from(sum.ok_or_else(too_large)?.bytes);
            let held = attributed + i128::from(self.unattributed_bytes);
            if when == When::Peak && held != i128::from(self.peak.bytes) {
                let problem = format!(
                    "has call stacks that held {held} bytes at the peak, which is {} bytes",
                    self.peak.bytes
                );
                return Err(invalid(place(), problem));
            }
        }
        Ok(RecordedProfile {
            name: self.name,
            peak: self.peak,
            end: self.end,
            total: self.total,
            unattributed_bytes: self.unattributed_bytes,
            own_bytes: self.own_bytes,
            stacks,
        })
    }
}

impl StackDocument {
    fn checked(self, frames: &[Arc<Frame>]) -> Result<Stack, String> {
        if let Some(problem) = self.operation.as_deref().and_then(text::word_problem) {
            return Err(format!("has an operation whose name {problem}"));
        }
        let known = |number: &usize| {
            let unknown = || format!("has frame {number}; the table has {}", frames.len());
            frames.get(*number).cloned().ok_or_else(unknown)
        };
        let of: Vec<Arc<Frame>> = self.frames.iter().map(known).collect::<Result<_, String>>()?;
        if self.site >= of.len() {
            return Err(format!("has {} frames, and its site is frame {}", of.len(), self.site));
        }
        Ok(Stack {
            operation: self.operation,
            frames: of,
            site: self.site,
            peak: self.peak,
            end: self.end,
            total: self.total,
        })
    }
}
