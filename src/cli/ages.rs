//! How many edits ago a path had a content, from the history of HEAD, which is followed once.
//!
//! What was found is stored in `~/.gitmind/<hash of the git directory>/history/<hash of the path>`,
//! so that the next command continues from there. The file can be removed at any time. An age only
//! explains an answer, so that a history that cannot be read, or a file that cannot be used, fails
//! nothing.

use super::failure::Failure;
use super::telemetry::Session;
use crate::context::Context;
use crate::env::Environment;
use crate::fs::{FsError, SafeName, StateFile};
use crate::git::{self, ObjectKind, PathHistory, Version, object_id};
use crate::memory::{Alloc, MemoryError, Vec};
use crate::oid::Oid;
use crate::telemetry::Level;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The ages of the contents of one path.
pub(super) struct Ages<'a> {
    /// `None` when HEAD has no commit or cannot be read.
    history: Option<PathHistory<'a>>,
    file: Option<StateFile>,
    alloc: Alloc<'a>,
    /// The first failure that was not the end of the command.
    problem: Option<String>,
}

impl<'a> Ages<'a> {
    /// The ages of the contents of `path` in the repository at `git_dir`.
    pub(super) fn open(
        context: &Context<'a>,
        git_dir: &Path,
        env: &dyn Environment,
        path: &[u8],
    ) -> Result<Self, MemoryError> {
        let Context { alloc, repository, .. } = *context;
        let file = state_file(git_dir, env, path);
        let mut ages = Self { history: None, file, alloc, problem: None };
        let head = ages.unless_failed(repository.resolve("HEAD"))?.flatten();
        let Some(head) = head else { return Ok(ages) };
        let history = ages.history.insert(PathHistory::new(repository, alloc, head, path)?);
        let Some(file) = &ages.file else { return Ok(ages) };
        let mut stored = Vec::new(alloc);
        match file.read(PathHistory::STORED_BYTES_MAX, &mut stored) {
            Ok(_) => drop(history.restore(&stored)?),
            Err(FsError::Memory(error)) => return Err(error),
            Err(error) => ages.problem = Some(Failure::text_of(&error)),
        }
        Ok(ages)
    }

    /// How many edits ago the path had this content, and its name then; `None` when that is not
    /// known.
    pub(super) fn of(&mut self, content: Oid) -> Result<Option<Version<'_>>, MemoryError> {
        self.walk(|history| history.find(content).map(drop))?;
        let found = self.history.as_mut().map(|history| history.find(content));
        Ok(found.and_then(Result::ok).flatten())
    }

    /// The name that the path had before its present one, if that is known.
    pub(super) fn former_name(&mut self) -> Result<Option<&[u8]>, MemoryError> {
        self.walk(|history| history.former_name().map(drop))?;
        let found = self.history.as_mut().map(PathHistory::former_name);
        Ok(found.and_then(Result::ok).flatten())
    }

    /// Lets the walk continue as `find` does, and ends it when that fails other than for an
    /// allocation.
    fn walk(
        &mut self,
        find: impl FnOnce(&mut PathHistory<'a>) -> Result<(), git::Error>,
    ) -> Result<(), MemoryError> {
        let Some(history) = &mut self.history else { return Ok(()) };
        let outcome = find(history);
        if outcome.is_err() {
            history.stop();
        }
        self.unless_failed(outcome).map(drop)
    }

    /// Stores what was found, and logs what failed.
    pub(super) fn finish(mut self, session: &Session<'_>) -> Result<(), MemoryError> {
        self.store()?;
        if let Some(problem) = &self.problem {
            session.telemetry.log(Level::Info, "cache", "ages_failed", |event| {
                event.text("error", problem.as_bytes())
            });
        }
        Ok(())
    }

    fn store(&mut self) -> Result<(), MemoryError> {
        let (Some(history), Some(file)) = (&self.history, &self.file) else { return Ok(()) };
        let mut bytes = Vec::new(self.alloc);
        if history.store(&mut bytes)?
            && let Err(error) = file.replace(&bytes)
        {
            self.problem.get_or_insert_with(|| Failure::text_of(&error));
        }
        Ok(())
    }

    /// The value; `None` after a failure other than of an allocation, which is remembered.
    fn unless_failed<T>(
        &mut self,
        outcome: Result<T, git::Error>,
    ) -> Result<Option<T>, MemoryError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(git::Error::Memory(error)) => Err(error),
            Err(error) => {
                self.problem.get_or_insert_with(|| Failure::text_of(&error));
                Ok(None)
            }
        }
    }
}

/// The ages of the contents of a path, which are looked for when one is requested.
pub(super) struct LazyAges<'l, 'a> {
    pub(super) context: Context<'a>,
    pub(super) git_dir: &'l Path,
    pub(super) env: &'l dyn Environment,
    /// Without a path there are none.
    pub(super) path: Option<&'l [u8]>,
    pub(super) ages: Option<Ages<'a>>,
}

impl<'a> LazyAges<'_, 'a> {
    /// The ages; `None` without a path.
    pub(super) fn get(&mut self) -> Result<Option<&mut Ages<'a>>, MemoryError> {
        let Some(path) = self.path else { return Ok(None) };
        if self.ages.is_none() {
            self.ages = Some(Ages::open(&self.context, self.git_dir, self.env, path)?);
        }
        Ok(self.ages.as_mut())
    }

    /// How many edits ago the path had this content, if that is known.
    pub(super) fn edits_ago(&mut self, content: Oid) -> Result<Option<u32>, MemoryError> {
        let Some(ages) = self.get()? else { return Ok(None) };
        Ok(ages.of(content)?.map(|version| version.edits))
    }

    /// Stores what was found, and logs what failed.
    pub(super) fn finish(self, session: &Session<'_>) -> Result<(), MemoryError> {
        self.ages.map_or(Ok(()), |ages| ages.finish(session))
    }
}

/// The file for `path` in the repository at `git_dir`; `None` without a `HOME`. Any hashes will do
/// for the names: the file has the path in it, and a walk of another repository has another head.
fn state_file(git_dir: &Path, env: &dyn Environment, path: &[u8]) -> Option<StateFile> {
    let git_dir = git_dir.canonicalize().ok()?;
    let hash = |bytes| object_id(ObjectKind::Blob, bytes).ok();
    let (scope, name) = (hash(git_dir.as_os_str().as_bytes())?, hash(path)?);
    let names = [&scope.to_string(), "history", &name.to_string()].map(SafeName::new);
    let [Ok(scope), Ok(directory), Ok(name)] = names else { return None };
    StateFile::new(env, [scope, directory, name])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{FixedClock, Timestamp};
    use crate::env::FixedEnvironment;
    use crate::git::fake::FakeRepository;
    use crate::git::{Authors, CommitDraft, EntryMode, TreeDraft};
    use crate::memory::System;
    use crate::memory::testing::sweep;
    use crate::progress::Silent;

    const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 0, offset_seconds: 0 });

    /// Edits and name.
    type Age = (u32, String);

    /// A home, a git directory, and a repository whose file `a` has had the contents 0 to 3.
    struct World {
        home: tempfile::TempDir,
        repository: FakeRepository,
        head: Oid,
    }

    impl World {
        fn new() -> Self {
            let (home, repository) = (tempfile::tempdir(), FakeRepository::default());
            let home = home.expect("a temporary directory");
            let mut world = Self { home, repository, head: Oid::ZERO };
            (0..4).for_each(|content| world.commit(content));
            world
        }

        fn blob(&self, content: u8) -> Oid {
            self.repository.insert(ObjectKind::Blob, &[content])
        }

        fn commit(&mut self, content: u8) {
            let system = System::new();
            let mut tree = TreeDraft::new(Alloc::new(&system));
            tree.try_push(EntryMode::File, b"a", self.blob(content)).expect("there is memory");
            let tree = self.repository.insert(ObjectKind::Tree, tree.as_bytes());
            let parent = [self.head];
            let parents = if self.head.is_zero() { &[] } else { &parent[..] };
            let (authors, time) = (&Authors::default(), CLOCK.0);
            let draft = CommitDraft { tree, parents, authors, time, message: b"" };
            let mut bytes = Vec::new(Alloc::new(&system));
            draft.encode(&mut bytes).expect("there is memory");
            self.head = self.repository.insert(ObjectKind::Commit, &bytes);
            self.repository.set_ref("HEAD", self.head);
        }

        /// Edits and name of a content, and the problem, as a command finds them.
        fn look_up(
            &self,
            alloc: Alloc<'_>,
            home: &Path,
            content: u8,
        ) -> Result<(Option<Age>, Option<String>), MemoryError> {
            let (repository, content) = (&self.repository, self.blob(content));
            let context = Context { alloc, repository, clock: &CLOCK, progress: &Silent };
            let home = home.to_str().expect("UTF-8");
            let env = FixedEnvironment::from([("HOME", home)]);
            let mut ages = Ages::open(&context, self.home.path(), &env, b"a")?;
            let age = ages
                .of(content)?
                .map(|version| (version.edits, String::from_utf8_lossy(version.path).into_owned()));
            ages.store()?;
            Ok((age, ages.problem))
        }

        fn age(&self, content: u8) -> (Option<u32>, Option<String>) {
            let system = System::new();
            let found = self.look_up(Alloc::new(&system), self.home.path(), content);
            let (age, problem) = found.expect("there is memory");
            (age.map(|(edits, _)| edits), problem)
        }

        /// The file, if there is one.
        fn file(&self) -> Option<std::path::PathBuf> {
            let home = self.home.path().to_str().expect("UTF-8");
            let file =
                state_file(self.home.path(), &FixedEnvironment::from([("HOME", home)]), b"a");
            file.map(|file| file.path()).filter(|path| path.exists())
        }
    }

    #[test]
    fn a_history_is_followed_once_and_then_from_a_newer_head() {
        let mut world = World::new();
        assert_eq!(world.age(0), (Some(3), None));
        let first = std::fs::read(world.file().expect("it was stored")).expect("readable");
        // HEAD is resolved by the first call, and there is no second one.
        world.repository.fail_call(1);
        assert_eq!(world.age(2), (Some(1), None));
        assert!(!world.repository.has_failed(), "nothing is read");
        world.commit(4);
        world.repository.fail_call(u64::MAX);
        assert_eq!(world.age(0), (Some(4), None));
        assert_eq!(world.age(9), (None, None));
        let second = std::fs::read(world.file().expect("it was stored")).expect("readable");
        assert_ne!(first, second);
    }

    #[test]
    fn a_damaged_file_is_replaced() {
        let world = World::new();
        assert_eq!(world.age(0), (Some(3), None));
        let path = world.file().expect("it was stored");
        let whole = std::fs::read(&path).expect("readable");
        let changed: std::vec::Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
        for bytes in [&[][..], b"foreign", &whole[1..], &changed, &[0; 2 << 20]] {
            std::fs::write(&path, bytes).expect("writable");
            assert_eq!(world.age(0), (Some(3), None));
            let length = std::fs::read(&path).expect("readable").len();
            assert_eq!(length, whole.len(), "it is stored again");
        }
    }

    #[test]
    fn a_home_or_a_history_that_cannot_be_used_fails_nothing() {
        let (world, system) = (World::new(), System::new());
        let missing = world.home.path().join("missing");
        let found = world.look_up(Alloc::new(&system), &missing, 0).expect("there is memory");
        assert_eq!(found.0, Some((3, "a".into())));
        assert!(found.1.is_some_and(|problem| problem.contains("missing")), "it is remembered");
        assert!(!missing.exists(), "no home is made");
        std::fs::write(world.home.path().join(".gitmind"), "a file").expect("writable");
        assert_eq!(world.age(0).0, Some(3));
        std::fs::remove_file(world.home.path().join(".gitmind")).expect("it exists");
        for call in 0..8 {
            world.repository.fail_call(call);
            let (age, problem) = world.age(0);
            assert_eq!(age, None, "call {call}");
            assert!(problem.is_some_and(|problem| problem.contains("memory")), "call {call}");
            if let Some(path) = world.file() {
                std::fs::remove_file(path).expect("it exists");
            }
        }
        world.repository.remove_ref("HEAD");
        world.repository.fail_call(u64::MAX);
        assert_eq!(world.age(0), (None, None), "HEAD has no commit");
    }

    #[test]
    fn each_allocation_failure_is_reported() {
        let world = World::new();
        sweep(|alloc| {
            if let Some(path) = world.file() {
                std::fs::remove_file(path).expect("it exists");
            }
            world.look_up(alloc, world.home.path(), 0)
        })
        .assert_propagated();
        assert_eq!(world.age(9), (None, None));
        sweep(|alloc| world.look_up(alloc, world.home.path(), 0)).assert_propagated();
    }
}
