//! The directories from which a repository borrows objects (`git help gitrepository-layout`,
//! "objects/info/alternates").
//!
//! `gix-odb` follows the lists and reads each one whole. Their content is untrusted, so each list
//! is checked before: a device, a pipe, an oversized file or too many lists is an error.

use super::cannot_open;
use gitmind_git::Error;
use std::path::{Path, PathBuf};

/// Most bytes of one `info/alternates` file.
const LIST_BYTES_MAX: u64 = 1 << 20;
/// Most directories that are followed, counted once per mention; git limits the depth to five.
const LISTS_MAX: usize = 1000;

/// The directories from which the object directory at the absolute path `objects` borrows.
///
/// # Errors
/// [`Error::Open`] when a list is invalid, or when the directories form a cycle.
pub(super) fn resolve(objects: &Path) -> Result<Vec<PathBuf>, Error> {
    check(objects)?;
    gix_odb::alternate::resolve(objects.to_owned(), objects).map_err(cannot_open(objects))
}

fn check(objects: &Path) -> Result<(), Error> {
    let mut directories = vec![objects.to_owned()];
    let mut seen = Vec::new();
    while let Some(directory) = directories.pop() {
        let list = directory.join("info/alternates");
        let reject = |reason: String| Err(Error::Open { path: list.clone(), reason });
        let Ok(found) = list.metadata() else { continue };
        if !found.is_file() || found.len() > LIST_BYTES_MAX {
            return reject(format!("it is not a regular file of up to {LIST_BYTES_MAX} bytes"));
        }
        // A cycle ends the loop here; `gix-odb` reports it as an error with the paths.
        let canonical = directory.canonicalize().map_err(cannot_open(&directory))?;
        if seen.contains(&canonical) {
            continue;
        }
        seen.push(canonical);
        let text = std::fs::read(&list).map_err(cannot_open(&list))?;
        let borrowed = gix_odb::alternate::parse(&text).map_err(cannot_open(&list))?;
        if seen.len() + directories.len() + borrowed.len() > LISTS_MAX {
            return reject(format!("more than {LISTS_MAX} directories are borrowed from"));
        }
        directories.extend(borrowed.iter().map(|path| objects.join(path)));
    }
    Ok(())
}
