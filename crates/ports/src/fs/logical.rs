//! Lexical normalization of paths: removes `.`, `..` and repeated slashes without file access.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use super::error::FsError;
use super::path::{OwnedPath, check_len};
use gitmind_memory::{Alloc, Vec};

/// `path` without `.`, without `..` after a name or at the root, and with single slashes; `.` if
/// nothing is left.
pub fn logical<'a>(path: &Path, alloc: Alloc<'a>) -> Result<OwnedPath<'a>, FsError> {
    let len = path.as_os_str().len();
    check_len(len)?;
    let mut out = Vec::try_with_capacity(len.max(1), alloc)?;
    for component in path.components() {
        match component {
            Component::RootDir => out.try_push(b'/')?,
            Component::ParentDir if is_removable(&out) => {
                let slash = out.iter().rposition(|byte| *byte == b'/');
                // Does not remove the slash of the root.
                out.truncate(slash.map_or(0, |at| at.max(usize::from(out[0] == b'/'))));
            }
            Component::ParentDir if out.as_slice() == b"/" => {}
            Component::ParentDir => append(&mut out, b"..")?,
            Component::Normal(name) => append(&mut out, name.as_bytes())?,
            Component::CurDir | Component::Prefix(_) => {}
        }
    }
    if out.is_empty() {
        out.try_push(b'.')?;
    }
    Ok(OwnedPath::from_bytes(out))
}

/// Whether the last component of `out` is a name.
fn is_removable(out: &[u8]) -> bool {
    let last = out.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    !last.is_empty() && last != b".."
}

fn append(out: &mut Vec<'_, u8>, name: &[u8]) -> Result<(), FsError> {
    if !out.is_empty() && !out.ends_with(b"/") {
        out.try_push(b'/')?;
    }
    Ok(out.try_extend_from_slice(name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;
    use gitmind_memory::testing::{assert_no_leaks, sweep};
    use proptest::prelude::*;

    fn text(path: &str) -> String {
        assert_no_leaks(|alloc| {
            let path = logical(Path::new(path), alloc).expect("there is memory");
            path.display().to_string()
        })
    }

    #[test]
    fn dots_and_slashes_are_removed_and_the_empty_path_is_a_dot() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("/", "/"),
            ("//", "/"),
            ("a//b/./c/", "a/b/c"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../../a", "../../a"),
            ("a/../../b", "../b"),
            ("/../a", "/a"),
            ("/a/../..", "/"),
            ("/a/b/..", "/a"),
        ] {
            assert_eq!(text(path), expected, "{path}");
        }
    }

    /// The model: a stack of names.
    fn naive(path: &str) -> String {
        let mut names: std::vec::Vec<&str> = std::vec::Vec::new();
        let is_absolute = path.starts_with('/');
        for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
            match (name, names.last()) {
                ("..", Some(last)) if *last != ".." => drop(names.pop()),
                ("..", None) if is_absolute => {}
                _ => names.push(name),
            }
        }
        let joined = names.join("/");
        match (is_absolute, joined.is_empty()) {
            (true, _) => format!("/{joined}"),
            (false, true) => ".".into(),
            (false, false) => joined,
        }
    }

    proptest! {
        #[test]
        fn the_result_is_that_of_a_stack_of_names(path in "[ab./]{0,24}") {
            prop_assert_eq!(text(&path), naive(&path));
        }
    }

    #[test]
    fn a_path_over_the_limit_fails_before_an_allocation() {
        let long = "a".repeat(4096);
        let system = System::new();
        let error = logical(Path::new(&long), Alloc::new(&system)).expect_err("4095 is the most");
        assert!(matches!(error, FsError::TooLong { len: 4096, limit: 4095 }));
        assert_eq!(Alloc::new(&system).port().diagnostics().allocations_total, 0);
    }

    #[test]
    fn each_allocation_failure_is_returned() {
        let report = sweep(|alloc| logical(Path::new("/a/b/../c"), alloc).map(drop));
        report.assert_propagated();
        assert!(report.call_stacks() >= 1);
    }
}
