//! Objects are found where git finds them, by every command alike.

use crate::world::{JOURNAL, Variables, World};
use gitmind_test_support::program;
use std::fs;
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

/// Adds a newer copy of the only pack, changed by `change`.
fn add_newer_pack(world: &World, change: impl Fn(&Path)) {
    let name = format!("pack-{}", "7".repeat(40));
    for extension in ["idx", "pack"] {
        let old = packs(world, extension).remove(0);
        let new = old.with_file_name(&name).with_extension(extension);
        fs::copy(old, &new).expect("room");
        if extension == "pack" {
            fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).expect("ours");
            change(&new);
        }
    }
}

fn write_loose(world: &World, id: &str, content: &[u8]) {
    let path = loose(world, id);
    fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
    fs::write(path, content).expect("writable");
}

fn replace_by_link(world: &World, path: &Path) {
    let store = world.path("home").join(path.file_name().expect("it has one"));
    fs::rename(path, &store).and_then(|()| symlink(&store, path)).expect("writable");
}

fn unpack(world: &World) {
    let pack = packs(world, "pack").remove(0);
    let content = fs::File::open(&pack).expect("readable");
    for path in [pack, packs(world, "idx").remove(0)] {
        fs::remove_file(path).expect("ours");
    }
    let mut unpack = std::process::Command::new("git");
    unpack.current_dir(world.path("r")).args(["unpack-objects", "-q"]).stdin(content);
    assert!(unpack.status().expect("git runs").success());
}

/// Puts something in the way of the sound copy of the commit `head` in the only pack, whose loose
/// file was `copy`; returns whether a reader comes upon damage.
fn obstruct(world: &World, layout: &str, head: &str, copy: &[u8]) -> bool {
    match layout {
        "stale multi-pack index" => {
            world.commit("r");
            world.git("r", &["repack", "-dq"]);
            world.git("r", &["multi-pack-index", "write"]);
            world.git("r", &["-c", "core.multiPackIndex=false", "repack", "-adq"]);
        }
        "links to packs" => {
            let files = [packs(world, "pack"), packs(world, "idx")].concat();
            files.iter().for_each(|path| replace_by_link(world, path));
        }
        "link to a loose object" => {
            unpack(world);
            replace_by_link(world, &loose(world, head));
        }
        // Packs are read first, so these two are not met.
        "empty loose copy" => write_loose(world, head, b""),
        "damaged loose copy" => write_loose(world, head, &copy[..copy.len() / 2]),
        "newer index without a pack" => {
            add_newer_pack(world, |pack| fs::remove_file(pack).expect("it is there"));
        }
        "truncated newer pack" => {
            add_newer_pack(world, |pack| {
                let file = fs::File::options().write(true).open(pack).expect("writable");
                file.set_len(40).expect("writable");
            });
            return true;
        }
        _ => {
            add_newer_pack(world, |pack| {
                let whole = fs::read(pack).expect("readable");
                let damaged: Vec<u8> = whole[12..].iter().map(|byte| !byte).collect();
                fs::write(pack, [&whole[..12], &damaged].concat()).expect("writable");
            });
            return true;
        }
    }
    false
}

#[test]
fn an_object_is_read_while_git_has_a_sound_copy() {
    // Regression: a stale multi-pack index, a link or a damaged copy hid a sound one from `link`.
    for layout in [
        "stale multi-pack index",
        "links to packs",
        "link to a loose object",
        "empty loose copy",
        "damaged loose copy",
        "newer index without a pack",
        "truncated newer pack",
        "damaged newer pack",
    ] {
        let world = World::new();
        let head = world.git("r", &["rev-parse", "HEAD"]);
        let copy = fs::read(loose(&world, &head)).expect("a loose object");
        world.git("r", &["repack", "-adq"]);
        let is_met = obstruct(&world, layout, &head, &copy);
        let warnings = read_by_all(&world, &[], layout);
        assert_eq!(warnings.contains("another copy was read"), is_met, "{layout}: {warnings}");
    }
}

#[test]
fn a_loose_copy_is_read_beside_a_damaged_pack_and_without_one_the_damage_is_named() {
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
    write_loose(&world, &head, &copy);
    let error = world.link("r", "f", &[]).expect_err("its tree is not there");
    let tree = world.git("r", &["log", "-1", "--format=%T", "HEAD"]);
    assert!(error.contains(&format!("object {tree} is corrupt")), "{error}");
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
    assert!(error.contains("is missing\nhint: `git fsck`"), "{error}");
    world.set("r", "remote.origin.promisor", "true");
    let error = world.link("r", "d/f", &[]).expect_err("it is missing");
    assert!(error.contains(&format!("hint: `git cat-file -t {tree}` fetches it")), "{error}");
}

#[test]
fn a_list_of_alternates_that_cannot_be_read_is_passed_by_with_a_warning() {
    let world = World::new();
    let list = world.path("r/.git/objects/info/alternates");
    fs::create_dir_all(&list).expect("writable");
    let warnings = read_by_all(&world, &[], "a directory");
    assert!(warnings.contains("info/alternates is ignored"), "{warnings}");
}
