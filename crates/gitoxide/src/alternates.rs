//! The directories from which a repository borrows objects (`git help gitrepository-layout`,
//! "objects/info/alternates"; object-file.c, `link_alt_odb_entries`).
//!
//! As in git, a directory that cannot be used is skipped: it is missing, is no directory, is listed
//! already, or is the repository's own. So is a list that cannot be read. The lists are untrusted:
//! a device, a pipe, an oversized list or too many directories is an error.

use gitmind_git::Error;
use gitmind_system::calls;
use gitmind_system::env::Environment;
use gix_object::bstr::BStr;
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most bytes of one `info/alternates` file.
const LIST_BYTES_MAX: u64 = 1 << 20;
/// Most directories that are borrowed from, counted once per mention.
const MENTIONS_MAX: usize = 1000;
/// Lists that lead to one another; git's limit.
const DEPTH_MAX: u32 = 5;

/// The object directory `objects` and those that it borrows from, in the order of a search. `warn`
/// is called for what is skipped. Relative paths of the variable are relative to `start`.
pub(super) fn resolve(
    objects: &Path,
    start: &Path,
    env: &dyn Environment,
    warn: &dyn Fn(&str),
) -> Result<Vec<PathBuf>, Error> {
    let mut found = Alternates { directories: Vec::new(), seen: HashSet::new(), mentions: 0, warn };
    found.add(objects.to_owned());
    let variable = env.var("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
    for path in parse(variable.as_bytes(), b':') {
        found.follow(start.join(path), Path::new("GIT_ALTERNATE_OBJECT_DIRECTORIES"), 0)?;
    }
    found.read_list(objects, 0)?;
    Ok(found.directories)
}

struct Alternates<'w> {
    directories: Vec<PathBuf>,
    /// The device and the number of each directory.
    seen: HashSet<(u64, u64)>,
    mentions: usize,
    warn: &'w dyn Fn(&str),
}

impl Alternates<'_> {
    /// Adds a directory; `false` when it was added already or is not a directory.
    fn add(&mut self, directory: PathBuf) -> bool {
        let found = calls::retried(|| directory.metadata()).ok().filter(std::fs::Metadata::is_dir);
        let is_new = found.is_some_and(|found| self.seen.insert((found.dev(), found.ino())));
        if is_new {
            self.directories.push(directory);
        }
        is_new
    }

    /// Adds a directory that `list` mentions, and those that it borrows from.
    fn follow(&mut self, directory: PathBuf, list: &Path, depth: u32) -> Result<(), Error> {
        self.mentions += 1;
        if self.mentions > MENTIONS_MAX {
            let reason = format!("more than {MENTIONS_MAX} directories are borrowed from");
            return Err(Error::Open { path: list.to_owned(), reason });
        }
        if self.add(directory.clone()) {
            return self.read_list(&directory, depth + 1);
        }
        if !directory.is_dir() {
            let (directory, list) = (directory.display(), list.display());
            (self.warn)(&format!("{directory} is no object directory; see {list}"));
        }
        Ok(())
    }

    /// Adds the directories that the list in `objects` mentions; relative ones are relative to it.
    fn read_list(&mut self, objects: &Path, depth: u32) -> Result<(), Error> {
        let list = objects.join("info/alternates");
        let Ok(found) = list.metadata() else { return Ok(()) };
        if !found.is_dir() && (!found.is_file() || found.len() > LIST_BYTES_MAX) {
            let reason = format!("it is not a regular file of up to {LIST_BYTES_MAX} bytes");
            return Err(Error::Open { path: list, reason });
        }
        if depth > DEPTH_MAX {
            (self.warn)(&format!("{} is ignored: it is nested too deep", list.display()));
            return Ok(());
        }
        let text = std::fs::read(&list).unwrap_or_else(|error| {
            (self.warn)(&format!("{} is ignored: {error}", list.display()));
            Vec::new()
        });
        for path in parse(&text, b'\n') {
            let base = if path.is_absolute() { None } else { objects.canonicalize().ok() };
            self.follow(base.map_or_else(|| path.clone(), |base| base.join(&path)), &list, depth)?;
        }
        Ok(())
    }
}

/// The paths of a list, which may be quoted as in C; a line that starts with `#` is a comment.
fn parse(mut text: &[u8], separator: u8) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    while let Some(first) = text.first() {
        let end = memchr::memchr(separator, text).unwrap_or(text.len());
        let quoted = match first {
            b'"' => gix_quote::ansi_c::undo(BStr::new(text)).ok(),
            _ => None,
        };
        let (path, used) = match quoted {
            Some((path, used)) => (path.to_vec(), used),
            None if *first == b'#' => (Vec::new(), end),
            None => (text[..end].to_vec(), end),
        };
        if !path.is_empty() {
            paths.push(OsString::from_vec(path).into());
        }
        text = text.get(used + 1..).unwrap_or_default();
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_comments_and_quoted_paths() {
        let paths = |text: &str, separator| {
            let paths = parse(text.as_bytes(), separator);
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(paths("# no\n\n/a\n\"/b\\nc\"\nd", b'\n'), ["/a", "/b\nc", "d"]);
        assert_eq!(paths("/a:\"/b:c\":", b':'), ["/a", "/b:c"]);
        assert_eq!(paths("\"/a", b'\n'), ["\"/a"]);
    }
}
