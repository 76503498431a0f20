//! The directories from which a repository borrows objects (`git help gitrepository-layout`,
//! "objects/info/alternates").
//!
//! The library follows them and reads each list whole. Whoever made one decides where they lead, so
//! each list is looked at before that: what would never end is refused.

use super::cannot_open;
use gitmind_git::Error;
use std::path::{Path, PathBuf};

/// Most bytes of a list.
const LIST_BYTES_MAX: u64 = 1 << 20;
/// Most lists that are followed, each as often as it is named; git goes five deep.
const LISTS_MAX: usize = 1000;

/// The directories that the objects in the absolute path `objects` are borrowed from.
///
/// # Errors
/// [`Error::Open`] when a list is none, or when they lead back to where they began.
pub(super) fn resolve(objects: &Path) -> Result<Vec<PathBuf>, Error> {
    check(objects)?;
    gix_odb::alternate::resolve(objects.to_owned(), objects).map_err(cannot_open(objects))
}

fn check(objects: &Path) -> Result<(), Error> {
    let mut directories = vec![objects.to_owned()];
    let mut seen = Vec::new();
    while let Some(directory) = directories.pop() {
        let list = directory.join("info/alternates");
        let refuse = |reason: String| Err(Error::Open { path: list.clone(), reason });
        let Ok(found) = list.metadata() else { continue };
        if !found.is_file() || found.len() > LIST_BYTES_MAX {
            return refuse(format!("it is no regular file of up to {LIST_BYTES_MAX} bytes"));
        }
        // Those that lead back are an error of the library's, which names them.
        let canonical = directory.canonicalize().map_err(cannot_open(&directory))?;
        if seen.contains(&canonical) {
            continue;
        }
        seen.push(canonical);
        let text = std::fs::read(&list).map_err(cannot_open(&list))?;
        let borrowed = gix_odb::alternate::parse(&text).map_err(cannot_open(&list))?;
        if seen.len() + directories.len() + borrowed.len() > LISTS_MAX {
            return refuse(format!("more than {LISTS_MAX} directories are borrowed from"));
        }
        directories.extend(borrowed.iter().map(|path| objects.join(path)));
    }
    Ok(())
}
