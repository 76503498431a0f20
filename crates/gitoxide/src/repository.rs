//! The adapter type: it forwards each call of the port to the module that implements it.

use super::alternates;
use super::config;
use super::follow::{Bases, Follower};
use super::identity::authors;
use super::objects::Objects;
use super::refs::{self, RefLog};
use super::remotes::Remotes;
use super::shared_mode::SharedMode;
use super::transaction::GitTransaction;
use super::worktree::{Below, Location};
use gitmind_git::oid::Oid;
use gitmind_git::{
    Authors, BoxedTransaction, Commit, Error, Follow, Head, Identity, IdentityError, ObjectKind,
    Read, Repository,
};
use gitmind_memory::{Alloc, Vec};
use gitmind_ports::pipeline::workers;
use gitmind_system::env::{Environment, ProcessEnvironment};
use gix_config::File;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// An open repository.
#[derive(Debug)]
pub struct GitRepository {
    pub(super) location: Location,
    pub(super) config: File,
    /// The author and the committer, or why git would refuse to commit.
    authors: Result<Authors, IdentityError>,
    /// The committer of entries of logs, which git writes in any case.
    log_committer: Identity,
    is_log_made: bool,
    /// Whether git has started this program to check a push, and allows no change of a ref.
    pub(super) is_quarantined: bool,
    pub(super) objects: Objects,
    pub(super) refs: gix_ref::file::Store,
    pub(super) shared_mode: SharedMode,
    /// `None` until a walk needs the number of cores, which the system has in files.
    workers: Option<usize>,
}

impl GitRepository {
    /// Opens the repository that git would use in the directory `start` with the variables `env`.
    /// `warn` is called with each problem that does not keep it from being used, such as a damaged
    /// copy of an object beside a sound one.
    ///
    /// # Errors
    /// [`Error::NotARepository`] when there is none, [`Error::Io`] when there is no such directory
    /// or a variable has a value that git does not accept, and as for [`Self::open`].
    pub fn find(start: &Path, env: &dyn Environment, warn: fn(&str)) -> Result<Self, Error> {
        let (location, local) = Location::find(start, env)?;
        let start = location.current.clone();
        Self::with(location, local, &Below { env, start: &start }, warn)
    }

    /// Opens the repository at `location`, with the variables of this process.
    ///
    /// # Errors
    /// [`Error::Extension`] when the repository needs a feature that is
    /// not supported, [`Error::Open`] when its configuration or objects cannot be read or
    /// `core.sharedRepository` has an unknown value.
    pub fn open(location: Location) -> Result<Self, Error> {
        let local = config::read_local(&location)?;
        Self::with(location, local, &ProcessEnvironment, |_| ())
    }

    fn with(
        location: Location,
        local: File,
        env: &dyn Environment,
        warn: fn(&str),
    ) -> Result<Self, Error> {
        config::check_format(&location, &local)?;
        let refs = refs::open(&location);
        let branch = || match refs::head(&refs) {
            Ok(Head::Branch(name)) => name.as_str().try_into().ok(),
            _ => None,
        };
        let config = config::read(&location, local, &branch, env)?;
        let (objects, start) = (&location.objects_dir, &location.current);
        let directories = alternates::resolve(objects, start, env, &warn)?;
        let mut objects = Objects::open(&location, directories)?;
        objects.replacements = replacements(&refs, &config, env)?;
        objects.is_partial = is_partial(&config);
        objects.warn = warn;
        let authors = authors(&config, env);
        let log_committer = authors.clone().map(|authors| authors.committer).unwrap_or_default();
        let log = config.string("core.logAllRefUpdates");
        let is_log_made = log.is_some_and(|value| value.eq_ignore_ascii_case(b"always"));
        // git dies of values that are no booleans.
        config::boolean(&config, "user.useConfigOnly")?;
        if !is_log_made {
            config::boolean(&config, "core.logAllRefUpdates")?;
        }
        let is_quarantined = env.var("GIT_QUARANTINE_PATH").is_some();
        let shared_mode = shared_mode(&location, &config)?;
        Ok(Self {
            location,
            config,
            authors,
            log_committer,
            is_log_made,
            is_quarantined,
            objects,
            refs,
            shared_mode,
            workers: None,
        })
    }

    /// How updates of refs are logged, with memory from `alloc`.
    pub(super) fn ref_log<'l>(&'l self, alloc: Alloc<'l>) -> RefLog<'l> {
        let Self { is_log_made, ref log_committer, shared_mode, .. } = *self;
        RefLog { is_made: is_log_made, committer: log_committer, shared_mode, alloc }
    }

    /// The same repository, with `workers` threads that decode commits ahead of a walk.
    pub fn with_workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    fn follower<'w>(&'w self, alloc: Alloc<'w>) -> Follower<'w, 'w> {
        Follower::new(&self.objects, self.workers.unwrap_or_else(workers), alloc)
    }

    /// Whether there is an object `id`. Its content is not read, so it may be damaged. Packs that
    /// are added after objects were first read are not looked at.
    pub fn contains(&self, id: Oid) -> bool {
        self.objects.contains(id)
    }

    /// The ids that start with these hexadecimal digits, sorted, at most `count_max` of them; none
    /// for fewer than four digits, as in git, or for other text.
    pub fn ids_with_prefix(&self, digits: &str, count_max: usize) -> std::vec::Vec<Oid> {
        let is_hex = digits.len() <= Oid::HEX_LEN && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let prefix = if is_hex { gix_hash::Prefix::from_hex(digits).ok() } else { None };
        prefix.map_or_else(Default::default, |prefix| self.objects.with_prefix(prefix, count_max))
    }

    /// The remotes that are configured.
    pub fn remotes(&self) -> Remotes<'_> {
        Remotes(&self.config)
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

/// The objects that replace others, unless git is told to ignore them (`git help replace`).
fn replacements(
    refs: &gix_ref::file::Store,
    config: &File,
    env: &dyn Environment,
) -> Result<BTreeMap<Oid, Oid>, Error> {
    let is_off = config::boolean(config, "core.useReplaceRefs")? == Some(false);
    if is_off || env.var("GIT_NO_REPLACE_OBJECTS").is_some() {
        return Ok(BTreeMap::new());
    }
    let prefix = env.var("GIT_REPLACE_REF_BASE").and_then(|base| base.into_string().ok());
    let prefix = prefix.unwrap_or_else(|| "refs/replace".into());
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let names = refs::list(refs, &prefix, usize::MAX)?;
    let pairs = names.iter().filter_map(|name| {
        let replaced = Oid::from_hex(&name.as_bytes()[prefix.len()..])?;
        Some(refs::resolve(refs, name).map(|id| id.map(|id| (replaced, id))))
    });
    pairs.filter_map(Result::transpose).collect()
}

/// Whether the repository was cloned without some objects, which another one has promised.
fn is_partial(config: &File) -> bool {
    let mut remotes = config.sections_by_name("remote").into_iter().flatten();
    config.string("extensions.partialClone").is_some()
        || remotes.any(|remote| {
            let is_promisor = remote.value("promisor").map(gix_config::Boolean::try_from);
            matches!(is_promisor, Some(Ok(gix_config::Boolean(true))))
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

    fn remove_refs(&self, names: &[String]) -> Result<(), Error> {
        refs::remove(&self.refs, self.shared_mode, names)
    }

    fn read(&self, id: Oid, kind: ObjectKind, buffer: &mut Vec<'_, u8>) -> Result<(), Error> {
        self.objects.read(id, kind, buffer)
    }

    fn verifies(&self, id: Oid) -> bool {
        !self.objects.is_replaced(id)
    }

    fn read_many(&self, alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Read<'_>)) {
        let mut bases = Bases::new(alloc);
        walk(&mut |id, kind, buffer| self.objects.read_from(id, kind, Some(&mut bases), buffer));
    }

    fn follow(
        &self,
        alloc: Alloc<'_>,
        tip: Oid,
        visit: &mut dyn FnMut(&Commit<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.follower(alloc).follow(tip, visit)
    }

    fn follow_many(&self, alloc: Alloc<'_>, walk: &mut dyn FnMut(&mut Follow<'_>)) {
        let mut follower = self.follower(alloc);
        walk(&mut |tip, visit| follower.follow(tip, visit));
    }

    fn authors(&self) -> Result<Authors, Error> {
        Ok(self.authors.clone()?)
    }

    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        Ok(Box::new(GitTransaction::new(self, alloc, objects)))
    }
}
