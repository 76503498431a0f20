//! The repository port on a real repository, through the low-level gitoxide crates.
//!
//! # Limitations
//! SHA-1 repositories whose refs are files. Replace refs are not applied, as in the C tool. Objects
//! are not re-hashed when they are read, as in `git cat-file`.

mod discover;
mod objects;
mod refs;

pub use discover::Location;

use super::pack::PackWriter;
use super::{Error, Head, Identity, ObjectKind, PackSink, RefUpdate, Repository};
use crate::oid::Oid;
use objects::Objects;
use std::path::{Path, PathBuf};

/// An open repository.
#[derive(Debug)]
pub struct GitRepository {
    location: Location,
    identity: Identity,
    objects: Objects,
    refs: gix_ref::file::Store,
}

impl GitRepository {
    /// Opens the repository at `location`.
    ///
    /// # Errors
    /// [`Error::ObjectFormat`] or [`Error::Extension`] when the repository is of a kind that is not
    /// supported, [`Error::Open`] when its configuration or its objects cannot be read.
    pub fn open(location: Location) -> Result<Self, Error> {
        let config = discover::read_config(&location)?;
        discover::check_format(&location, &config)?;
        let objects = Objects::open(&location.common_dir.join("objects"))?;
        let refs = refs::open(&location);
        let identity = discover::identity(&config);
        Ok(Self { location, identity, objects, refs })
    }

    /// Where the repository is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    fn packs(&self) -> PathBuf {
        self.location.common_dir.join("objects/pack")
    }
}

impl Repository for GitRepository {
    fn head(&self) -> Result<Head, Error> {
        refs::head(&self.refs)
    }

    fn resolve(&self, name: &str) -> Result<Option<Oid>, Error> {
        refs::resolve(&self.refs, name)
    }

    fn refs(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, Error> {
        refs::list(&self.refs, prefix, count_max)
    }

    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<u8>) -> Result<(), Error> {
        self.objects.read(id, kind, buffer)
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn start_pack(&self, objects: u32) -> Result<Box<dyn PackSink + '_>, Error> {
        Ok(Box::new(PackWriter::start(&self.packs(), objects)?))
    }

    fn update_ref(&self, update: RefUpdate<'_>) -> Result<(), Error> {
        refs::update(&self.refs, update)
    }
}

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
