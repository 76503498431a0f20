//! The adapter: the port's calls, each handed to the part that serves it.

use super::collection;
use super::config;
use super::discover::Location;
use super::follow::{Follower, Packs};
use super::loose;
use super::objects::Objects;
use super::pack::{Keep, PackWriter};
use super::refs;
use super::sharing::Sharing;
use gitmind_git::oid::Oid;
use gitmind_git::{
    Commit, Error, Follow, Head, Identity, ObjectKind, PackSink, PackSummary, RefUpdate, Repository,
};
use gitmind_memory::{Alloc, Vec};
use gitmind_system::pipeline::workers;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// How often a pack is written again whose files somebody removes before they are named.
const CONFIRMATIONS_MAX: u32 = 16;

/// An open repository.
#[derive(Debug)]
pub struct GitRepository {
    location: Location,
    identity: Identity,
    objects: Objects,
    packs: Packs,
    refs: gix_ref::file::Store,
    sharing: Sharing,
    workers: usize,
    /// The packs that no ref reaches yet.
    kept: RefCell<std::vec::Vec<Keep>>,
    /// Objects that are in packs, which are kept until a ref reaches them.
    packed: RefCell<std::vec::Vec<Oid>>,
}

impl GitRepository {
    /// Opens the repository at `location`.
    ///
    /// # Errors
    /// [`Error::ObjectFormat`] or [`Error::Extension`] when the repository is of a kind that is not
    /// supported, [`Error::Open`] when its configuration or its objects cannot be read, or it is
    /// shared in a way that git does not know.
    pub fn open(location: Location) -> Result<Self, Error> {
        let config = config::read(&location)?;
        config::check_format(&location, &config)?;
        let objects = Objects::open(&location.common_dir)?;
        let refs = refs::open(&location);
        let identity = config::identity(&config);
        let sharing = sharing(&location, &config)?;
        let (packs, workers) = (Packs::default(), workers());
        let (kept, packed) = (RefCell::default(), RefCell::default());
        Ok(Self { location, identity, objects, packs, refs, sharing, workers, kept, packed })
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

/// Who else may use what is made in the repository.
fn sharing(location: &Location, config: &gix_config::File) -> Result<Sharing, Error> {
    let Some(value) = config.string_implicit("core.sharedRepository") else {
        return Ok(Sharing::Umask);
    };
    let value = value.map(|value| value.to_string());
    Sharing::parse(value.as_deref()).ok_or_else(|| {
        let value = value.unwrap_or_default();
        let reason = format!("`{value}` is no value of core.sharedRepository");
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

    fn write_object(&self, alloc: Alloc<'_>, kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
        if self.kept.borrow().is_empty() {
            self.packed.take();
        }
        if collection::is_running(&self.location.common_dir) {
            let mut pack = self.start_pack(alloc, Some(1))?;
            let id = pack.add(kind, data)?;
            pack.finish()?;
            self.packed.borrow_mut().push(id);
            return Ok(id);
        }
        let objects = self.location.common_dir.join("objects");
        loose::write(&objects, self.sharing, alloc, kind, data)
    }

    fn confirm_object(
        &self,
        alloc: Alloc<'_>,
        id: Oid,
        kind: ObjectKind,
        data: &[u8],
    ) -> Result<(), Error> {
        if self.packed.borrow().contains(&id) {
            return Ok(());
        }
        // In this order: a collection that is over by now has removed what it was going to.
        for _ in 0..CONFIRMATIONS_MAX {
            if !collection::is_running(&self.location.common_dir) {
                break;
            }
            let mut pack = self.start_pack(alloc, Some(1))?;
            pack.add_named(kind, id, data)?;
            match pack.finish() {
                Err(Error::Removed(_)) => {}
                finished => {
                    finished?;
                    self.packed.borrow_mut().push(id);
                    return Ok(());
                }
            }
        }
        let objects = self.location.common_dir.join("objects");
        if loose::is_there(&objects, id) {
            return Ok(());
        }
        loose::write(&objects, self.sharing, alloc, kind, data).map(drop)
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

    fn start_pack<'p>(
        &'p self,
        alloc: Alloc<'p>,
        objects: Option<u32>,
    ) -> Result<Box<dyn PackSink + 'p>, Error> {
        let writer = PackWriter::start(alloc, &self.pack_folder(), objects, self.sharing)?;
        Ok(Box::new(KeptPack { writer, kept: &self.kept }))
    }

    fn update_ref(&self, update: RefUpdate<'_>) -> Result<(), Error> {
        self.update_ref_when(update, &mut || Ok(()))
    }

    fn update_ref_when(
        &self,
        update: RefUpdate<'_>,
        confirm: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let updated = refs::update(&self.refs, self.sharing, update, confirm);
        if matches!(updated, Ok(()) | Err(Error::RefUnsure { .. })) {
            // The ref reaches what is of use.
            self.kept.take();
        }
        updated
    }
}

/// A pack that is kept when it is finished.
struct KeptPack<'p> {
    writer: PackWriter<'p>,
    kept: &'p RefCell<std::vec::Vec<Keep>>,
}

impl PackSink for KeptPack<'_> {
    fn add_named(&mut self, kind: ObjectKind, id: Oid, data: &[u8]) -> Result<(), Error> {
        self.writer.add(kind, id, data)
    }

    fn finish(self: Box<Self>) -> Result<PackSummary, Error> {
        let (summary, keep) = self.writer.finish()?;
        self.kept.borrow_mut().push(keep);
        Ok(summary)
    }
}
