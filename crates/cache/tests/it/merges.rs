//! Merged journals in a repository on disk: no edge is lost, and appends change no id.

use gitmind_journal::EdgeOrder;
use gitmind_test_support::{TempRepository, ids_of, message};

/// The ids of the edges that start at the object of `byte`.
fn forward(repository: &TempRepository, byte: u8) -> Vec<u32> {
    let oid = format!("{byte:02x}").repeat(20);
    let path = format!("refs/gitmind/cache/main:{byte:02x}/{oid}.forward");
    let output = std::process::Command::new("git")
        .current_dir(repository.path())
        .args(["cat-file", "blob", &path])
        .output()
        .expect("git runs");
    ids_of(&output.stdout)
}

#[test]
fn edges_of_the_second_parent_of_a_merge_are_numbered_after_those_of_the_first() {
    let repository = TempRepository::empty();
    let root = repository.commit(&[], &message(&[(1, 9)]));
    let ours = repository.commit(&[&root], &message(&[(2, 9), (3, 9)]));
    let theirs = repository.commit(&[&root], &message(&[(4, 9)]));
    let merge = repository.commit(&[&ours, &theirs], &message(&[(5, 9)]));
    let tip = repository.commit(&[&merge], &message(&[(6, 9)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);

    let report = repository.rebuild("main", EdgeOrder::OldestFirst);
    assert_eq!((report.meta.edges, report.meta.commits), (6, 5));
    let ids: Vec<_> = (1..=6).map(|byte| forward(&repository, byte)).collect();
    assert_eq!(ids, [[0], [1], [2], [3], [4], [5]].map(Vec::from));

    let c_view = repository.rebuild("main", EdgeOrder::NewestFirst);
    assert_eq!((c_view.meta.edges, c_view.meta.commits), (5, 4), "first parents only");
    assert_eq!(forward(&repository, 6), [0]);
    assert_eq!(forward(&repository, 1), [4]);
    repository.assert_sound();
}
