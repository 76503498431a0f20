//! Reading many trees, whose bases are kept, against reading each by itself.

use gitmind_git::oid::Oid;
use gitmind_git::{Error, ObjectKind, Repository};
use gitmind_gitoxide::GitRepository;
use gitmind_memory::{self as memory, Alloc, System, testing};
use gitmind_test_support::{TempRepository, read_object};
use std::fmt::Write;
use std::process::{Command, Stdio};

/// A pack with the trees of 300 commits as deltas, and the ids of the root trees, the newest first,
/// then of all trees.
fn repository() -> (TempRepository, Vec<Oid>) {
    let mut stream = String::new();
    for number in 0..300 {
        let from = if number > 0 { format!("from :{number}\n") } else { String::new() };
        write!(
            stream,
            "commit refs/heads/main\nmark :{}\ncommitter A <a@b> {number} +0000\ndata 0\n\
             {from}M 100644 inline d{}/{}\ndata {}\n{number}\n",
            number + 1,
            number % 3,
            number % 40,
            number.to_string().len(),
        )
        .expect("a string has room");
    }
    let repository = TempRepository::empty();
    let mut import = Command::new("git")
        .current_dir(repository.path())
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("tests need git");
    let input = import.stdin.take().expect("piped");
    std::io::Write::write_all(&mut { input }, stream.as_bytes()).expect("it reads");
    assert!(import.wait().expect("it ends").success());
    repository.git(&["repack", "-q", "-adf"]);
    let all = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)"];
    let (roots, all) = (repository.git(&["log", "--format=tree %T", "main"]), repository.git(&all));
    let trees = roots.lines().chain(all.lines()).filter_map(|line| line.strip_prefix("tree "));
    let ids = trees.map(|id| Oid::from_hex(id.as_bytes()).expect("40 digits")).collect();
    (repository, ids)
}

fn read(repository: &GitRepository, alloc: Alloc<'_>, ids: &[Oid]) -> Result<Vec<Vec<u8>>, Error> {
    let (mut buffer, mut trees, mut outcome) = (memory::Vec::new(alloc), vec![], Ok(()));
    repository.read_many(alloc, &mut |read| {
        outcome = ids.iter().try_for_each(|id| {
            read(*id, ObjectKind::Tree, &mut buffer)?;
            trees.push(buffer.to_vec());
            Ok(())
        });
    });
    outcome.map(|()| trees)
}

#[test]
fn many_trees_are_read_as_each_by_itself() {
    let ((repository, ids), system) = (repository(), System::new());
    let deltas = repository.git(&["cat-file", "--batch-all-objects", "--batch-check=%(deltabase)"]);
    let deltas = deltas.lines().filter(|base| !base.starts_with("00000000")).count();
    assert!(deltas > 200, "only {deltas} deltas");
    let opened = repository.open();
    let one = |id: &Oid| read_object(&opened, *id, ObjectKind::Tree);
    let expected: Vec<_> = ids.iter().map(one).collect();
    let alloc = Alloc::new(&system);
    assert!(read(&opened, alloc, &ids).expect("sound") == expected, "in this order");
    let oldest: Vec<_> = ids.iter().copied().rev().collect();
    let expected: Vec<_> = expected.into_iter().rev().collect();
    assert!(read(&opened, alloc, &oldest).expect("sound") == expected, "in the other order");
    let commit = opened.resolve("refs/heads/main").expect("readable").expect("it is there");
    let refused = read(&opened, alloc, &[ids[0], commit]);
    assert!(matches!(refused, Err(Error::Kind { id, .. }) if id == commit));
}

#[test]
fn each_allocation_failure_is_reported() {
    let (repository, ids) = repository();
    let opened = repository.open();
    testing::sweep(|alloc| read(&opened, alloc, &ids[..9]).map(drop)).assert_propagated();
}
