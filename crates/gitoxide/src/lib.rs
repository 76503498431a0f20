//! The repository port on a real repository, through the low-level gitoxide crates.
//!
//! # Limitations
//! SHA-1 repositories whose refs are files. Replace refs are not applied, as in the C tool. Objects
//! are re-hashed when they are read alone. Commits of packs that are decoded ahead of a walk are
//! not: they have the size and the zlib checksum of their entry, and the name that the index says.

mod alternates;
mod collection;
mod config;
mod discover;
mod follow;
mod loose;
mod objects;
pub mod pack;
mod recent;
mod refs;
mod repository;
mod sharing;
mod transaction;

pub use discover::Location;
pub use repository::GitRepository;
pub use sharing::Sharing;

use gitmind_git::Error;
use std::path::Path;

/// The reasons that a gitoxide error gives, outermost first, in one line.
fn reason(error: &dyn std::error::Error) -> String {
    let mut reasons: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string().lines().collect::<Vec<_>>().join(" ");
        if reasons.last() != Some(&text) {
            reasons.push(text);
        }
        next = error.source();
    }
    reasons.join(": ")
}

/// A maker of [`Error::Open`] for `map_err`.
fn cannot_open<E: std::error::Error>(path: &Path) -> impl FnOnce(E) -> Error {
    let path = path.to_owned();
    move |error| Error::Open { path, reason: reason(&error) }
}
