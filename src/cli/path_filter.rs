//! A path of the command line that selects recorded paths: a file, a directory, or a pattern.

use super::failure::Failure;
use super::repository;
use crate::fs::OwnedPath;
use crate::git::{self, Repository};
use crate::gitoxide::Location;
use crate::memory::Alloc;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The recorded paths that an argument selects.
#[derive(Debug)]
pub(super) struct PathFilter<'a> {
    /// The argument itself: it selects the path that is recorded in just these bytes.
    typed: &'a [u8],
    place: Place<'a>,
}

/// What the argument means from the top of the tree.
#[derive(Debug)]
enum Place<'a> {
    /// The top itself: every path.
    Top,
    /// Nothing below the top: only the argument itself is selected.
    Outside,
    /// A file, or a directory with what is below it.
    Path(OwnedPath<'a>),
    /// A pattern; this many bytes at its start are no pattern, but the current directory.
    Pattern(OwnedPath<'a>, usize),
}

impl<'a> PathFilter<'a> {
    /// The filter of the argument `typed`, which is relative to the current directory. The
    /// characters of a pattern are ordinary in a path that exists.
    ///
    /// # Errors
    /// When there is no current directory in the tree, or HEAD's tree cannot be read.
    pub(super) fn new(
        alloc: Alloc<'a>,
        repository: &dyn Repository,
        location: &Location,
        typed: &'a OsStr,
    ) -> Result<Self, Failure> {
        let place = match repository::place(alloc, location, Path::new(typed)) {
            Ok(None) => Place::Top,
            Ok(Some(path)) => {
                let has_wildcard = path.as_bytes().iter().any(|byte| b"*?[".contains(byte));
                match has_wildcard && !exists(alloc, repository, location, &path)? {
                    true => {
                        let literal = common_directories(path.as_bytes(), location);
                        Place::Pattern(path, literal)
                    }
                    false => Place::Path(path),
                }
            }
            // A path that is invalid in this tree may still be the recorded path of an edge.
            Err(_) if location.prefix.is_some() => Place::Outside,
            Err(error) => return Err(error),
        };
        Ok(Self { typed: typed.as_bytes(), place })
    }

    /// Whether the filter selects `recorded`.
    pub(super) fn selects(&self, recorded: &[u8]) -> bool {
        self.typed == recorded
            || match &self.place {
                Place::Top => true,
                Place::Outside => false,
                Place::Path(path) => {
                    let below = recorded.strip_prefix(path.as_bytes());
                    below.is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
                }
                Place::Pattern(path, literal) => {
                    let (directory, pattern) = path.as_bytes().split_at(*literal);
                    let below = recorded.strip_prefix(directory);
                    below.is_some_and(|rest| matches(pattern, rest))
                }
            }
    }
}

/// Whether a path matches a pattern, as in git's pathspecs: `*` also matches `/`; and `/**/` also
/// matches a single `/`, as in its `glob` pathspecs.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let matches = |mode| gix_glob::wildmatch(pattern.into(), path.into(), mode);
    let within_components = gix_glob::wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
    matches(gix_glob::wildmatch::Mode::empty()) || matches(within_components)
}

/// Whether HEAD's commit or the worktree has the path.
fn exists(
    alloc: Alloc<'_>,
    repository: &dyn Repository,
    location: &Location,
    path: &OwnedPath<'_>,
) -> Result<bool, Failure> {
    let below = OsStr::from_bytes(path.as_bytes());
    let file = location.worktree.as_ref().map(|top| top.join(below));
    if file.is_some_and(|file| file.symlink_metadata().is_ok()) {
        return Ok(true);
    }
    Ok(match git::head_tree(repository, alloc)? {
        Some(tree) => git::find_path(repository, alloc, tree, path.as_bytes())?.is_some(),
        None => false,
    })
}

/// Bytes of the directories at the start of `path` that are those of the current directory.
fn common_directories(path: &[u8], location: &Location) -> usize {
    let current = location.prefix.as_ref().map_or(&b""[..], |prefix| prefix.as_os_str().as_bytes());
    let pairs = path.split(|byte| *byte == b'/').zip(current.split(|byte| *byte == b'/'));
    let common: usize = pairs.take_while(|(a, b)| a == b).map(|(part, _)| part.len() + 1).sum();
    common.min(path.len())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_those_of_pathspecs() {
        for (pattern, path, expected) in [
            ("*.c", "a.c", true),
            ("*.c", "src/core/a.c", true),
            ("*.c", "a.h", false),
            ("src/*.c", "src/a.c", true),
            ("src/*.c", "src/core/a.c", true),
            ("src/*.c", "lib/a.c", false),
            ("src/**/x", "src/x", true),
            ("src/**/x", "src/a/b/x", true),
            ("**/x", "x", true),
            ("s?c/[ab].c", "src/b.c", true),
            ("s?c/[!ab].c", "src/b.c", false),
            ("[", "[", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }
}
