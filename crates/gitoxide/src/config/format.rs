//! The format of a repository and its extensions (setup.c, `check_repo_format`), which only its own
//! file can set.

use super::Location;
use gitmind_git::Error;
use gix_config::File;

/// Whether git heeds what the repository's own file says of its format, bareness and worktree: not
/// without a version.
pub(crate) fn is_known(local: &File) -> bool {
    local.string_implicit("core.repositoryFormatVersion").is_some()
}

/// Rejects a repository whose format or extensions are not supported; `local` is its own file,
/// without what it includes.
pub(crate) fn check_format(location: &Location, local: &File) -> Result<(), Error> {
    let path = || location.common_dir.clone();
    let Some(value) = local.string_implicit("core.repositoryFormatVersion") else { return Ok(()) };
    let value = value.unwrap_or_default().to_string();
    let version = number(&value).filter(|version| *version <= 1).ok_or_else(|| {
        let extension = format!("`core.repositoryFormatVersion={value}`");
        Error::Extension { path: path(), extension }
    })?;
    let sections = local.sections_by_name("extensions").into_iter().flatten();
    for section in sections {
        for key in section.value_names() {
            let value = local.string(format!("extensions.{key}").as_str()).unwrap_or_default();
            let (key, value) = (key.to_string().to_lowercase(), value.to_string());
            let needs_version_1 = match (key.as_str(), value.as_str()) {
                ("noop" | "partialclone" | "preciousobjects" | "worktreeconfig", _) => false,
                ("objectformat", "sha1") | ("refstorage", "files") => true,
                ("noop-v1" | "relativeworktrees", _) => true,
                ("objectformat", format) => {
                    let extension = format!("the object format `{format}`");
                    return Err(Error::Extension { path: path(), extension });
                }
                // An extension that git does not know counts from version 1 on.
                (key, _) if key != "refstorage" && version != 1 => continue,
                _ => {
                    let extension = format!("the extension `extensions.{key}={value}`");
                    return Err(Error::Extension { path: path(), extension });
                }
            };
            if needs_version_1 && version == 0 {
                let extension = format!("`extensions.{key}` in format version 0");
                return Err(Error::Extension { path: path(), extension });
            }
        }
    }
    Ok(())
}

/// A number as git reads it: decimal, octal after `0`, or hexadecimal after `0x`, with a unit.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (text, unit) = match text.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm') => (&text[..text.len() - 1], 1 << 20),
        Some(b'g') => (&text[..text.len() - 1], 1 << 30),
        _ => (text, 1),
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let is_digit = digits.starts_with(|first: char| first.is_digit(radix));
    i64::from_str_radix(digits, radix).ok().filter(|_| is_digit)?.checked_mul(sign * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_git() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1)),
            ("01", Some(1)),
            ("010", Some(8)),
            ("0x1", Some(1)),
            (" 1", Some(1)),
            ("-1", Some(-1)),
            ("+1", Some(1)),
            ("0k", Some(0)),
            ("2M", Some(2 << 20)),
            ("k", None),
            ("", None),
            ("1 ", None),
            ("one", None),
            ("--1", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }
}
