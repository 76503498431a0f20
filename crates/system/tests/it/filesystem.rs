//! The file-system port: one contract for both adapters, and tests that need the real one.

use gitmind_memory::testing::{Sweep, assert_no_leaks};
use gitmind_memory::{Alloc, System};
use gitmind_system::fs::{
    Canonical, FakeFileSystem, FileSystem, FsError, FsErrorKind, PosixFileSystem, SafeName, TempDir,
};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn temp_directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn name(text: &str) -> SafeName {
    SafeName::new(text).expect("a safe name")
}

fn create<'a>(fs: &'a dyn FileSystem, alloc: Alloc<'a>) -> Result<TempDir<'a>, FsError> {
    TempDir::create(fs, &name("scope"), &name("label"), alloc)
}

/// The paths below `directory`, sorted.
fn tree(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let entry = entry.expect("readable");
        if entry.file_type().expect("known").is_dir() {
            found.extend(tree(&entry.path()));
        }
        found.push(entry.path());
    }
    found.sort();
    found
}

/// `real/file`, `link -> real`, `dangling -> nowhere` and `loop -> loop` below `root`.
struct World<'f> {
    fs: &'f dyn FileSystem,
    root: PathBuf,
}

impl World<'_> {
    fn canonical(&self, path: &str, mode: Canonical) -> Result<PathBuf, FsErrorKind> {
        let path = self.root.join(path);
        assert_no_leaks(|alloc| {
            let found = self.fs.canonicalize(&path, mode, alloc);
            found.map(|found| found.to_path_buf()).map_err(|error| error.kind())
        })
    }

    fn keeps_the_contract(&self) {
        use Canonical::{Logical, PhysicalCreateOk, PhysicalExisting};
        let at = |path: &str| Ok(self.root.join(path));
        for (path, mode, expected) in [
            ("link/../x", Logical, at("x")),
            ("link/file", PhysicalExisting, at("real/file")),
            ("link/./../real//file", PhysicalExisting, at("real/file")),
            ("missing", PhysicalExisting, Err(FsErrorKind::NotFound)),
            ("dangling", PhysicalExisting, Err(FsErrorKind::NotFound)),
            ("real/file/x", PhysicalExisting, Err(FsErrorKind::NotFound)),
            ("loop", PhysicalExisting, Err(FsErrorKind::Io)),
            ("link/new", PhysicalCreateOk, at("real/new")),
            ("dangling", PhysicalCreateOk, at("dangling")),
            ("missing/new", PhysicalCreateOk, Err(FsErrorKind::NotFound)),
            ("link/..", PhysicalCreateOk, Err(FsErrorKind::InvalidPath)),
        ] {
            assert_eq!(self.canonical(path, mode), expected, "{path} {mode:?}");
        }
        let long = "x".repeat(5000);
        assert_eq!(self.canonical(&long, PhysicalExisting), Err(FsErrorKind::PathTooLong));
        let system = System::new();
        let relative =
            self.fs.canonicalize("a".as_ref(), PhysicalCreateOk, Alloc::new(&system)).map(drop);
        assert!(matches!(relative, Err(FsError::InvalidPath { .. })));

        for path in ["/", ".", "..", "a/.."] {
            let kind = self.fs.remove_tree(path.as_ref()).map_err(|error| error.kind());
            assert_eq!(kind, Err(FsErrorKind::InvalidPath), "{path}");
        }
        self.fs.remove_tree(&self.root.join("link")).expect("it can be removed");
        let [file, link] = ["real/file", "link"].map(|path| self.canonical(path, PhysicalExisting));
        assert_eq!(file, at("real/file"), "the link was removed and its target was not");
        assert_eq!(link, Err(FsErrorKind::NotFound));
        self.fs.remove_tree(&self.root.join("real")).expect("it can be removed");
        assert_eq!(self.canonical("real", PhysicalExisting), Err(FsErrorKind::NotFound));
        self.fs.remove_tree(&self.root.join("real")).expect("it is removed already");
        self.temp_directories_are_distinct_and_end_with_their_owner();
    }

    fn temp_directories_are_distinct_and_end_with_their_owner(&self) {
        let system = System::new();
        let exists = |path: &Path| {
            self.fs.canonicalize(path, Canonical::PhysicalExisting, Alloc::new(&system)).is_ok()
        };
        let [first, second] =
            [(); 2].map(|()| create(self.fs, Alloc::new(&system)).expect("there is room"));
        let paths = [first.path().to_owned(), second.path().to_owned()];
        assert_ne!(paths[0], paths[1]);
        assert!(paths.iter().all(|path| exists(path)), "{paths:?}");
        first.close().expect("it can be removed");
        assert!(!exists(&paths[0]) && exists(&paths[1]), "{paths:?}");
        drop(second);
        assert!(!exists(&paths[1]), "{paths:?}");
        let long = "l".repeat(64);
        let failed = TempDir::create(self.fs, &name("scope"), &name(&long), Alloc::new(&system));
        assert!(failed.is_err(), "there is no room for the random part");
    }
}

#[test]
fn the_real_file_system_keeps_the_contract() {
    let directory = temp_directory();
    let root = directory.path().canonicalize().expect("it exists");
    std::fs::create_dir(root.join("real")).expect("writable");
    std::fs::write(root.join("real/file"), "x").expect("writable");
    for (link, target) in [("link", "real"), ("dangling", "nowhere"), ("loop", "loop")] {
        symlink(target, root.join(link)).expect("writable");
    }
    let fs = PosixFileSystem::with_state(vec![root.join("state")]);
    World { fs: &fs, root }.keeps_the_contract();
}

#[test]
fn the_fake_keeps_the_contract() {
    let (fs, root) = (FakeFileSystem::new(), PathBuf::from("/r"));
    fs.add_directory("/r");
    fs.add_directory("/r/real");
    fs.add_file("/r/real/file");
    for (link, target) in [("link", "real"), ("dangling", "nowhere"), ("loop", "loop")] {
        fs.add_link(root.join(link), target);
    }
    World { fs: &fs, root }.keeps_the_contract();
}

#[test]
fn a_fault_of_the_fake_is_seen_once() {
    let (fs, system) = (FakeFileSystem::new(), System::new());
    fs.fail_next(std::io::ErrorKind::ReadOnlyFilesystem);
    let failed = create(&fs, Alloc::new(&system)).map(drop).map_err(|error| error.kind());
    assert_eq!(failed, Err(FsErrorKind::ReadOnly));
    create(&fs, Alloc::new(&system)).map(drop).expect("the fault is used up");
}

#[test]
fn removal_follows_no_symbolic_link_out_of_the_directory() {
    let (outside, state, system) = (temp_directory(), temp_directory(), System::new());
    std::fs::create_dir(outside.path().join("kept")).expect("writable");
    std::fs::write(outside.path().join("kept/file"), "x").expect("writable");
    let fs = PosixFileSystem::with_state(vec![state.path().join("s")]);
    let directory = create(&fs, Alloc::new(&system)).expect("there is room");
    let deep = directory.path().join("a/b/c");
    std::fs::create_dir_all(&deep).expect("writable");
    symlink(outside.path(), deep.join("directory")).expect("writable");
    symlink(outside.path().join("kept/file"), directory.path().join("file")).expect("writable");
    std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o500))
        .expect("this user owns it");
    directory.close().expect("it can be removed");
    let left = tree(&state.path().join("s"));
    assert_eq!(left, [state.path().join("s/scope")], "neither directory nor lock");
    assert_eq!(tree(outside.path()).len(), 2, "the targets of the links are unchanged");
}

#[test]
fn too_many_nested_directories_are_an_error() {
    let state = temp_directory();
    let mut deep = state.path().join("top");
    deep.extend(std::iter::repeat_n("d", 140));
    std::fs::create_dir_all(&deep).expect("writable");
    let failed = PosixFileSystem::default().remove_tree(&state.path().join("top"));
    assert!(matches!(failed, Err(FsError::TooDeep { limit: 128, .. })), "{failed:?}");
}

#[test]
fn only_their_user_can_access_temp_directories_and_locks() {
    let (state, system) = (temp_directory(), System::new());
    let fs = PosixFileSystem::with_state(vec![state.path().join("s")]);
    let directory = create(&fs, Alloc::new(&system)).expect("there is room");
    for path in tree(state.path()) {
        let mode = std::fs::metadata(&path).expect("it exists").mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    drop(directory);
}

#[test]
fn a_state_directory_that_other_users_can_write_to_is_refused() {
    let (state, system) = (temp_directory(), System::new());
    let path = state.path().join("s");
    std::fs::create_dir(&path).expect("writable");
    let fs = PosixFileSystem::with_state(vec![path.clone()]);
    for (mode, expected) in [(0o777, "every user (mode 0777)"), (0o770, "its group (mode 0770)")] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .expect("this user owns it");
        let error = create(&fs, Alloc::new(&system)).map(drop).expect_err("it is not safe");
        assert_eq!(error.kind(), FsErrorKind::Unsafe);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.starts_with("chmod go-w ")), "{error:?}");
    }
    std::fs::remove_dir(&path).expect("it is empty");
    symlink(temp_directory().path(), &path).expect("writable");
    let error = create(&fs, Alloc::new(&system)).map(drop).expect_err("it is a link");
    assert!(error.to_string().contains("is a link or a file"), "{error}");
}

#[test]
fn the_next_state_directory_is_used_when_one_cannot_be_made() {
    let (state, system) = (temp_directory(), System::new());
    std::fs::write(state.path().join("file"), "x").expect("writable");
    let [bad, good] = ["file/s", "s"].map(|path| state.path().join(path));
    let fs = PosixFileSystem::with_state(vec![bad.clone(), good.clone()]);
    let directory = create(&fs, Alloc::new(&system)).expect("the second can be made");
    assert!(directory.path().starts_with(&good), "{directory:?}");
    let fs = PosixFileSystem::with_state(vec![bad]);
    let error = create(&fs, Alloc::new(&system)).map(drop).expect_err("none is left");
    assert!(matches!(error, FsError::NoState(_)) && error.hint().is_some(), "{error:?}");
}

#[test]
fn each_allocation_failure_is_reported_and_leaves_no_directory() {
    let state = temp_directory();
    let fs = PosixFileSystem::with_state(vec![state.path().join("s")]);
    let scope = state.path().join("s/scope");
    let report = Sweep::new()
        .is_memory_error(|error: &FsError| matches!(error, FsError::Memory(_)))
        .invariant(|| match tree(&scope)[..] {
            [] => Ok(()),
            ref left => Err(format!("{left:?} is left")),
        })
        .run(|alloc| create(&fs, alloc).map(drop));
    report.assert_propagated();
    assert!(report.call_stacks() >= 3, "{report:?}");
    for mode in [Canonical::Logical, Canonical::PhysicalExisting, Canonical::PhysicalCreateOk] {
        let report = Sweep::new()
            .is_memory_error(|error: &FsError| matches!(error, FsError::Memory(_)))
            .run(|alloc| fs.canonicalize(state.path(), mode, alloc).map(drop));
        report.assert_propagated();
        assert!(report.call_stacks() >= 1, "{mode:?}");
    }
}
