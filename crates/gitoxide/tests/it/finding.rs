//! Repositories as the variables of a process name them. `tests/as_git` asks git the same.

use gitmind_git::oid::Oid;
use gitmind_git::{
    Authors, Error, Head, Identity, IdentityError, ObjectKind, RefUpdate, Repository,
};
use gitmind_gitoxide::GitRepository;
use gitmind_memory::{Alloc, System};
use gitmind_ports::clock::Timestamp;
use gitmind_system::env::FixedEnvironment;
use gitmind_test_support::{git, read_object, temp_directory};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 };
const JOURNAL: &str = "refs/gitmind/edges/main";

/// A repository `r` with the file d/f and one commit.
fn repository() -> (TempDir, PathBuf) {
    let directory = temp_directory();
    let top = directory.path().canonicalize().expect("it is there").join("r");
    fs::create_dir_all(top.join("d")).expect("writable");
    git(&top, &["init", "-q", "-b", "main"]);
    fs::write(top.join("d/f"), "content").expect("writable");
    git(&top, &["add", "."]);
    git(&top, &["commit", "-qm", "x"]);
    (directory, top)
}

/// Opens the repository of the directory `at` with these variables.
fn find<const N: usize>(at: &Path, variables: [(&str, &str); N]) -> Result<GitRepository, Error> {
    GitRepository::find(at, &FixedEnvironment::from(variables), |_| ())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The identity that a commit would have.
fn person(name: &str, email: &str, time: Option<Timestamp>) -> Identity {
    Identity { time, ..Identity::new(name, email) }
}

#[test]
fn the_prefix_is_the_way_from_the_worktree_that_is_named() {
    let (_directory, top) = repository();
    let git_dir = top.join(".git");
    let [below, named] = [top.join("d"), git_dir.clone()];
    let at = |variables: [(&str, &str); 2]| {
        let found = find(&below, variables).expect("a repository");
        (found.location().worktree.clone(), found.location().prefix.clone())
    };
    let here = (Some(top.clone()), Some(PathBuf::from("d")));
    let none = ("HOME", "");
    assert_eq!(at([none, none]), here);
    assert_eq!(at([("GIT_DIR", text(&named)), ("GIT_WORK_TREE", text(&top))]), here);
    assert_eq!(at([("GIT_DIR", "../.git"), none]), (Some(below.clone()), Some(PathBuf::new())));
    let no_worktree = (None, Some(PathBuf::new()));
    assert_eq!(at([("GIT_DIR", "../.git"), ("GIT_IMPLICIT_WORK_TREE", "0")]), no_worktree);
    git(&top, &["config", "core.worktree", ".."]);
    assert_eq!(at([("GIT_DIR", "../.git"), none]), here);
    git(&top, &["config", "core.bare", "true"]);
    assert_eq!(at([("GIT_DIR", "../.git"), none]), no_worktree);
    git(&top, &["config", "core.bare", "maybe"]);
    assert!(find(&below, []).is_err_and(|error| error.to_string().contains("core.bare")));
    assert!(
        find(&top.join("none"), []).is_err_and(|error| error.to_string().contains("change to"))
    );
}

#[test]
fn a_search_ends_at_a_ceiling_a_broken_link_and_a_value_that_is_no_boolean() {
    let (directory, top) = repository();
    let deep = top.join("a/b");
    fs::create_dir_all(&deep).expect("writable");
    let ceiling = |value: &str| find(&deep, [("GIT_CEILING_DIRECTORIES", value)]).is_ok();
    assert!(ceiling(text(&deep)) && ceiling(text(directory.path())) && ceiling(""));
    assert!(!ceiling(text(&top)));
    symlink(&top, directory.path().join("alias")).expect("writable");
    let alias = directory.path().join("alias");
    assert!(!ceiling(text(&alias)), "it is resolved");
    assert!(ceiling(&format!(":{}", text(&alias))), "after an empty entry it is not");
    let across = |value| find(&deep, [("GIT_DISCOVERY_ACROSS_FILESYSTEM", value)]);
    assert!(across("true").is_ok());
    assert!(across("perhaps").is_err_and(|error| error.to_string().contains("ACROSS_FILESYSTEM")));
    for link in ["gitdir: nowhere\n", "nothing\n"] {
        fs::write(deep.join(".git"), link).expect("writable");
        assert!(matches!(find(&deep, []), Err(Error::Open { .. })), "{link}");
    }
    fs::write(deep.join(".git"), format!("gitdir: {}\n", text(&top.join(".git")))).expect("room");
    assert_eq!(find(&deep, []).expect("a link").location().worktree, Some(deep));
}

#[test]
fn commits_are_by_the_variables_then_by_the_configuration() {
    let (_directory, top) = repository();
    let authors = |variables: [(&str, &str); 3]| find(&top, variables)?.authors();
    let none = ("HOME", "");
    assert_eq!(authors([none; 3]).expect("a stand-in"), Authors::default());
    let mail = ("EMAIL", "from@variable");
    let found = authors([("GIT_AUTHOR_NAME", "A"), mail, none]).expect("a person");
    assert_eq!(found.author, person("A", "from@variable", None));
    git(&top, &["config", "user.name", "N"]);
    git(&top, &["config", "author.email", "a@b"]);
    let date = ("GIT_COMMITTER_DATE", "1700000000 +0100");
    let found = authors([date, mail, none]).expect("a person");
    assert_eq!(found.author, person("N", "a@b", None));
    assert_eq!(found.committer, person("N", "", Some(NOW)));
    let parameters = ("GIT_CONFIG_PARAMETERS", "'user.name'=' <> '");
    assert!(matches!(authors([parameters, none, none]), Err(Error::Identity(_))));
    assert!(matches!(
        authors([("GIT_AUTHOR_DATE", "x"), none, none]),
        Err(Error::Identity(IdentityError::Date { .. }))
    ));
    assert!(authors([("GIT_CONFIG_COUNT", "x"), none, none]).is_err());
}

#[test]
fn a_person_is_asked_for_where_the_configuration_says_so() {
    let (_directory, top) = repository();
    git(&top, &["config", "user.useConfigOnly", "true"]);
    let refused = find(&top, []).expect("a repository").authors();
    assert!(refused.is_err_and(|error| error.to_string().contains("user.useConfigOnly")));
}

#[test]
fn head_is_followed_through_links_and_symbolic_refs() {
    let (_directory, top) = repository();
    let head = || find(&top, []).and_then(|repository| repository.head());
    let main = Head::Branch("refs/heads/main".into());
    git(&top, &["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    git(&top, &["symbolic-ref", "HEAD", "refs/heads/alias"]);
    assert_eq!(head().expect("a branch"), main);
    fs::remove_file(top.join(".git/HEAD")).expect("it is there");
    symlink("refs/heads/main", top.join(".git/HEAD")).expect("writable");
    assert_eq!(head().expect("a branch"), main);
    fs::remove_file(top.join(".git/HEAD")).expect("it is there");
    fs::write(top.join(".git/HEAD"), "ref:refs/heads/loop").expect("writable");
    fs::write(top.join(".git/refs/heads/loop"), "ref: refs/heads/loop").expect("writable");
    assert!(head().is_err_and(|error| error.to_string().contains("too many levels")));
    git(&top, &["update-ref", "--no-deref", "HEAD", "refs/heads/main"]);
    assert_eq!(head().expect("a commit"), Head::Detached);
}

/// Sets the journal to a commit, as the person of these variables.
fn update<const N: usize>(top: &Path, variables: [(&str, &str); N]) -> Result<(), Error> {
    let repository = find(top, variables).expect("a repository");
    let (system, expected) = (System::new(), repository.resolve(JOURNAL)?);
    let new = repository.resolve("refs/heads/main")?.expect("a commit");
    let mut transaction = repository.begin(Alloc::new(&system), None)?;
    let update = RefUpdate { name: JOURNAL, expected, new, time: NOW, reason: "test" };
    transaction.commit(update).map(drop)
}

#[test]
fn updates_are_logged_when_git_logs_them_and_forbidden_when_git_forbids_them() {
    let (_directory, top) = repository();
    let log = top.join(".git/logs").join(JOURNAL);
    update(&top, []).expect("it is new");
    assert!(!log.exists());
    git(&top, &["config", "core.logAllRefUpdates", "always"]);
    update(&top, [("GIT_COMMITTER_NAME", "C"), ("GIT_COMMITTER_EMAIL", "c@d")]).expect("free");
    let tip = git(&top, &["rev-parse", "main"]);
    let line = format!("{tip} {tip} C <c@d> 1700000000 +0100\ttest\n");
    assert_eq!(fs::read_to_string(&log).expect("a log"), line);
    git(&top, &["config", "core.logAllRefUpdates", "false"]);
    update(&top, []).expect("free");
    assert_eq!(fs::read_to_string(&log).expect("a log").lines().count(), 2, "it is continued");
    assert!(matches!(update(&top, [("GIT_QUARANTINE_PATH", "x")]), Err(Error::RefWrite { .. })));
    fs::remove_file(&log).and_then(|()| fs::create_dir(&log)).expect("writable");
    update(&top, []).expect("a directory is no log");
    git(&top, &["config", "core.logAllRefUpdates", "always"]);
    fs::write(log.join("x"), "").expect("writable");
    assert!(matches!(update(&top, []), Err(Error::Io { .. })));
    fs::remove_file(log.join("x")).expect("writable");
    update(&top, []).expect("an empty directory is removed");
    assert!(log.is_file());
}

#[test]
fn objects_are_read_where_a_sound_copy_is() {
    let (directory, top) = repository();
    let name = git(&top, &["rev-parse", "HEAD:d/f"]);
    let id = Oid::from_hex(name.as_bytes()).expect("an id");
    let read = |variables: [(&str, &str); 1]| {
        let repository = find(&top, variables).expect("a repository");
        let system = System::new();
        let mut buffer = gitmind_memory::Vec::new(Alloc::new(&system));
        repository.read(id, ObjectKind::Blob, &mut buffer).map(|()| buffer.to_vec())
    };
    let none = [("HOME", "")];
    let file = top.join(".git/objects").join(&name[..2]).join(&name[2..]);
    let stored = fs::read(&file).expect("a loose object");
    assert_eq!(read(none).expect("whole"), b"content");
    fs::remove_file(&file).expect("it is there");
    assert!(matches!(read(none), Err(Error::Missing(_))));
    git(&top, &["config", "remote.o.promisor", "true"]);
    assert!(matches!(read(none), Err(Error::Promised(_))));
    fs::write(&file, &stored[..9]).expect("writable");
    assert!(matches!(read(none), Err(Error::Corrupt { .. })));
    // A sound copy in a directory that is borrowed from, which borrows from the first one.
    let lent = directory.path().join("lent");
    fs::create_dir_all(lent.join(&name[..2])).expect("writable");
    fs::create_dir_all(lent.join("info")).expect("writable");
    fs::write(lent.join(&name[..2]).join(&name[2..]), &stored).expect("writable");
    fs::write(lent.join("info/alternates"), text(&top.join(".git/objects"))).expect("writable");
    let variable = [("GIT_ALTERNATE_OBJECT_DIRECTORIES", text(&lent))];
    assert_eq!(read(variable).expect("whole"), b"content");
    let list = top.join(".git/objects/info/alternates");
    fs::write(&list, format!("# none\n/nowhere\n{}\n", text(&lent))).expect("writable");
    assert_eq!(read(none).expect("whole"), b"content");
    assert!(read([("GIT_OBJECT_DIRECTORY", text(&lent))]).is_ok());
}

#[test]
fn a_replaced_object_is_not_read_unless_git_is_told_so() {
    let (_directory, top) = repository();
    let old = git(&top, &["rev-parse", "HEAD:d/f"]);
    fs::write(top.join("new"), "another").expect("writable");
    let new = git(&top, &["hash-object", "-w", "new"]);
    git(&top, &["replace", &old, &new]);
    let id = Oid::from_hex(old.as_bytes()).expect("an id");
    let read = |variables: [(&str, &str); 1]| {
        read_object(&find(&top, variables).expect("a repository"), id, ObjectKind::Blob)
    };
    assert_eq!(read([("HOME", "")]), b"another");
    assert_eq!(read([("GIT_NO_REPLACE_OBJECTS", "1")]), b"content");
    git(&top, &["config", "core.useReplaceRefs", "false"]);
    assert_eq!(read([("HOME", "")]), b"content");
}
