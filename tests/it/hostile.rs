//! Malicious repositories, directories and variables: nothing outside is written, no control
//! sequence reaches a terminal, and every read ends.

use gitmind_test_support::{TempRepository, git, message, mind_command, temp_directory};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

/// Control sequences and invisible characters.
const RAW: &str = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}\u{200b}\u{7f}";

/// A directory with a repository, a home and files that must stay unchanged.
struct World {
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { directory: temp_directory() };
        for directory in ["repository", "home", "outside"] {
            fs::create_dir(world.path(directory)).expect("writable");
        }
        fs::write(world.path("outside/kept"), "kept").expect("writable");
        let repository = world.path("repository");
        git(&repository, &["init", "-q", "-b", "main"]);
        fs::write(repository.join("a"), "a").expect("writable");
        git(&repository, &["add", "."]);
        git(&repository, &["-c", "commit.gpgsign=false", "commit", "-q", "-m", "a"]);
        world
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn run(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = mind_command(&self.path("repository"), args);
        command.env("HOME", self.path("home")).envs(variables.iter().copied());
        command.output().expect("it can be started")
    }

    /// Everything but the repository's own `.git` and the state directory.
    fn others(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let skipped = [self.path("repository/.git"), self.path("home/.gitmind")];
        collect(self.directory.path(), &skipped, &mut found);
        found
    }
}

fn collect(directory: &Path, skipped: &[PathBuf], found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let kind = path.symlink_metadata().expect("it is there").file_type();
        if skipped.contains(&path) {
            continue;
        }
        if kind.is_dir() {
            found.insert(path.clone(), Vec::new());
            collect(&path, skipped, found);
        } else {
            let content = fs::read_link(&path).map(|to| to.as_os_str().as_bytes().to_vec());
            found.insert(path.clone(), content.unwrap_or_else(|_| fs::read(&path).expect("ours")));
        }
    }
}

/// Every command that reads or writes the repository.
const COMMANDS: [&[&str]; 8] = [
    &["link", "a", "a"],
    &["cache-rebuild"],
    &["cache-rebuild", "--force", "--json"],
    &["list"],
    &["list", "--json"],
    &["query", "--from", "a"],
    &["query", "--to", "a", "--json"],
    &["link", "a", "a", "--branch", "other/deep", "--json"],
];

fn assert_printable(ran: &Output, about: &str) {
    for text in [&ran.stdout, &ran.stderr] {
        let text = str::from_utf8(text).unwrap_or_else(|_| panic!("not UTF-8: {about}"));
        let raw = text.chars().find(|c| {
            (c.is_control() && !matches!(c, '\n' | '\t')) || ['\u{202e}', '\u{200b}'].contains(c)
        });
        assert_eq!(raw, None, "{about}: {text:?}");
    }
    assert!(!String::from_utf8_lossy(&ran.stderr).contains("panicked"), "{about}: {ran:?}");
}

#[test]
fn symbolic_links_in_a_git_directory_do_not_redirect_writes() {
    // Regression: refs and loose objects were written through symbolic links.
    for link in ["refs/gitmind", "refs/gitmind/edges", "refs/gitmind/cache", "shards"] {
        let world = World::new();
        let git_dir = world.path("repository/.git");
        world.run(&["link", "a", "a"], &[]);
        if link == "shards" {
            for shard in 0..=u8::MAX {
                let directory = git_dir.join(format!("objects/{shard:02x}"));
                if !directory.exists() {
                    symlink(world.path("outside"), directory).expect("writable");
                }
            }
        } else {
            let _ = fs::remove_dir_all(git_dir.join(link));
            fs::create_dir_all(git_dir.join(link).parent().expect("it has one")).expect("ok");
            symlink(world.path("outside"), git_dir.join(link)).expect("writable");
        }
        let before = world.others();
        for args in COMMANDS {
            let ran = world.run(args, &[]);
            assert_printable(&ran, link);
            assert_eq!(world.others(), before, "{link}: {args:?}");
        }
    }
}

#[test]
fn a_ref_that_is_a_symbolic_link_is_replaced_and_its_target_stays() {
    let world = World::new();
    let edges = world.path("repository/.git/refs/gitmind/edges");
    fs::create_dir_all(&edges).expect("writable");
    symlink(world.path("outside/kept"), edges.join("main")).expect("writable");
    symlink(world.path("outside/new"), edges.join("other")).expect("writable");
    let before = world.others();
    for args in [&["link", "a", "a"][..], &["link", "a", "a", "--branch", "other"]] {
        assert_printable(&world.run(args, &[]), "a link");
        assert_eq!(world.others(), before, "{args:?}");
    }
}

/// Runs the program; fails when it does not end within 60 s.
fn run_to_its_end(world: &World, args: &[&str], about: &str) -> Output {
    let mut command = mind_command(&world.path("repository"), args);
    command.env("HOME", world.path("home")).stdin(Stdio::null());
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built");
    let started = Instant::now();
    while child.try_wait().expect("it is ours").is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
            panic!("{about}: {args:?} does not end");
        }
        std::thread::yield_now();
    }
    child.wait_with_output().expect("it has ended")
}

#[test]
fn pipes_and_devices_are_not_read() {
    // Regression: a ref or configuration that is a pipe blocked the program, and a device was read
    // until memory was exhausted.
    let places = ["HEAD", "config", "packed-refs", "objects/info/alternates", "commondir"];
    for place in places.into_iter().chain(["refs/gitmind/edges/main", "include"]) {
        let world = World::new();
        let git_dir = world.path("repository/.git");
        let file = git_dir.join(place);
        if place == "include" {
            let config = git_dir.join("config");
            let text = fs::read_to_string(&config).expect("readable");
            fs::write(git_dir.join("second"), "[include]\npath = include\n").expect("writable");
            fs::write(config, text + "[include]\npath = second\n").expect("writable");
        }
        fs::create_dir_all(file.parent().expect("it has one")).expect("writable");
        let _ = fs::remove_file(&file);
        let made = rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RWXU);
        made.expect("a pipe can be made");
        let before = world.others();
        for args in [&["list"][..], &["link", "a", "a"]] {
            let ran = run_to_its_end(&world, args, place);
            assert_printable(&ran, place);
            assert_eq!(ran.status.code(), Some(1), "{place}: {args:?}: {ran:?}");
            let text = String::from_utf8_lossy(&ran.stderr);
            assert!(text.contains("not a regular file"), "{place}: {text}");
        }
        assert_eq!(world.others(), before, "{place}");
    }
}

/// Regression: a configuration that included itself eight times was read for hours, and only the
/// first list of alternates was checked.
#[test]
fn includes_alternates_and_symbolic_refs_are_bounded() {
    type Plant = fn(&World, &Path);
    let plants: [(&str, Plant, &str); 4] = [
        (
            "includes itself",
            |_, git_dir| (0..8).for_each(|_| include(&git_dir.join("config"), "config")),
            "files deep",
        ),
        (
            "includes many",
            |_, git_dir| {
                for number in 0..8 {
                    let next = format!("include-{}", number + 1);
                    (0..4).for_each(|_| include(&git_dir.join(format!("include-{number}")), &next));
                }
                include(&git_dir.join("config"), "include-0");
            },
            "files are included",
        ),
        (
            "second alternate",
            |world, git_dir| {
                let other = world.path("outside/objects");
                fs::create_dir_all(other.join("info")).expect("writable");
                let list = format!("{}\n", other.display());
                fs::write(git_dir.join("objects/info/alternates"), list).expect("writable");
                let pipe = other.join("info/alternates");
                rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RWXU)
                    .expect("a pipe");
            },
            "not a regular file",
        ),
        (
            "ref of 3 GiB",
            |_, git_dir| {
                let edges = git_dir.join("refs/gitmind/edges/main");
                fs::create_dir_all(&edges).expect("writable");
                let file = fs::File::create(edges.join("x")).expect("writable");
                file.set_len(3 << 30).expect("it is sparse");
            },
            "bytes",
        ),
    ];
    for (about, plant, expected) in plants {
        let world = World::new();
        plant(&world, &world.path("repository/.git"));
        let ran = run_to_its_end(&world, &["link", "a", "a"], about);
        assert_printable(&ran, about);
        assert_eq!(ran.status.code(), Some(1), "{about}: {ran:?}");
        let text = String::from_utf8_lossy(&ran.stderr);
        assert!(text.contains(expected), "{about}: {text}");
    }
}

/// Adds an include of `other` to the configuration `file`.
fn include(file: &Path, other: &str) {
    let before = fs::read_to_string(file).unwrap_or_default();
    fs::write(file, format!("{before}[include]\npath = {other}\n")).expect("writable");
}

#[test]
fn text_of_a_journal_is_escaped_for_terminals() {
    // JSON does not escape U+007F to U+009F and directional marks.
    let repository = TempRepository::empty();
    let text = |key: u8, text: &str| {
        let mut item = vec![key, 0x78, u8::try_from(text.len()).expect("short")];
        item.extend_from_slice(text.as_bytes());
        item
    };
    let mut payload = vec![0xa5, 8, 0x54];
    payload.extend_from_slice(&[1; 20]);
    payload.extend(text(5, RAW));
    payload.extend(text(6, &format!("\u{e0001}{RAW}")));
    payload.extend(text(11, &RAW[..8]));
    payload.extend(text(12, &RAW[..8]));
    let commit = repository.commit(&[], &gitmind_test_support::encoded_message(&payload));
    repository.git(&["update-ref", "refs/gitmind/edges/main", &commit]);
    let id = "01".repeat(20);
    for args in [
        &["list"][..],
        &["list", "--json"],
        &["query", "--from", &id],
        &["query", "--from", &id, "--json"],
        &["cache-rebuild", "--json"],
    ] {
        let ran = mind_command(repository.path(), args).output().expect("it can be started");
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        assert_printable(&ran, &format!("{args:?}"));
    }
    let listed = repository.mind(&["list", "--json"]).json();
    assert_eq!(listed["edges"][0]["source_path"], RAW, "it is the same text");
}

#[test]
fn names_of_branches_files_and_directories_are_escaped_for_terminals() {
    let repository = TempRepository::empty();
    let commit = repository.commit(&[], &message(&[(1, 2)]));
    let names = ["-x", "--force", "a\u{9b}31m", "b\u{202e}c", "測試"];
    for name in names {
        let full = format!("refs/gitmind/edges/{name}");
        repository.git(&["update-ref", &full, &commit]);
        let branch = format!("--branch={name}");
        for args in [&["cache-rebuild"][..], &["list"], &["list", "--json"], &["cache-rebuild"]] {
            let args = [args, &[&*branch]].concat();
            let ran = mind_command(repository.path(), &args)
                .envs([("GITMIND_LOG_LEVEL", "DEBUG"), ("GITMIND_DEBUG_EVENTS", "1")])
                .output();
            let ran = ran.expect("it can be started");
            assert!(ran.status.success(), "{name}: {ran:?}");
            assert_printable(&ran, name);
        }
    }
    let flag = format!("--{RAW}");
    let raw = [&["list", "--branch", "no"][..], &["link", RAW, RAW], &["query", "--from", RAW]];
    let usage = [&["list", "--type", RAW][..], &[RAW], &["list", &*flag]].map(Vec::from);
    for args in raw.map(Vec::from).into_iter().chain(usage) {
        let ran = mind_command(repository.path(), &args).output().expect("it can be started");
        assert_ne!(ran.status.code(), Some(0), "{args:?}");
        assert_printable(&ran, &format!("{args:?}"));
    }
    let directory = temp_directory();
    let inner = directory.path().join(format!("directory {RAW}"));
    fs::create_dir(&inner).expect("writable");
    fs::write(inner.join(".git"), "gitdir: nowhere\n").expect("writable");
    let fixture = format!("./{RAW}/");
    for args in [&["list"][..], &["budget", "--fixture", &fixture], &["import", RAW]] {
        let ran = mind_command(&inner, args).output().expect("it can be started");
        assert_ne!(ran.status.code(), Some(0), "{args:?}");
        assert_printable(&ran, &format!("{args:?}"));
    }
}

#[test]
fn printed_variables_are_escaped_and_shortened() {
    // Regression: the error about a value of 100 KB repeated it in full.
    let world = World::new();
    let long = "x".repeat(100_000);
    let before = world.others();
    for name in [
        "GM_ARENA_CAP_CACHE_REBUILD",
        "GM_ALLOC_TRACE",
        "GITMIND_LOG_LEVEL",
        "GITMIND_METRICS_EXTRA_TAGS",
        "GITMIND_METRICS_FILE",
        "GIT_MIND_AUTHOR",
        "GIT_DIR",
        "GIT_CEILING_DIRECTORIES",
        "HOME",
        "TMPDIR",
        "XDG_CONFIG_HOME",
        "TZ",
        "GIT_CONFIG_COUNT",
    ] {
        for value in [&*long, RAW, "-1", "99999999999999999999"] {
            for args in [&["link", "a", "a"][..], &["cache-rebuild", "--force"], &["env"]] {
                let ran = world.run(args, &[(name, value)]);
                let about = format!("{name}: {args:?}");
                assert!(ran.status.code().is_some_and(|code| code <= 2), "{about}: {ran:?}");
                assert_printable(&ran, &about);
                assert!(ran.stderr.len() < 10_000, "{about}: {} bytes", ran.stderr.len());
            }
        }
    }
    let mut now = world.others();
    // The metrics file is written to the given path.
    for name in [RAW, "-1", "99999999999999999999"] {
        now.remove(&world.path("repository").join(name));
    }
    assert_eq!(now, before);
}

#[test]
fn the_state_directory_does_not_redirect_writes() {
    let small = [("GM_ARENA_HINT_CACHE_REBUILD", "16KiB"), ("GM_ARENA_CAP_CACHE_REBUILD", "16KiB")];
    for link in [".gitmind", ".gitmind/rebuild", ".gitmind/rebuild/spill-1"] {
        let world = World::new();
        world.run(&["link", "a", "a"], &[]);
        let path = world.path("home").join(link);
        fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        symlink(world.path("outside"), &path).expect("writable");
        fs::write(path.with_extension("lock"), "").expect("writable");
        let before = world.others();
        for args in [&["cache-rebuild", "--force"][..], &["budget", "--fixture", "./none/"]] {
            assert_printable(&world.run(args, &small), link);
            assert_eq!(world.others(), before, "{link}: {args:?}");
        }
    }
}

#[test]
fn a_cycle_of_alternates_ends() {
    let world = World::new();
    let objects = world.path("repository/.git/objects");
    let other = world.path("outside/objects");
    fs::create_dir_all(other.join("info")).expect("writable");
    fs::write(objects.join("info/alternates"), format!("{}\n", other.display())).expect("ok");
    fs::write(other.join("info/alternates"), format!("{}\n", objects.display())).expect("ok");
    let before = world.others();
    for args in COMMANDS {
        let ran = world.run(args, &[]);
        assert_printable(&ran, "a loop");
        assert!(ran.status.code().is_some_and(|code| code <= 1), "{args:?}: {ran:?}");
    }
    assert_eq!(world.others(), before);
}
