//! One line of an import: an edge as JSON, borrowed from the line.

use super::relation::parse_relation;
use crate::journal::{Confidence, Relation};
use crate::oid::Oid;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// An edge as JSON, with the fields of `list --json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportLine<'l> {
    #[serde(borrow)]
    pub(super) source_path: Option<Text<'l>>,
    #[serde(borrow)]
    pub(super) target_path: Option<Text<'l>>,
    pub(super) source_oid: Option<Name>,
    pub(super) target_oid: Option<Name>,
    pub(super) legacy_source_oid: Option<Name>,
    pub(super) legacy_target_oid: Option<Name>,
    #[serde(borrow, rename = "type")]
    relation: Option<Text<'l>>,
    type_number: Option<u16>,
    confidence: Option<f32>,
    confidence_stored: Option<u16>,
    pub(super) timestamp_ms: Option<u64>,
    #[serde(borrow)]
    pub(super) ulid: Option<Text<'l>>,
    /// Absent: that of the environment; null: none, as in the basic form of an edge.
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) attribution: Option<Option<AttributionLine<'l>>>,
    // What `list` and `query` know about an edge that is in a journal; a new edge has its own.
    #[serde(rename = "commit")]
    _commit: Option<serde::de::IgnoredAny>,
    #[serde(rename = "id")]
    _id: Option<serde::de::IgnoredAny>,
    #[serde(rename = "commit_author")]
    _commit_author: Option<serde::de::IgnoredAny>,
    #[serde(rename = "commit_time")]
    _commit_time: Option<serde::de::IgnoredAny>,
    #[serde(rename = "standing")]
    _standing: Option<serde::de::IgnoredAny>,
    #[serde(rename = "content")]
    _content: Option<serde::de::IgnoredAny>,
    #[serde(rename = "end")]
    _end: Option<serde::de::IgnoredAny>,
    #[serde(rename = "edits_ago")]
    _edits_ago: Option<serde::de::IgnoredAny>,
}

/// Who recorded the edge.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributionLine<'l> {
    #[serde(borrow)]
    pub(super) source: Option<Text<'l>>,
    pub(super) source_number: Option<u32>,
    #[serde(borrow)]
    pub(super) author: Option<Text<'l>>,
    #[serde(borrow)]
    pub(super) session: Option<Text<'l>>,
    #[serde(default)]
    pub(super) flags: u32,
    #[serde(default)]
    pub(super) lane: u32,
}

impl ImportLine<'_> {
    /// The type; the number has priority, since all types without a name are called `custom`.
    pub(super) fn relation(&self) -> Result<Relation, String> {
        match (self.type_number, &self.relation) {
            (Some(number), _) => Ok(Relation(number)),
            (None, Some(name)) => Ok(parse_relation(name.as_str())?.of_new_edge()),
            (None, None) => Ok(Relation::REFERENCES),
        }
    }

    /// The confidence, if there is one.
    pub(super) fn confidence(&self) -> Result<Option<Confidence>, String> {
        match (self.confidence_stored, self.confidence) {
            (Some(stored), _) => Ok(Some(Confidence(stored))),
            (None, Some(fraction)) => match Confidence::from_fraction(fraction) {
                Some(confidence) => Ok(Some(confidence)),
                None => Err("a confidence is a number from 0 to 1".into()),
            },
            (None, None) => Ok(None),
        }
    }
}

/// A field that is present, even when it is null.
fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A JSON string, copied only when it has escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// An object id in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name(pub(super) Oid);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hex;
        impl Visitor<'_> for Hex {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object id of 40 hexadecimal digits")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name, E> {
                let id = Oid::from_hex(text.as_bytes());
                id.map(Name).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Hex)
    }
}
