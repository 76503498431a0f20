//! Configuration in variables: `GIT_CONFIG_COUNT` with its keys and values, and
//! `GIT_CONFIG_PARAMETERS`, by which `git -c` reaches the programs that git starts (config.c).

use super::reason;
use crate::discover::bogus;
use gitmind_git::Error;
use gitmind_system::env::Environment;
use gix_config::file::Metadata;
use gix_config::{File, KeyRef, Source};
use gix_object::bstr::BStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const COUNT: &str = "GIT_CONFIG_COUNT";
const PARAMETERS: &str = "GIT_CONFIG_PARAMETERS";

/// Reads the variables, those with numbers first.
pub(super) fn read(env: &dyn Environment) -> Result<File, Error> {
    let mut config = File::new(Metadata::from(Source::Env));
    for number in 0..count(env)? {
        let value = |kind| {
            let name = format!("GIT_CONFIG_{kind}_{number}");
            let value = env.var(&name).ok_or_else(|| bogus(&name, "it is not set"))?;
            Ok::<_, Error>((name, value.into_vec()))
        };
        let ((name, key), (_, value)) = (value("KEY")?, value("VALUE")?);
        add(&mut config, &name, &key, Some(&value))?;
    }
    let parameters = env.var(PARAMETERS).unwrap_or_default();
    let mut rest = parameters.as_bytes();
    while !rest.is_empty() {
        rest = parameter(&mut config, rest)?.trim_ascii_start();
    }
    Ok(config)
}

/// The number of numbered keys; none when the variable is empty.
fn count(env: &dyn Environment) -> Result<u32, Error> {
    let count = env.var(COUNT).unwrap_or_default();
    match count.to_str().map(str::trim_ascii_start) {
        Some("") => Ok(0),
        Some(text) => text.parse().map_err(|_| bogus(COUNT, "it is not a number")),
        None => Err(bogus(COUNT, "it is not a number")),
    }
}

/// Adds the first parameter of `text`; returns what follows it. It is `'KEY'='VALUE'`, `'KEY'=` for
/// a key without a value, or `'KEY=VALUE'`, as an older git writes it.
fn parameter<'t>(config: &mut File, text: &'t [u8]) -> Result<&'t [u8], Error> {
    let malformed = || bogus(PARAMETERS, "it is malformed");
    let is_over = |rest: &[u8]| rest.first().is_none_or(u8::is_ascii_whitespace);
    let (key, rest) = unquote(text).ok_or_else(malformed)?;
    let Some(value) = rest.strip_prefix(b"=") else {
        if !is_over(rest) {
            return Err(malformed());
        }
        let end = key.iter().position(|byte| *byte == b'=').unwrap_or(key.len());
        let name = key[..end].trim_ascii();
        add(config, PARAMETERS, name, key.get(end + 1..))?;
        return Ok(rest);
    };
    if is_over(value) {
        add(config, PARAMETERS, &key, None)?;
        return Ok(value);
    }
    let (value, rest) = unquote(value).filter(|(_, rest)| is_over(rest)).ok_or_else(malformed)?;
    add(config, PARAMETERS, &key, Some(&value))?;
    Ok(rest)
}

/// The text in single quotes at the start of `input`, and what follows it. `'\''` is a quote and
/// `'\!'` an exclamation mark.
fn unquote(input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    let mut rest = input.strip_prefix(b"'")?;
    loop {
        let end = memchr::memchr(b'\'', rest)?;
        text.extend_from_slice(&rest[..end]);
        rest = &rest[end + 1..];
        match rest {
            [b'\\', escaped @ (b'\'' | b'!'), b'\'', after @ ..] => {
                text.push(*escaped);
                rest = after;
            }
            _ => return Some((text, rest)),
        }
    }
}

/// Adds a key, which the variable `name` has.
fn add(config: &mut File, name: &str, key: &[u8], value: Option<&[u8]>) -> Result<(), Error> {
    let shown = || format!("`{}` is not a key", String::from_utf8_lossy(key));
    let parsed = KeyRef::parse_unvalidated(BStr::new(key)).ok_or_else(|| bogus(name, &shown()))?;
    let value = value.map(BStr::new);
    config
        .section_mut_or_create_new(parsed.section_name, parsed.subsection_name)
        .and_then(|mut section| section.push(parsed.value_name, value).map(drop))
        .map_err(|error| bogus(name, &reason(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_system::env::FixedEnvironment;

    /// The value of `a.b.c` when the count is `count`, the first key has `n` and the parameters are
    /// `parameters`.
    fn value(count: &str, parameters: &str) -> Result<Option<String>, Error> {
        let config = read(&FixedEnvironment::from([
            (COUNT, count),
            ("GIT_CONFIG_KEY_0", "a.b.c"),
            ("GIT_CONFIG_VALUE_0", "n"),
            (PARAMETERS, parameters),
        ]))?;
        Ok(config.string("a.b.c").map(|value| value.to_string()))
    }

    #[test]
    fn parameters_are_read_in_both_styles_of_git() {
        for (text, expected) in [
            ("'a.b.c'='x y'", Some("x y")),
            ("'a.b.c=x=y'", Some("x=y")),
            ("'a.b.c'='it'\\''s'", Some("it's")),
            ("'a.b.c'='no'\\!''", Some("no!")),
            ("'a.b.c'='1' 'a.b.c'='2'", Some("2")),
            ("'a.b.C'='x'", Some("x")),
            ("'a.b.d'=", None),
            ("", None),
        ] {
            let found = value("0", text).expect("well-formed");
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        for text in ["a.b.c=x", "'a.b.c", "'a.b.c'x", "'a.b.c'='x'y", "'a'='x'", "'=x'"] {
            assert!(value("0", text).is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_override_numbered_keys() {
        assert_eq!(value("1", "").expect("sound").as_deref(), Some("n"));
        assert_eq!(value("1", "'a.b.c'='p'").expect("sound").as_deref(), Some("p"));
        assert_eq!(value("", "").expect("an empty count is 0"), None);
        assert!(value("x", "").is_err());
        assert!(value("2", "").is_err(), "a key is missing");
    }
}
