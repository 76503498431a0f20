//! The adapter: the port's calls, each handed to the part that serves it.

use super::config;
use super::discover::Location;
use super::follow::{self, Packs};
use super::loose;
use super::objects::Objects;
use super::refs;
use crate::git::pack::PackWriter;
use crate::git::{Commit, Error, Head, Identity, ObjectKind, PackSink, RefUpdate, Repository};
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use crate::pipeline::workers;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// An open repository.
#[derive(Debug)]
pub struct GitRepository {
    location: Location,
    identity: Identity,
    objects: Objects,
    packs: Packs,
    refs: gix_ref::file::Store,
    workers: usize,
}

impl GitRepository {
    /// Opens the repository at `location`.
    ///
    /// # Errors
    /// [`Error::ObjectFormat`] or [`Error::Extension`] when the repository is of a kind that is not
    /// supported, [`Error::Open`] when its configuration or its objects cannot be read.
    pub fn open(location: Location) -> Result<Self, Error> {
        let config = config::read(&location)?;
        config::check_format(&location, &config)?;
        let objects = Objects::open(&location.common_dir)?;
        let refs = refs::open(&location);
        let identity = config::identity(&config);
        Ok(Self { location, identity, objects, packs: Packs::default(), refs, workers: workers() })
    }

    /// The same repository, whose commits are decoded ahead by so many threads.
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Where the repository is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    fn pack_folder(&self) -> PathBuf {
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

    fn refs(&self, prefix: &str, count_max: usize) -> Result<std::vec::Vec<String>, Error> {
        refs::list(&self.refs, prefix, count_max)
    }

    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<'_, u8>) -> Result<(), Error> {
        self.objects.read(id, kind, buffer)
    }

    fn write_object(&self, alloc: Alloc<'_>, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        loose::write(&self.location.common_dir.join("objects"), alloc, kind, data)
    }

    fn follow(
        &self,
        alloc: Alloc<'_>,
        tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let packs = (&self.packs, self.workers);
        follow::follow(&self.objects, packs, alloc, tip, visit)
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn start_pack<'p>(
        &'p self,
        alloc: Alloc<'p>,
        objects: Option<u32>,
    ) -> Result<Box<dyn PackSink + 'p>, Error> {
        Ok(Box::new(PackWriter::start(alloc, &self.pack_folder(), objects)?))
    }

    fn update_ref(&self, update: RefUpdate<'_>) -> Result<(), Error> {
        refs::update(&self.refs, update)
    }
}
