//! Invalid input: an error of one line with a hint, exit code 1 (2 for usage), nothing changed.

use gitmind_test_support::{TempRepository, git, message, mind, temp_directory};
use std::fs;

/// Runs `cache-rebuild`, which must fail without changing a ref; returns its stderr.
fn refused(repository: &TempRepository, args: &[&str]) -> String {
    refused_with(1, repository, args)
}

/// The same with another exit code.
fn refused_with(code: i32, repository: &TempRepository, args: &[&str]) -> String {
    let (refs, objects) = (repository.refs(), repository.git(&["count-objects", "-v"]));
    let error = repository.mind(&[&["cache-rebuild"], args].concat()).error(code);
    assert_eq!(repository.refs(), refs, "refs moved: {error}");
    assert_eq!(repository.git(&["count-objects", "-v"]), objects, "objects appeared: {error}");
    assert_eq!(repository.temporary_files(), [""; 0], "{error}");
    error
}

#[test]
fn an_unknown_branch_is_named_and_the_known_ones_listed() {
    let repository = TempRepository::fixture("small");
    let error = refused(&repository, &["--branch", "nope"]);
    assert!(error.contains("`nope` has no journal (refs/gitmind/edges/nope"), "{error}");
    assert!(
        error.contains("hint: name one with --branch NAME; there are feature/x, main"),
        "{error}"
    );
    let listed = repository.mind(&["list", "--branch", "nope"]).error(1);
    assert_eq!(listed, error);
    let near = repository.mind(&["list", "--branch", "Feature-x"]).error(1);
    let hint = "hint: did you mean `feature/x`? name one with --branch NAME; there are \
                feature/x, main; `git mind merge NAME`";
    assert!(near.contains(hint), "{near}");
}

#[test]
fn a_repository_without_journals_says_how_to_get_one() {
    let repository = TempRepository::empty();
    let error = refused(&repository, &[]);
    assert!(error.contains("branch `main` has no journal"), "{error}");
    assert!(error.contains("hint: this repository has no journals"), "{error}");
}

#[test]
fn names_that_cannot_be_branches_are_refused_before_anything_is_read() {
    let repository = TempRepository::fixture("small");
    let long = "b".repeat(512);
    let names = [
        "",
        "refs/heads/main",
        "/a",
        "a/",
        "a..b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a@{1}",
        "a b",
        "a.lock",
        "a//b",
        ".a",
        "\u{1b}[31m",
        long.as_str(),
    ];
    for name in names {
        let error = refused_with(2, &repository, &["--branch", name]);
        assert!(error.contains("is not a branch name: "), "{name:?}: {error}");
        assert!(!error.contains('\u{1b}'), "{name:?} reached the terminal raw");
    }
}

#[test]
fn outside_a_repository_the_directory_is_named() {
    let directory = temp_directory();
    let ran = gitmind_test_support::mind_command(directory.path(), &["cache-rebuild"])
        .env("GIT_CEILING_DIRECTORIES", directory.path())
        .output()
        .expect("the program was built");
    let stderr = String::from_utf8(ran.stderr).expect("UTF-8");
    assert_eq!(ran.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("is not inside a git repository"), "{stderr}");
    assert!(stderr.contains("hint: change to a directory of a git repository"), "{stderr}");
    let error = mind(directory.path(), &["-C", "nowhere", "list"]).error(1);
    assert!(error.contains("cannot change to nowhere: No such file"), "{error}");
}

#[test]
fn a_sha256_repository_is_refused_by_name() {
    let directory = temp_directory();
    git(directory.path(), &["init", "-q", "--object-format=sha256"]);
    let error = mind(directory.path(), &["cache-rebuild"]).error(1);
    assert!(error.contains("the object format `sha256`, which is not supported"), "{error}");
    assert!(error.contains("hint: `git init --object-format=sha1"), "{error}");
}

#[test]
fn an_unsupported_extension_is_an_error_that_names_it() {
    let repository = TempRepository::fixture("small");
    for (key, value, named) in [
        (
            "refStorage",
            "reftable",
            "extensions.refstorage=reftable`, which is not supported\nhint: `git refs migrate \
             --ref-format=files` converts it",
        ),
        ("fromTheFuture", "yes", "extensions.fromthefuture=yes"),
    ] {
        let core = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n";
        let config = format!("{core}[extensions]\n\t{key} = {value}\n");
        fs::write(repository.path().join("config"), config).expect("writable");
        let error = repository.mind(&["cache-rebuild"]).error(1);
        assert!(error.contains(named), "{error}");
    }
    fs::write(repository.path().join("config"), "[core]\n\trepositoryformatversion = 2\n")
        .expect("ok");
    let error = repository.mind(&["cache-rebuild"]).error(1);
    assert!(error.contains("core.repositoryFormatVersion=2"), "{error}");
}

#[test]
fn a_missing_object_is_named() {
    let repository = TempRepository::empty();
    let gone = repository.commit(&[], &message(&[(1, 2)]));
    let tip = repository.commit(&[&gone], &message(&[(3, 4)]));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &tip]);
    fs::remove_file(repository.path().join(format!("objects/{}/{}", &gone[..2], &gone[2..])))
        .expect("a loose object");
    let refs = repository.git(&["show-ref"]);
    let error = repository.mind(&["cache-rebuild"]).error(1);
    assert!(error.contains(&format!("object {gone} is missing")), "{error}");
    assert!(error.contains("hint: `git fsck`"), "{error}");
    assert_eq!(repository.git(&["show-ref"]), refs);
}

/// Writes a loose object with this content under a name that it does not have.
fn plant_loose(repository: &TempRepository, id: &str, content: &[u8]) {
    let directory = repository.path().join(format!("objects/{}", &id[..2]));
    fs::create_dir_all(&directory).expect("writable");
    let file = fs::File::create(directory.join(&id[2..])).expect("writable");
    let mut deflate = flate2::write::ZlibEncoder::new(file, flate2::Compression::best());
    std::io::Write::write_all(&mut deflate, content).expect("writable");
    deflate.finish().expect("writable");
}

#[test]
fn an_object_that_lies_about_its_size_is_refused() {
    let repository = TempRepository::empty();
    let id = "12".repeat(20);
    fs::create_dir_all(repository.path().join("refs/gitmind/edges")).expect("writable");
    fs::write(repository.path().join("refs/gitmind/edges/main"), format!("{id}\n")).expect("ok");
    for claim in ["9223372036854775807", "67108865"] {
        plant_loose(&repository, &id, format!("commit {claim}\0tree").as_bytes());
        let error = repository.mind(&["cache-rebuild"]).error(1);
        assert!(error.contains(&format!("object {id} is corrupt")), "{error}");
        assert!(error.contains("limit of 67108864 bytes"), "{error}");
    }
    let longer_than_claimed = [b"commit 5\0".as_slice(), &[b'x'; 1 << 20]].concat();
    plant_loose(&repository, &id, &longer_than_claimed);
    let error = repository.mind(&["cache-rebuild"]).error(1);
    assert!(error.contains(&format!("object {id} is corrupt")), "{error}");
}

#[test]
fn a_journal_ref_to_another_kind_of_object_is_named() {
    let repository = TempRepository::fixture("small");
    let blob = repository.git(&["rev-parse", "refs/heads/main:Makefile"]);
    fs::create_dir_all(repository.path().join("refs/gitmind/edges")).expect("writable");
    let file = repository.path().join("refs/gitmind/edges/odd");
    fs::write(&file, format!("{blob}\n")).expect("writable");
    let error = repository.mind(&["cache-rebuild", "--branch", "odd"]).error(1);
    assert!(error.contains(&format!("object {blob} is a blob, not a commit")), "{error}");
    fs::write(&file, "not an id\n").expect("writable");
    let error = repository.mind(&["cache-rebuild", "--branch", "odd"]).error(1);
    assert!(error.contains("refs/gitmind/edges/odd"), "{error}");
}

/// Damages each byte of the only pack in turn. The result is an error without a changed ref, or the
/// right tree where the byte is not used; never a panic.
#[test]
fn a_damaged_pack_is_an_error_or_harmless() {
    let whole = TempRepository::fixture("small");
    let expected = whole.rebuild("main", gitmind::journal::EdgeOrder::OldestFirst).shards_tree;
    let pack_of = |repository: &TempRepository| {
        let packs = fs::read_dir(repository.path().join("objects/pack")).expect("a directory");
        let mut paths = packs.map(|entry| entry.expect("readable").path());
        paths.find(|path| path.extension().is_some_and(|kind| kind == "pack")).expect("one pack")
    };
    let (mut failed, mut passed) = (0, 0);
    for step in 0..60 {
        let repository = TempRepository::fixture("small");
        let pack = pack_of(&repository);
        let mut bytes = fs::read(&pack).expect("readable");
        let len = bytes.len();
        let (at, cut) = (12 + step * (len - 32) / 60, step % 6 == 5);
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 0x55;
        }
        fs::remove_file(&pack).expect("it was read");
        fs::write(&pack, bytes).expect("writable");
        let ran = repository.mind(&["cache-rebuild", "--strict", "--force", "--json"]);
        match ran.code {
            0 => {
                let tree = ran.json()["shards_tree"].as_str().expect("an id").to_owned();
                assert_eq!(tree, expected.to_string(), "byte {at} changed the answer unnoticed");
                passed += 1;
            }
            _ => {
                ran.error(1);
                let refs = fs::read_to_string(repository.path().join("packed-refs"));
                assert!(refs.expect("as before").contains("refs/gitmind/cache/main"));
                assert!(!repository.path().join("refs/gitmind/cache/main").exists());
                failed += 1;
            }
        }
    }
    assert!(failed > 10 && passed > 5, "{failed} failed, {passed} passed");
}

#[test]
fn usage_errors_exit_2() {
    let directory = temp_directory();
    for args in [
        &[][..],
        &["no-such-command"],
        &["cache-rebuild", "--edge-order", "sideways"],
        &["list", "--limit", "-1"],
        &["list", "--min-confidence", "nan"],
        &["list", "--type", "65536"],
        &["fixture", "make", "--edges", "0", "--seed", "1", "x"],
        &["fixture", "make", "--edges", "1", "--seed", "1", "--batch", "251", "x"],
    ] {
        let ran = mind(directory.path(), args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!ran.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_ref_that_is_locked_is_named_with_its_lock_file() {
    let repository = TempRepository::fixture("small");
    fs::create_dir_all(repository.path().join("refs/gitmind/cache")).expect("writable");
    fs::write(repository.path().join("refs/gitmind/cache/main.lock"), "").expect("writable");
    let refs = repository.refs();
    let error = repository.mind(&["cache-rebuild"]).error(1);
    assert!(error.contains("refs/gitmind/cache/main is locked"), "{error}");
    assert!(error.contains("main.lock") && error.contains("hint: "), "{error}");
    assert_eq!(repository.refs(), refs);
}

#[test]
fn a_damaged_cache_ref_has_a_hint_what_to_delete() {
    let repository = TempRepository::fixture("small");
    repository.git(&["update-ref", "-d", "refs/gitmind/cache/main"]);
    let file = repository.path().join("refs/gitmind/cache/main");
    fs::create_dir_all(file.parent().expect("it has one")).expect("writable");
    for content in ["", "garbage\n"] {
        fs::write(&file, content).expect("writable");
        let error = repository.mind(&["cache-rebuild"]).error(1);
        assert!(error.contains("cannot read ref refs/gitmind/cache/main"), "{error}");
        assert!(error.contains("hint: ") && error.contains("delete the file"), "{error}");
        let shown = repository.git(&["rev-parse", "--git-path", "refs/gitmind/cache/main"]);
        assert_eq!(repository.path().join(shown.trim()), file, "what the hint says");
        let query = repository.mind(&["query", "--from", &"1".repeat(40)]);
        assert!(query.stderr.contains("delete the file"), "{}", query.stderr);
        assert_eq!(fs::read_to_string(&file).expect("it is still there"), content);
    }
    fs::remove_file(&file).expect("writable");
    assert_eq!(repository.mind(&["cache-rebuild", "--json"]).json()["mode"], "full");
}

#[test]
fn a_conflicting_cache_ref_is_named() {
    let pairs = [("main/deep/er", "main"), ("feature", "feature/x"), ("a\"b/c", "a\"b")];
    for (there, branch) in pairs {
        for packed in [false, true] {
            let repository = TempRepository::fixture("small");
            repository.git(&["update-ref", "-d", "refs/gitmind/cache/main"]);
            repository.git(&["update-ref", "-d", "refs/gitmind/cache/feature/x"]);
            let journal = format!("refs/gitmind/edges/{branch}");
            repository.git(&["update-ref", &journal, "refs/gitmind/edges/main"]);
            let there = format!("refs/gitmind/cache/{there}");
            repository.git(&["update-ref", &there, "refs/gitmind/edges/main"]);
            if packed {
                repository.git(&["pack-refs", "--all"]);
            }
            let refs = repository.refs();
            let error = repository.mind(&["cache-rebuild", "--branch", branch]).error(1);
            assert!(error.contains(&format!("cannot exist together with ref {there}")), "{error}");
            assert!(error.contains(&format!("hint: `git update-ref -d {there}`")), "{error}");
            assert_eq!(repository.refs(), refs);
            repository.git(&["update-ref", "-d", &there]);
            repository.mind(&["cache-rebuild", "--branch", branch]).ok();
        }
    }
}

#[test]
fn a_shallow_clone_has_a_hint_how_to_unshallow() {
    let origin = TempRepository::fixture("small");
    let clone = TempRepository::empty();
    let url = format!("file://{}", origin.path().display());
    clone.git(&["fetch", "-q", "--depth=3", &url, "refs/gitmind/edges/*:refs/gitmind/edges/*"]);
    let error = clone.mind(&["cache-rebuild"]).error(1);
    assert!(
        error.contains("is not in this shallow clone\nhint: `git fetch --unshallow"),
        "{error}"
    );
    let listed = clone.mind(&["list"]);
    assert!(listed.code == 1 && listed.stderr.contains("--unshallow"), "{listed:?}");
    clone.git(&["fetch", "-q", "--unshallow", &url, "refs/gitmind/*:refs/gitmind/*"]);
    clone.mind(&["cache-rebuild"]).ok();
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let repository = TempRepository::fixture("small");
    for args in
        [&["cache-rebuild"][..], &["cache-rebuild", "--json"], &["list"], &["list", "--json"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").expect("Linux has it");
        let output =
            gitmind_test_support::mind_command(repository.path(), args).stdout(full).output();
        let output = output.expect("the program was built");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(stderr.starts_with("git-mind: error: cannot write to the standard"), "{stderr}");
    }
}
