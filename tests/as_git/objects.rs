//! Objects are found where git finds them, by every command alike.

use crate::world::{JOURNAL, Variables, World};
use gitmind_test_support::program;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Runs every command that reads objects, which must succeed; returns their warnings.
fn read_by_all(world: &World, variables: &Variables<'_>, about: &str) -> String {
    let expected = world.names("r", "f", variables).expect("git finds it");
    assert_eq!(world.link("r", "f", variables), Ok(expected), "{about}");
    let count = world.ask("r", &["rev-list", "--count", JOURNAL], variables).expect("git");
    let commands: [&[&str]; 3] =
        [&["list", "--json"], &["query", "--to", "f", "--json"], &["cache-rebuild", "--force"]];
    let mut warnings = String::new();
    for args in commands {
        let ran = world.run(&program(), "r", args, variables);
        warnings.push_str(&String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success(), "{about}: {args:?}: {ran:?}");
        if args[0] == "list" {
            let said: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("a document");
            assert_eq!(said["edges_shown"].to_string(), count, "{about}: {args:?}");
        }
    }
    warnings
}

/// The files of packs with this extension.
fn packs(world: &World, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(world.path("r/.git/objects/pack")).expect("readable");
    let files = files.map(|file| file.expect("readable").path());
    files.filter(|path| path.extension().is_some_and(|kind| kind == extension)).collect()
}

fn loose(world: &World, id: &str) -> PathBuf {
    world.path("r/.git/objects").join(&id[..2]).join(&id[2..])
}

/// Changes one byte in the middle of a file.
fn flip(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("ours");
    let mut file = fs::File::options().read(true).write(true).open(path).expect("writable");
    let middle = SeekFrom::Start(file.metadata().expect("it is there").len() / 2);
    let mut byte = [0];
    file.seek(middle).and_then(|_| file.read_exact(&mut byte)).expect("readable");
    file.seek(middle).and_then(|_| file.write_all(&[!byte[0]])).expect("writable");
}

#[test]
fn an_object_is_read_while_git_has_a_sound_copy() {
    // Regression: a stale multi-pack index, a link or a damaged copy hid a sound one from `link`.
    for layout in [
        "stale index of packs",
        "links to packs",
        "link to a loose object",
        "empty loose copy",
        "damaged loose copy",
        "truncated newer pack",
        "damaged newer pack",
        "no newer pack",
    ] {
        let world = World::new();
        let head = world.git("r", &["rev-parse", "HEAD"]);
        let copy = fs::read(loose(&world, &head)).expect("a loose object");
        world.git("r", &["repack", "-adq"]);
        let mut is_damaged = true;
        let newer = |change: &dyn Fn(&Path)| {
            let [pack, index] = ["pack", "idx"].map(|kind| packs(&world, kind).remove(0));
            let name = format!("pack-{}", "7".repeat(40));
            let new = [&pack, &index].map(|path| {
                path.with_file_name(&name).with_extension(path.extension().expect("it has one"))
            });
            fs::copy(&pack, &new[0]).and_then(|_| fs::copy(&index, &new[1])).expect("room");
            change(&new[0]);
        };
        let put = |content: &[u8]| {
            let path = loose(&world, &head);
            fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
            fs::write(path, content).expect("writable");
        };
        match layout {
            "stale index of packs" => {
                is_damaged = false;
                world.commit("r");
                world.git("r", &["repack", "-dq"]);
                world.git("r", &["multi-pack-index", "write"]);
                world.git("r", &["-c", "core.multiPackIndex=false", "repack", "-adq"]);
            }
            "links to packs" => {
                is_damaged = false;
                fs::create_dir(world.path("store")).expect("writable");
                for path in [packs(&world, "pack"), packs(&world, "idx")].concat() {
                    let store = world.path("store").join(path.file_name().expect("it has one"));
                    fs::rename(&path, &store).and_then(|()| symlink(&store, &path)).expect("room");
                }
            }
            "link to a loose object" => {
                is_damaged = false;
                put(&copy);
                packs(&world, "idx").iter().for_each(|path| fs::remove_file(path).expect("ours"));
                for path in packs(&world, "pack") {
                    let content = fs::File::open(&path).expect("readable");
                    fs::remove_file(path).expect("ours");
                    let mut unpack = std::process::Command::new("git");
                    unpack.current_dir(world.path("r")).args(["unpack-objects", "-q"]);
                    assert!(unpack.stdin(content).status().expect("git runs").success());
                }
                let (path, store) = (loose(&world, &head), world.path("store"));
                fs::rename(&path, &store).and_then(|()| symlink(&store, &path)).expect("room");
            }
            "empty loose copy" => {
                is_damaged = false; // It is not looked at.
                put(b"");
            }
            "damaged loose copy" => {
                is_damaged = false;
                put(&copy[..copy.len() / 2]);
            }
            "truncated newer pack" => newer(&|pack| {
                fs::set_permissions(pack, fs::Permissions::from_mode(0o644)).expect("ours");
                let file = fs::File::options().write(true).open(pack).expect("writable");
                file.set_len(40).expect("writable");
            }),
            "damaged newer pack" => newer(&|pack| {
                let whole = fs::read(pack).expect("readable");
                let damaged: Vec<u8> = whole[..12]
                    .iter()
                    .copied()
                    .chain(whole[12..].iter().map(|byte| !byte))
                    .collect();
                fs::remove_file(pack).and_then(|()| fs::write(pack, damaged)).expect("room");
            }),
            _ => {
                is_damaged = false;
                newer(&|pack| fs::remove_file(pack).expect("it is there"));
            }
        }
        let warnings = read_by_all(&world, &[], layout);
        assert_eq!(warnings.contains("another copy was read"), is_damaged, "{layout}: {warnings}");
    }
}

#[test]
fn a_damaged_pack_is_no_obstacle_to_a_sound_loose_copy_nor_hidden_without_one() {
    let world = World::new();
    let head = world.git("r", &["rev-parse", "HEAD"]);
    let copy = fs::read(loose(&world, &head)).expect("a loose object");
    world.git("r", &["repack", "-adq"]);
    let pack = packs(&world, "pack").remove(0);
    let whole = fs::read(&pack).expect("readable");
    fs::remove_file(&pack).expect("ours");
    fs::write(&pack, [&whole[..12], &vec![0; whole.len() - 12]].concat()).expect("writable");
    let error = world.link("r", "f", &[]).expect_err("nothing is left");
    assert!(error.contains(&format!("object {head} is corrupt")), "{error}");
    fs::write(&pack, &whole).expect("writable");
    flip(&packs(&world, "pack")[0]);
    fs::create_dir_all(loose(&world, &head).parent().expect("it has one")).expect("writable");
    fs::write(loose(&world, &head), copy).expect("writable");
    let read = world.run(&program(), "r", &["query", "--to", "f"], &[]);
    assert!(!String::from_utf8_lossy(&read.stderr).contains(&head), "{read:?}");
}

#[test]
fn objects_are_borrowed_as_git_borrows_them() {
    let below = |world: &World, text: &str| {
        let list = world.path("r/.git/objects/info/alternates");
        fs::write(list, text.replace("W", world.path("").to_str().expect("UTF-8"))).expect("room");
    };
    for layout in ["itself", "cycle", "plain file", "missing", "nested", "variable", "elsewhere"] {
        let world = World::new();
        let objects = world.path("r/.git/objects");
        let mut variables: Vec<(&str, &str)> = vec![];
        let mut is_warned = false;
        let lend = |to: &str, list: Option<&str>| {
            let [lent, kept] = [world.path(to), world.path("kept")];
            fs::create_dir_all(lent.parent().expect("it has one")).expect("writable");
            fs::rename(&objects, &lent).expect("writable");
            fs::create_dir_all(objects.join("info")).expect("writable");
            if let Some(list) = list {
                fs::create_dir_all(kept.join("info")).expect("writable");
                fs::write(kept.join("info/alternates"), list).expect("writable");
            }
        };
        match layout {
            "itself" => below(&world, "W/r/.git/objects\n"),
            "cycle" => {
                fs::create_dir_all(world.path("o/info")).expect("writable");
                fs::write(world.path("o/info/alternates"), "../r/.git/objects\n").expect("room");
                below(&world, "# a comment\n\n\"W/o\"\n");
            }
            "plain file" => {
                is_warned = true;
                fs::write(world.path("plain"), "").expect("writable");
                below(&world, "W/plain\n");
            }
            "missing" => {
                is_warned = true;
                below(&world, "W/nowhere\n");
            }
            "nested" => {
                // The first list leads to `kept`, whose own relative list leads to the objects.
                lend("x/y/lent", Some("../x/y/lent\n"));
                below(&world, "../../../kept\n");
            }
            "variable" => {
                lend("lent", None);
                variables.push(("GIT_ALTERNATE_OBJECT_DIRECTORIES", "W/lent"));
            }
            _ => {
                lend("lent", None);
                variables.push(("GIT_OBJECT_DIRECTORY", "W/lent"));
            }
        }
        let warnings = read_by_all(&world, &variables, layout);
        assert_eq!(warnings.contains("is no object directory"), is_warned, "{layout}: {warnings}");
    }
}

#[test]
fn a_replaced_commit_is_read_as_by_git() {
    let world = World::new();
    let first = world.git("r", &["rev-parse", "HEAD"]);
    world.link("r", "g", &[]).expect("a file");
    let edge = world.git("r", &["rev-parse", JOURNAL]);
    world.link("r", "f", &[]).expect("a file");
    fs::write(world.path("r/f"), "changed").expect("writable");
    world.git("r", &["add", "f"]);
    world.commit("r");
    world.git("r", &["replace", &world.git("r", &["rev-parse", "HEAD"]), &first]);
    read_by_all(&world, &[], "a loose ref");
    world.git("r", &["replace", &edge, &world.git("r", &["rev-parse", &format!("{edge}^")])]);
    world.git("r", &["pack-refs", "--all"]);
    read_by_all(&world, &[], "a commit of the journal, packed refs");
    read_by_all(&world, &[("GIT_NO_REPLACE_OBJECTS", "1")], "not followed");
    world.set("r", "core.useReplaceRefs", "false");
    read_by_all(&world, &[], "switched off");
}

#[test]
fn what_a_partial_clone_lacks_has_a_hint_how_to_fetch_it() {
    let world = World::new();
    let tree = world.git("r", &["rev-parse", "HEAD:d"]);
    fs::remove_file(loose(&world, &tree)).expect("a loose object");
    let error = world.link("r", "d/f", &[]).expect_err("it is missing");
    assert!(error.contains("is missing; hint: `git fsck`"), "{error}");
    world.set("r", "remote.origin.promisor", "true");
    let error = world.link("r", "d/f", &[]).expect_err("it is missing");
    assert!(error.contains(&format!("hint: `git cat-file -t {tree}` fetches it")), "{error}");
}
