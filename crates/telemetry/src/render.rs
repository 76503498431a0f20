//! Renders events as lines: text, JSON, and the short form of diagnostics.
//!
//! Control characters and bytes that are not UTF-8 are escaped, so that a value cannot start a new
//! line.

use arrayvec::ArrayString;
use std::fmt::Write as _;
use std::io::Write;

use super::event::Event;
use super::level::LogFormat;
use gitmind_memory::{MemoryError, Vec};

/// Appends the line of `event`, at `seconds` since 1970, with its newline.
pub(super) fn line(
    event: &Event<'_, '_>,
    format: LogFormat,
    seconds: i64,
    out: &mut Vec<'_, u8>,
) -> Result<(), MemoryError> {
    let stamp = time(seconds);
    let time = stamp.as_bytes();
    match format {
        LogFormat::Text => {
            for part in [time, b" [", event.level.name().as_bytes(), b"] "] {
                out.try_extend_from_slice(part)?;
            }
            for part in [event.component, ": event=", event.name] {
                out.try_extend_from_slice(part.as_bytes())?;
            }
            text_fields(event, out)?;
        }
        LogFormat::Json => {
            let head = [
                ("{\"time\":", time),
                (",\"level\":", event.level.name().as_bytes()),
                (",\"component\":", event.component.as_bytes()),
                (",\"event\":", event.name.as_bytes()),
            ];
            for (key, value) in head {
                out.try_extend_from_slice(key.as_bytes())?;
                quote(value, out)?;
            }
            for (key, value) in event.fields() {
                out.try_push(b',')?;
                quote(key, out)?;
                out.try_push(b':')?;
                quote(value, out)?;
            }
            out.try_push(b'}')?;
        }
    }
    out.try_push(b'\n')
}

/// Appends the line of a diagnostics event, with its newline.
pub(super) fn diagnostic(event: &Event<'_, '_>, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    for part in ["[diag] ", event.component, " ", event.name] {
        out.try_extend_from_slice(part.as_bytes())?;
    }
    text_fields(event, out)?;
    out.try_push(b'\n')
}

fn text_fields(event: &Event<'_, '_>, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    for (key, value) in event.fields() {
        for part in [b" ", key, b"="] {
            out.try_extend_from_slice(part)?;
        }
        if is_plain(value) { out.try_extend_from_slice(value)? } else { quote(value, out)? }
    }
    Ok(())
}

/// Whether a value needs no quotes in the text format.
fn is_plain(value: &[u8]) -> bool {
    let is_plain = |c: char| !(c.is_whitespace() || is_escaped(c) || c == '=');
    !value.is_empty() && std::str::from_utf8(value).is_ok_and(|text| text.chars().all(is_plain))
}

/// Whether a character moves the cursor, changes the direction of text, or ends a string.
fn is_escaped(c: char) -> bool {
    c.is_control()
        || matches!(c, '"' | '\\' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

/// Appends a JSON string; bytes that are not UTF-8 become U+FFFD.
fn quote(value: &[u8], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    out.try_push(b'"')?;
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            let mut buffer = [0; 8];
            match c {
                '"' | '\\' => out.try_extend_from_slice(&[b'\\', c as u8])?,
                _ if is_escaped(c) => {
                    let mut rest = &mut buffer[..];
                    write!(rest, "\\u{:04x}", u32::from(c))
                        .expect("this holds because escaped characters have four digits");
                    out.try_extend_from_slice(&buffer[..6])?;
                }
                _ => out.try_extend_from_slice(c.encode_utf8(&mut buffer).as_bytes())?,
            }
        }
        if !chunk.invalid().is_empty() {
            out.try_extend_from_slice("\u{fffd}".as_bytes())?;
        }
    }
    out.try_push(b'"')
}

/// `YYYY-MM-DDTHH:MM:SSZ`; the epoch for a time outside the range of the calendar.
fn time(seconds: i64) -> ArrayString<40> {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let mut text = ArrayString::new();
    write!(text, "{time}").expect("this holds because a year has at most five characters");
    text
}
