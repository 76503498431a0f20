//! Edges as `--json` prints them: one document, streamed edge by edge.

use super::output::Output;
use super::shown::{Place, Shown, name_of};
use super::time::Rfc3339;
use crate::branch::BranchName;
use crate::journal::Attribution;
use crate::oid::Oid;
use serde::{Serialize, Serializer};
use std::io::{self, Write};

/// A document whose edges are being written.
pub(super) struct JsonList<'a> {
    output: &'a mut Output,
    edges_shown: u64,
    /// Buffer of the edge that is being printed.
    text: Vec<u8>,
}

impl<'a> JsonList<'a> {
    pub(super) fn begin(branch: &BranchName, output: &'a mut Output) -> io::Result<Self> {
        let branch = serde_json::to_string(branch.as_str())?;
        let head = format!("{{\n\"schema\": 1,\n\"branch\": {branch},\n\"edges\": [");
        output.write_json(head.as_bytes())?;
        Ok(Self { output, edges_shown: 0, text: Vec::new() })
    }

    /// Prints an edge.
    pub(super) fn edge(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let separator = if self.edges_shown == 0 { "\n" } else { ",\n" };
        self.edges_shown += 1;
        self.output.write_all(separator.as_bytes())?;
        self.text.clear();
        serde_json::to_writer(&mut self.text, &EdgeDocument::new(shown))?;
        self.output.write_json(&self.text)
    }

    /// Ends the document with these fields, whose values are known after the last edge.
    pub(super) fn end(self, fields: &[(&str, serde_json::Value)]) -> io::Result<()> {
        write!(self.output, "\n],\n\"edges_shown\": {}", self.edges_shown)?;
        for (name, value) in fields {
            write!(self.output, ",\n\"{name}\": {value}")?;
        }
        writeln!(self.output, "\n}}")
    }
}

/// One edge of a document.
#[derive(Serialize)]
pub(super) struct EdgeDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    commit: Name,
    /// Who made the commit and when; null when its header is malformed.
    commit_author: Option<Text<'a>>,
    commit_time: Option<Rfc3339>,
    standing: &'static str,
    #[serde(flatten)]
    place: Option<PlaceDocument>,
    source_oid: Name,
    target_oid: Name,
    source_path: Text<'a>,
    target_path: Text<'a>,
    #[serde(rename = "type")]
    relation: &'a str,
    type_number: u16,
    confidence: f64,
    confidence_stored: u16,
    timestamp_ms: u64,
    ulid: Text<'a>,
    legacy_source_oid: Name,
    legacy_target_oid: Name,
    /// Null in the basic form.
    attribution: Option<AttributionDocument<'a>>,
}

/// How an edge belongs to the answer of a query.
#[derive(Serialize)]
struct PlaceDocument {
    end: &'static str,
    content: &'static str,
    /// Null when it is not known.
    edits_ago: Option<u32>,
}

impl PlaceDocument {
    const fn new(place: &Place<'_>) -> Self {
        let (end, content) = (place.end_name(), place.content_name());
        Self { end, content, edits_ago: place.edits_ago }
    }
}

/// Who recorded an edge.
#[derive(Serialize)]
struct AttributionDocument<'a> {
    source: &'a str,
    source_number: u32,
    author: Text<'a>,
    session: Text<'a>,
    flags: u32,
    lane: u32,
}

impl<'a> EdgeDocument<'a> {
    pub(super) fn new(shown: &Shown<'a>) -> Self {
        let Shown { id, commit, committed, standing, edge, place } = *shown;
        Self {
            id,
            commit: Name(commit),
            commit_author: committed.map(|by| Text(by.person)),
            commit_time: committed.and_then(|by| Rfc3339::new(by.time)),
            standing: name_of(standing),
            place: place.as_ref().map(PlaceDocument::new),
            source_oid: Name(edge.source),
            target_oid: Name(edge.target),
            source_path: Text(edge.source_path),
            target_path: Text(edge.target_path),
            relation: edge.relation.name(),
            type_number: edge.relation.0,
            confidence: edge.meant_confidence().fraction(),
            confidence_stored: edge.confidence.0,
            timestamp_ms: edge.timestamp_ms,
            ulid: Text(edge.ulid),
            legacy_source_oid: Name(edge.legacy_source),
            legacy_target_oid: Name(edge.legacy_target),
            attribution: edge.attribution.map(AttributionDocument::new),
        }
    }
}

impl<'a> AttributionDocument<'a> {
    fn new(who: Attribution<'a>) -> Self {
        Self {
            source: who.origin.name(),
            source_number: who.origin.0,
            author: Text(who.author),
            session: Text(who.session),
            flags: who.flags,
            lane: who.lane,
        }
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An object id in hexadecimal.
struct Name(Oid);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex = self.0.to_hex();
        serializer.serialize_str(str::from_utf8(&hex).expect("this holds because digits are ASCII"))
    }
}

/// Bytes that are nearly always UTF-8. Other bytes become an object `{"hex": ...}`, since a JSON
/// string cannot hold them.
pub(super) struct Text<'a>(pub(super) &'a [u8]);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => {
                #[derive(Serialize)]
                struct Hex {
                    hex: String,
                }
                Hex { hex: data_encoding::HEXLOWER.encode(self.0) }.serialize(serializer)
            }
        }
    }
}
