//! The adapter type: it forwards each call of the port to the module that implements it.

use super::config;
use super::discover::Location;
use super::follow::{Follower, Packs};
use super::objects::Objects;
use super::refs;
use super::shared_mode::SharedMode;
use super::transaction::GitTransaction;
use gitmind_git::oid::Oid;
use gitmind_git::{
    BoxedTransaction, Commit, Error, Follow, Head, Identity, ObjectKind, Repository,
};
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::pipeline::workers;
use std::ops::ControlFlow;

/// An open repository.
#[derive(Debug)]
pub struct GitRepository {
    pub(super) location: Location,
    identity: Identity,
    objects: Objects,
    packs: Packs,
    pub(super) refs: gix_ref::file::Store,
    pub(super) shared_mode: SharedMode,
    workers: usize,
}

impl GitRepository {
    /// Opens the repository at `location`.
    ///
    /// # Errors
    /// [`Error::ObjectFormat`] or [`Error::Extension`] when the repository needs a feature that is
    /// not supported, [`Error::Open`] when its configuration or objects cannot be read or
    /// `core.sharedRepository` has an unknown value.
    pub fn open(location: Location) -> Result<Self, Error> {
        let config = config::read(&location)?;
        config::check_format(&location, &config)?;
        let objects = Objects::open(&location.common_dir)?;
        let refs = refs::open(&location);
        let identity = config::identity(&config);
        let shared_mode = shared_mode(&location, &config)?;
        let (packs, workers) = (Packs::default(), workers());
        Ok(Self { location, identity, objects, packs, refs, shared_mode, workers })
    }

    /// The same repository, with `workers` threads that decode commits ahead of a walk.
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// The directories of the repository.
    pub fn location(&self) -> &Location {
        &self.location
    }
}

/// The value of `core.sharedRepository`.
fn shared_mode(location: &Location, config: &gix_config::File) -> Result<SharedMode, Error> {
    let Some(value) = config.string_implicit("core.sharedRepository") else {
        return Ok(SharedMode::Umask);
    };
    let value = value.map(|value| value.to_string());
    SharedMode::parse(value.as_deref()).ok_or_else(|| {
        let value = value.unwrap_or_default();
        let reason = format!("`{value}` is not a value of core.sharedRepository");
        Error::Open { path: location.common_dir.clone(), reason }
    })
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

    fn follow(
        &self,
        alloc: Alloc<'_>,
        tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let packs = (&self.packs, self.workers);
        Follower::new(&self.objects, packs, alloc).follow(tip, visit)
    }

    fn follow_many(&self, alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Follow<'_>)) {
        let packs = (&self.packs, self.workers);
        let mut follower = Follower::new(&self.objects, packs, alloc);
        walk(&mut |tip, visit| follower.follow(tip, visit));
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        Ok(Box::new(GitTransaction::new(self, alloc, objects)))
    }
}
