//! The pinned fixtures: every file is listed with its hash, and a changed byte is an error.

use gitmind::fixture::{FixtureError, FixtureList, open_verified, unpack};
use gitmind_test_support::{fixture_list, fixtures_directory, temp_directory};

#[test]
fn every_file_of_the_directory_is_listed_with_its_hash() {
    let list = fixture_list();
    let archives = list.fixtures().iter().map(|fixture| (&fixture.file, &fixture.sha256));
    let files = list.files().iter().map(|file| (&file.file, &file.sha256));
    let mut listed = Vec::new();
    for (file, sha256) in archives.chain(files) {
        open_verified(&list.directory().join(file), sha256).expect("the listed bytes");
        listed.push(file.to_str().expect("UTF-8").to_owned());
    }
    let entries = std::fs::read_dir(fixtures_directory()).expect("a directory");
    // The directories are the fuzzing corpus, which is not pinned.
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("readable"))
        .filter(|entry| entry.file_type().expect("known").is_file())
        .map(|entry| entry.file_name().into_string().expect("UTF-8"))
        .collect();
    names.retain(|name| name != "README.md" && name != "fixtures.toml");
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn one_flipped_bit_is_refused_with_both_hashes_and_nothing_is_unpacked() {
    let list = fixture_list();
    let small = list.get("small").expect("listed");
    let copy = temp_directory();
    for file in ["fixtures.toml", "small.tar"] {
        std::fs::copy(fixtures_directory().join(file), copy.path().join(file)).expect("a copy");
    }
    let archive = copy.path().join("small.tar");
    let mut bytes = std::fs::read(&archive).expect("readable");
    bytes[20_000] ^= 1;
    std::fs::write(&archive, bytes).expect("writable");
    let target = temp_directory();
    let copied = FixtureList::read(copy.path()).expect("the same list");
    let error = unpack(&copied, small, target.path()).expect_err("another hash");
    assert!(matches!(&error, FixtureError::Hash { actual, expected, .. } if actual != expected));
    assert!(error.to_string().contains(&small.sha256), "{error}");
    assert_eq!(std::fs::read_dir(target.path()).expect("a directory").count(), 0);
}

#[test]
fn a_list_with_a_wrong_key_is_refused_by_name() {
    let directory = temp_directory();
    std::fs::write(directory.path().join("fixtures.toml"), "[[fixture]]\nnam = \"x\"\n")
        .expect("ok");
    let error = FixtureList::read(directory.path()).expect_err("no such key").to_string();
    assert!(error.contains("fixtures.toml") && error.contains("nam"), "{error}");
}
