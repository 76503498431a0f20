//! Read-only directories, and refs that another process has locked.

use crate::support::{OPERATIONS, Operation, Place, REFUSED, not_run};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An unprivileged user, who owns the repository of the test.
struct UnprivilegedUser {
    user: Option<u32>,
    program: PathBuf,
}

/// The faults of the injection matrix that need an unprivileged user.
const REPOSITORY: &str = "the repository may not be written to";
const REFS: &str = "refs may not be written to";
const STATE: &str = "the state directory is another user's";
const NOBODY: u32 = 65_534;

impl UnprivilegedUser {
    /// The user of the tests. For root, another user, who becomes the owner of the place; where
    /// that is impossible, `None`, and `fault` is reported as not run.
    fn of(place: &Place, fault: &str) -> Option<Self> {
        let own = std::fs::metadata("/proc/self").expect("Linux has it").uid();
        let built = gitmind_test_support::program();
        if own != 0 {
            return Some(Self { user: None, program: built.into() });
        }
        // Other users may have no access to the directory of the built program.
        let program = place.around().join("git-mind");
        std::fs::copy(&built, &program).expect("there is room");
        for path in [program.as_path(), place.around()] {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        }
        let user = Self { user: Some(NOBODY), program };
        let start = || user.command(place).arg("--version").output();
        match give(place.around(), NOBODY).and_then(|()| start()) {
            Ok(ran) if ran.status.success() => Some(user),
            ran => {
                not_run(fault, &format!("root cannot become another user here: {ran:?}"));
                None
            }
        }
    }

    fn command(&self, place: &Place) -> Command {
        let mut command = place.isolated(&self.program);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }
}

fn give(path: &Path, user: u32) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user), Some(user))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// Makes directories read-only until it is dropped.
struct ReadOnly(Vec<PathBuf>);

impl ReadOnly {
    fn below(directory: &Path) -> Self {
        let mut directories = vec![directory.to_owned()];
        let mut next = 0;
        while let Some(directory) = directories.get(next).cloned() {
            let entries = std::fs::read_dir(directory).expect("readable");
            let paths = entries.map(|entry| entry.expect("readable").path());
            directories.extend(paths.filter(|path| path.is_dir()));
            next += 1;
        }
        directories.iter().for_each(|directory| mode(directory, 0o555));
        Self(directories)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        self.0.iter().for_each(|directory| mode(directory, 0o755));
    }
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
}

fn writers() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| !operation.only_reads())
}

#[test]
fn a_repository_that_may_not_be_written_to_is_named_and_stays_as_it_is() {
    let mut place = Place::new();
    let Some(user) = UnprivilegedUser::of(&place, REPOSITORY) else { return };
    place.remember();
    for (part, refused_count) in [("", 5), ("objects", 5), ("objects/pack", 3)] {
        let read_only = ReadOnly::below(&place.git_dir().join(part));
        let mut refused = 0;
        for operation in writers() {
            // A single edge is a loose object, which is not below `objects/pack`.
            if part == "objects/pack" && ["link", "import"].contains(&operation.name) {
                continue;
            }
            let ran = place.run(operation, user.command(&place));
            let text = place.assert_refused(operation, &ran, &format!("read-only .git/{part}"));
            assert!(text.contains("Permission denied"), "{text}");
            assert!(text.contains(".git/objects"), "it says what: {text}");
            operation.record(REPOSITORY, REFUSED);
            refused += 1;
        }
        assert_eq!(refused, refused_count, "with a read-only .git/{part}");
        drop(read_only);
    }
    let read_only = ReadOnly::below(&place.git_dir());
    for operation in OPERATIONS.iter().filter(|operation| operation.only_reads()) {
        let ran = place.run(operation, user.command(&place));
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{} only reads: {stderr}", operation.name);
        operation.record(REPOSITORY, "done");
    }
    drop(read_only);
}

#[test]
fn refs_that_may_not_be_written_are_named_and_stay_as_they_are() {
    let mut place = Place::new();
    let Some(user) = UnprivilegedUser::of(&place, REFS) else { return };
    place.remember();
    let read_only = ReadOnly::below(&place.git_dir().join("refs"));
    for operation in writers() {
        let ran = place.run(operation, user.command(&place));
        let text = place.assert_refused(operation, &ran, "read-only refs");
        assert!(text.contains("cannot write ref refs/gitmind/"), "{text}");
        assert!(text.contains("Permission denied"), "{text}");
        operation.record(REFS, REFUSED);
    }
    drop(read_only);
}

#[test]
fn a_stale_lock_of_git_is_named_and_stays() {
    let mut place = Place::new();
    let refs = place.git_dir().join("refs/gitmind");
    let locks = ["edges/main.lock", "cache/main.lock", "cache/grown.lock"];
    locks.iter().for_each(|lock| std::fs::write(refs.join(lock), "").expect("writable"));
    place.remember();
    // Run concurrently, since each waits for the lock until its time-out.
    let refused = |operation: &Operation| {
        let ran = place.run(operation, place.isolated(gitmind_test_support::program()));
        assert_eq!(ran.status.code(), Some(1), "{}", operation.name);
        let text = String::from_utf8_lossy(&ran.stderr);
        assert!(text.contains("is locked") && text.contains(".lock"), "{text}");
        assert!(text.contains("hint: if no git process is running, delete"), "{text}");
        operation.record("another process has locked the ref", "an error that names the lock");
    };
    std::thread::scope(|scope| {
        writers().for_each(|operation| drop(scope.spawn(|| refused(operation))));
    });
    locks.iter().for_each(|lock| std::fs::remove_file(refs.join(lock)).expect("it stayed"));
    place.remember();
    place.assert_works_again();
}

#[test]
fn a_state_directory_of_another_user_is_refused_and_not_written_to() {
    let place = Place::new();
    let Some(user) = UnprivilegedUser::of(&place, STATE) else { return };
    if user.user.is_none() {
        return not_run(STATE, "only root can make one");
    }
    let state = place.home().join(".gitmind");
    if !state.exists() {
        std::fs::create_dir(&state).expect("writable");
    }
    chown(&state, Some(0), Some(0)).expect("root may");
    mode(&state, 0o777);
    let before: Vec<_> = std::fs::read_dir(&state).expect("readable").collect();
    let spilling = OPERATIONS.iter().find(|it| it.name == "spilling").expect("it is listed");
    let ran = place.run(spilling, user.command(&place));
    let text = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{text}");
    assert!(text.contains("belongs to user 0, and this is user 65534"), "{text}");
    assert_eq!(std::fs::read_dir(&state).expect("readable").count(), before.len());
    spilling.record(STATE, REFUSED);
}
