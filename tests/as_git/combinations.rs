//! The differential check: layouts, changes, environments and places are combined from a seed, and
//! git and the program are asked the same in each combination.
//!
//! `GITMIND_LONG=1` tries ten times as many; `GITMIND_SEED=N` other ones. A difference names its
//! combination.

use crate::world::World;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::fs;
use std::os::unix::fs::symlink;

const COMBINATIONS: usize = 320;
const THREADS: usize = 4;

/// Where the repository is and how it is made, its directories and its git directory below W.
const LAYOUTS: [Layout; 7] = [
    Layout { name: "plain", make: |_| (), top: "r", git_dir: "r/.git" },
    Layout {
        name: "linked worktree",
        make: linked,
        top: "linked",
        git_dir: "r/.git/worktrees/linked",
    },
    Layout { name: "git file", make: separate, top: "r", git_dir: "store.git" },
    Layout { name: "git directory by a link", make: by_link, top: "r", git_dir: "store.git" },
    Layout { name: "packed", make: packed, top: "r", git_dir: "r/.git" },
    Layout { name: "core.worktree", make: with_core_worktree, top: "r", git_dir: "r/.git" },
    Layout {
        name: "submodule",
        make: submodule,
        top: "outer/sub",
        git_dir: "outer/.git/modules/sub",
    },
];

struct Layout {
    name: &'static str,
    make: fn(&World),
    top: &'static str,
    git_dir: &'static str,
}

fn linked(world: &World) {
    world.git("r", &["worktree", "add", "-q", "-b", "other", "../linked"]);
}

fn separate(world: &World) {
    world.git("r", &["init", "-q", "--separate-git-dir", "../store.git"]);
}

fn by_link(world: &World) {
    fs::rename(world.path("r/.git"), world.path("store.git")).expect("writable");
    symlink("../store.git", world.path("r/.git")).expect("writable");
}

fn packed(world: &World) {
    world.git("r", &["gc", "-q"]);
}

fn with_core_worktree(world: &World) {
    world.set("r", "core.worktree", "..");
}

fn submodule(world: &World) {
    world.git("", &["init", "-q", "-b", "main", "outer"]);
    let args = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../r", "sub"];
    world.git("outer", &args);
}

type Change = fn(&World, &Layout);

/// A change of the repository's refs or configuration.
const CHANGES: [(&str, Change); 14] = [
    ("nothing", |_, _| ()),
    ("HEAD is detached", |world, layout| {
        world.git(layout.top, &["checkout", "-q", "--detach"]);
    }),
    ("HEAD has no space", |world, layout| {
        let head = world.path(layout.git_dir).join("HEAD");
        let text = fs::read_to_string(&head).expect("a file").replace("ref: ", "ref:");
        fs::write(head, text).expect("writable");
    }),
    ("HEAD is a link", |world, layout| {
        let head = world.path(layout.git_dir).join("HEAD");
        let text = fs::read_to_string(&head).expect("a file");
        fs::remove_file(&head).expect("it is there");
        symlink(text.trim_start_matches("ref: ").trim_end(), head).expect("writable");
    }),
    ("the branch is symbolic", |world, layout| {
        let branch = world.git(layout.top, &["symbolic-ref", "HEAD"]);
        world.git(layout.top, &["symbolic-ref", "refs/heads/alias", &branch]);
        world.git(layout.top, &["symbolic-ref", "HEAD", "refs/heads/alias"]);
    }),
    ("refs are packed", |world, layout| {
        world.git(layout.top, &["pack-refs", "--all"]);
    }),
    ("an include of the branch", |world, _| {
        include(world, "includeIf.onbranch:main.path");
    }),
    ("an include of the git directory", |world, _| {
        include(world, &format!("includeIf.gitdir:{}**.path", world.path("").display()));
    }),
    ("an include by any name", |world, _| include(world, "include.path")),
    ("an include in capitals", |world, _| include(world, "INCLUDEIF.onbranch:main.Path")),
    ("an include of the git directory by a link", |world, _| {
        include(world, &format!("includeIf.gitdir:{}/.path", world.path("alias").display()));
    }),
    ("bare without a format version", |world, layout| {
        world.git(layout.top, &["config", "--unset", "core.repositoryFormatVersion"]);
        world.set(layout.top, "core.bare", "true");
    }),
    ("core.worktree that is gone", |world, layout| {
        let gone = world.path("gone");
        world.set(layout.top, "core.worktree", gone.to_str().expect("UTF-8"));
    }),
    ("logs of all refs", |world, _| global(world, "core.logAllRefUpdates", "always")),
];

fn global(world: &World, key: &str, value: &str) {
    let file = world.path("home/.gitconfig");
    world.git("", &["config", "-f", file.to_str().expect("UTF-8"), key, value]);
}

fn include(world: &World, key: &str) {
    fs::write(world.path("home/more"), "[user]\n\temail = more@example.org\n").expect("writable");
    global(world, key, "more");
}

/// Variables, of which `W` is the world's directory, `T` the top and `D` the git directory.
const ENVIRONMENTS: [&[(&str, &str)]; 20] = [
    &[],
    &[("GIT_DIR", "D")],
    &[("GIT_DIR", "D"), ("GIT_WORK_TREE", "T")],
    &[("GIT_DIR", "D"), ("GIT_WORK_TREE", "T/d")],
    &[("GIT_WORK_TREE", "T")],
    &[("GIT_WORK_TREE", ".")],
    &[("GIT_DIR", "D"), ("GIT_WORK_TREE", "W/home")],
    &[("PWD", "W/alias")],
    &[("PWD", "W/alias/d"), ("GIT_WORK_TREE", "T")],
    &[("GIT_DIR", "D"), ("GIT_IMPLICIT_WORK_TREE", "0")],
    &[("GIT_CEILING_DIRECTORIES", "T")],
    &[("GIT_CEILING_DIRECTORIES", "W")],
    &[("GIT_CEILING_DIRECTORIES", "W/alias:T/d")],
    &[("GIT_DISCOVERY_ACROSS_FILESYSTEM", "true")],
    &[("GIT_CONFIG_COUNT", "")],
    &[("GIT_CONFIG_PARAMETERS", "'user.email'='p@example.org' 'author.name'='P'")],
    &[("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "user.name"), ("GIT_CONFIG_VALUE_0", "N")],
    &[("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_EMAIL", "c@example.org")],
    &[("GIT_AUTHOR_DATE", "1112911993 +0530"), ("GIT_COMMITTER_DATE", "2005-04-07 22:13:13")],
    &[("TZ", "<X>-5:45"), ("GIT_COMMITTER_DATE", "2005-04-07T22:13:13")],
];

/// Directories below the top, and paths there.
const PLACES: [(&str, &str); 8] = [
    ("", "f"),
    ("", "d/f"),
    ("", "./d/../g"),
    ("d", "f"),
    ("d", "../g"),
    ("d", "../../f"),
    ("d", "T/d/g"),
    ("d", "nowhere"),
];

/// What git answers: the path and object, the journal of the branch, both persons with their dates,
/// and whether an update of a journal is logged. An error is `None`.
fn git_says(
    world: &World,
    at: &str,
    path: &str,
    variables: &[(&str, &str)],
) -> Option<[String; 4]> {
    let ask = |args: &[&str]| world.ask(at, args, variables);
    let is_inside = ask(&["rev-parse", "--is-inside-work-tree"])? == "true";
    let named = match path.starts_with('/') || is_inside {
        true => ask(&["ls-files", "--full-name", "--error-unmatch", "--", path])?,
        // Outside of the worktree git takes no relative path.
        false if ask(&["rev-parse", "--show-toplevel"]).is_some() => return None,
        // Without a worktree a path is one from the top; git does not clean it there.
        false => path.replace("./d/../", ""),
    };
    let id = ask(&["rev-parse", "-q", "--verify", &format!("HEAD:{named}")])?;
    let branch = ask(&["symbolic-ref", "-q", "--short", "HEAD"]).unwrap_or_else(|| "HEAD".into());
    let log = ask(&["config", "core.logAllRefUpdates"]).is_some_and(|value| value == "always");
    // Only the date of a commit whose time is given can be compared.
    let person = |who| ask(&["var", &format!("GIT_{who}_IDENT")]);
    let people = format!("{} {}", person("AUTHOR")?, person("COMMITTER")?);
    Some([format!("{named} {id}"), format!("refs/gitmind/edges/{branch}"), people, log.to_string()])
}

/// The repository, whatever its layout.
const STORE: [(&str, &str); 2] = [("GIT_DIR", "W/store"), ("GIT_WORK_TREE", "W/home")];

fn we_say(world: &World, at: &str, path: &str, variables: &[(&str, &str)]) -> Option<[String; 4]> {
    let ask = |args: &[&str]| world.ask("home", args, &STORE);
    let all = || ask(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/gitmind/edges"]);
    let before = all()?;
    let linked = world.link(at, path, variables).ok()?;
    let now = all()?;
    let journal = now.lines().find(|line| !before.contains(*line))?.split(' ').next()?;
    let people =
        ask(&["log", "-1", "--date=raw", "--format=%an <%ae> %ad %cn <%ce> %cd", journal])?;
    let has_log = ask(&["reflog", "exists", journal]).is_some();
    Some([linked, journal.to_owned(), people, has_log.to_string()])
}

/// Makes times equal that neither side was given: both are now.
fn without_now(answer: Option<[String; 4]>) -> Option<[String; 4]> {
    answer.map(|[file, journal, people, log]| {
        let words = people.split(' ').map(|word| match word.parse::<u64>() {
            Ok(seconds) if seconds > 1_500_000_000 => "NOW",
            _ => word,
        });
        [file, journal, words.collect::<Vec<_>>().join(" "), log]
    })
}

/// One combination.
struct Combination {
    layout: &'static Layout,
    change: &'static (&'static str, Change),
    environment: &'static [(&'static str, &'static str)],
    place: (&'static str, &'static str),
}

impl Combination {
    fn random(random: &mut SplitMix64) -> Self {
        let mut below = |limit: usize| {
            usize::try_from(random.next_u64() % limit as u64).expect("it is below the limit")
        };
        Self {
            layout: &LAYOUTS[below(LAYOUTS.len())],
            change: &CHANGES[below(CHANGES.len())],
            environment: ENVIRONMENTS[below(ENVIRONMENTS.len())],
            place: PLACES[below(PLACES.len())],
        }
    }

    /// Whether git has an answer, and the difference, if there is one.
    fn compare(&self) -> (bool, Option<String>) {
        let Self { layout, change: (change, make_change), environment, place } = self;
        let world = World::new();
        global(&world, "user.name", "Base");
        global(&world, "user.email", "base@example.org");
        (layout.make)(&world);
        make_change(&world, layout);
        symlink(world.path(layout.top), world.path("alias")).expect("writable");
        symlink(world.path(layout.git_dir), world.path("store")).expect("writable");
        let variables: Vec<_> =
            environment.iter().map(|(name, value)| (*name, self.expand(&world, value))).collect();
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (at, path) = (format!("{}/{}", layout.top, place.0), self.expand(&world, place.1));
        let git = without_now(git_says(&world, &at, &path, &variables));
        let ours = without_now(we_say(&world, &at, &path, &variables));
        let about = || format!("{}, {change}, {environment:?}, {place:?}", layout.name);
        let difference = || format!("{}\n  git:  {git:?}\n  ours: {ours:?}\n", about());
        (git.is_some(), (git != ours).then(difference))
    }

    /// The value of a variable or a path, with the top and the git directory in it.
    fn expand(&self, world: &World, value: &str) -> String {
        let at = |below: &str| world.path(below).display().to_string();
        let parts = value.split(':').map(|part| match part.strip_prefix('T') {
            Some(below) => format!("{}{below}", at(self.layout.top)),
            None if part == "D" => at(self.layout.git_dir),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(":")
    }
}

#[test]
fn git_and_the_program_answer_alike_in_every_combination() {
    let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let count = COMBINATIONS * if number("GITMIND_LONG").is_some() { 10 } else { 1 };
    let mut random = SplitMix64::seed_from_u64(number("GITMIND_SEED").unwrap_or(1));
    let combinations: Vec<_> = (0..count).map(|_| Combination::random(&mut random)).collect();
    let compared: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = combinations
            .chunks(count.div_ceil(THREADS))
            .map(|share| scope.spawn(|| share.iter().map(Combination::compare).collect::<Vec<_>>()))
            .collect();
        running.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let answers = compared.iter().filter(|(has_answer, _)| *has_answer).count();
    let differences: Vec<_> = compared.into_iter().filter_map(|(_, found)| found).collect();
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.concat());
    assert!(answers > count / 2, "git has an answer in {answers} of {count}");
}
