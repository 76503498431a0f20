//! Reading the file of a ref as git does (refs/files-backend.c, `read_ref_internal`).
//!
//! `gix-ref` does not read a ref that is a symbolic link to another one, or `ref:` without space.

use super::{REF_FILE_BYTES_MAX, check_file};
use gitmind_system::calls;
use gix_hash::ObjectId;
use gix_object::bstr::BStr;
use gix_ref::{FullName, Target};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The value in the file at `path`; `None` when there is none, or a directory.
pub(super) fn read(path: &Path) -> Result<Option<Target>, String> {
    let found = match calls::retried(|| path.symlink_metadata()) {
        Ok(found) => found,
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => return Ok(None),
            _ => return Err(error.to_string()),
        },
    };
    if found.is_symlink()
        && let Ok(target) = path.read_link()
        && target.as_os_str().as_bytes().starts_with(b"refs/")
        && let Ok(name) = name(target.as_os_str().as_bytes())
    {
        return Ok(Some(Target::Symbolic(name)));
    }
    check_file(path, REF_FILE_BYTES_MAX)?;
    match std::fs::read(path) {
        Ok(content) => parse(&content).map(Some),
        // A process may have removed the file meanwhile.
        Err(error) => match error.kind() {
            ErrorKind::IsADirectory => Ok(None),
            ErrorKind::NotFound if !found.is_symlink() => Ok(None),
            _ => Err(error.to_string()),
        },
    }
}

/// The value that the content of a file is: `ref:`, any white space and a name, or an object id
/// that ends or is followed by white space.
fn parse(content: &[u8]) -> Result<Target, String> {
    if let Some(target) = content.strip_prefix(b"ref:") {
        return name(target.trim_ascii()).map(Target::Symbolic);
    }
    let hex = ObjectId::null(gix_hash::Kind::Sha1).kind().len_in_hex();
    let malformed = || "it holds no object id and no name of a ref".to_owned();
    let (id, rest) = content.split_at_checked(hex).ok_or_else(malformed)?;
    if !rest.first().is_none_or(u8::is_ascii_whitespace) {
        return Err(malformed());
    }
    ObjectId::from_hex(id).map(Target::Object).map_err(|_| malformed())
}

fn name(bytes: &[u8]) -> Result<FullName, String> {
    FullName::try_from(BStr::new(bytes))
        .map_err(|_| format!("`{}` is not the name of a ref", String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_change_a_value() {
        for content in ["ref:refs/heads/a", "ref: refs/heads/a\n", "ref:\t \nrefs/heads/a \n\n"] {
            let target = parse(content.as_bytes()).expect("a name");
            assert_eq!(
                target.try_name().map(|name| name.as_bstr().to_string()).as_deref(),
                Some("refs/heads/a")
            );
        }
        let id = "7".repeat(40);
        for rest in ["", "\n", " \n", "\tx"] {
            assert!(matches!(parse(format!("{id}{rest}").as_bytes()), Ok(Target::Object(_))));
        }
        for content in ["", "ref:", "ref: a b", "7777\n", &format!("{id}7"), &"x".repeat(40)] {
            assert!(parse(content.as_bytes()).is_err(), "{content:?}");
        }
    }

    #[test]
    fn a_link_to_a_ref_is_a_symbolic_ref_and_another_link_is_followed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("value"), format!("{}\n", "7".repeat(40))).expect("writable");
        std::os::unix::fs::symlink("refs/heads/a", at("HEAD")).expect("writable");
        std::os::unix::fs::symlink("value", at("other")).expect("writable");
        std::os::unix::fs::symlink("nowhere", at("broken")).expect("writable");
        assert!(matches!(read(&at("HEAD")), Ok(Some(Target::Symbolic(_)))));
        assert!(matches!(read(&at("other")), Ok(Some(Target::Object(_)))));
        assert!(read(&at("broken")).is_err());
        assert!(matches!(read(&at("none")), Ok(None)));
        assert!(matches!(read(directory.path()), Ok(None)), "a directory");
    }
}
