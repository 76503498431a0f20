//! The adapter of the repository port for a repository on disk, through low-level gitoxide crates.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

mod alternates;
mod config;
mod date;
mod discover;
mod durability;
mod follow;
mod identity;
mod loose;
mod objects;
pub mod pack;
mod pack_count;
mod refs;
mod remotes;
mod repository;
mod running_gc;
mod settings;
mod shared_mode;
mod transaction;
mod worktree;

pub use follow::Inflater;
pub use remotes::{Danger, Remotes};
pub use repository::GitRepository;
pub use shared_mode::SharedMode;
pub use worktree::Location;

use gitmind_git::Error;
use std::path::Path;

/// The messages of an error and its sources, outermost first, in one line.
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

/// Makes a function for `map_err` that returns [`Error::Open`].
fn cannot_open<E: std::error::Error>(path: &Path) -> impl FnOnce(E) -> Error {
    let path = path.to_owned();
    move |error| Error::Open { path, reason: reason(&error) }
}
