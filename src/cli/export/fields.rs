//! The attributes of an edge, by name, in the order in which the formats have them.

use crate::cli::shown::{Shown, name_of};
use crate::cli::time::Rfc3339;
use crate::oid::Oid;
use std::borrow::Cow;

/// Names of the attributes, and their types in GraphML.
pub(super) const FIELDS: [(&str, &str); 17] = [
    ("type", "string"),
    ("type_number", "int"),
    ("confidence", "double"),
    ("time", "string"),
    ("timestamp_ms", "long"),
    ("source", "string"),
    ("author", "string"),
    ("session", "string"),
    ("flags", "long"),
    ("lane", "long"),
    ("source_oid", "string"),
    ("target_oid", "string"),
    ("ulid", "string"),
    ("commit", "string"),
    ("commit_author", "string"),
    ("commit_time", "string"),
    ("standing", "string"),
];

/// The value of an attribute.
pub(super) enum Value<'e> {
    /// There is none, as the author of an edge in the basic form.
    Absent,
    /// What others wrote: any bytes.
    Text(&'e [u8]),
    /// A number, or text of this program.
    Plain(Cow<'static, str>),
}

/// The values, in the order of [`FIELDS`].
pub(super) fn values<'e>(shown: &Shown<'e>) -> [Value<'e>; FIELDS.len()] {
    let edge = shown.edge;
    let who = edge.attribution.as_ref();
    let plain = |value: &dyn std::fmt::Display| Value::Plain(value.to_string().into());
    let of = |value: Option<Value<'e>>| value.unwrap_or(Value::Absent);
    [
        Value::Plain(edge.relation.name().into()),
        plain(&edge.relation.0),
        plain(&edge.meant_confidence().fraction()),
        of(time(shown.time_ms()).map(|time| Value::Plain(time.into()))),
        plain(&edge.timestamp_ms),
        of(who.map(|who| Value::Plain(who.origin.name().into()))),
        of(who.map(|who| Value::Text(who.author))),
        of(who.map(|who| Value::Text(who.session))),
        of(who.map(|who| plain(&who.flags))),
        of(who.map(|who| plain(&who.lane))),
        plain(&edge.source),
        plain(&edge.target),
        Value::Text(edge.ulid),
        plain(&shown.commit),
        of(shown.committed.map(|by| Value::Text(by.person))),
        of(shown.committed.and_then(|by| Rfc3339::new(by.time)).map(|time| plain(&time.as_str()))),
        Value::Plain(name_of(shown.standing).into()),
    ]
}

/// The time in UTC, as in RFC 3339; `None` when no calendar has it.
fn time(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| time.to_string())
}

/// The node at an end of an edge: its path, or its object when no path was recorded.
pub(super) fn node<'e>(path: &'e [u8], object: &Oid) -> Cow<'e, [u8]> {
    if path.is_empty() { Cow::Owned(object.to_hex().to_vec()) } else { Cow::Borrowed(path) }
}
