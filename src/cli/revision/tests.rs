//! Revisions name what they name for `git rev-parse`, which is asked in the same run.

use super::*;
use crate::gitoxide::Location;
use crate::memory::System;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::tempdir;

/// The blobs of the repository, so many that some ids start with the same four digits.
const BLOBS: u32 = 900;

/// git in this directory, with nobody's variables and configuration.
fn command(directory: &Path, args: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH")).env("LC_ALL", "C");
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("TZ", "UTC");
    for of in ["AUTHOR", "COMMITTER"] {
        git.env(format!("GIT_{of}_NAME"), "a").env(format!("GIT_{of}_EMAIL"), "a@b");
    }
    git.current_dir(directory).args(args);
    git
}

/// What git prints, trimmed; it must succeed.
fn git(directory: &Path, args: &[&str]) -> String {
    let ran = command(directory, args).output().expect("git runs");
    assert!(ran.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("ASCII").trim_end().to_owned()
}

/// A stream for `git fast-import`: blobs, and a history with a merge.
fn stream() -> String {
    let blob = |number| format!("blob\ndata <<END\nblob {number}\nEND\n");
    let commit = |mark: u32, parents: &str| {
        let time = 1_700_000_000 + 1000 * mark;
        format!(
            "commit refs/heads/main\nmark :{mark}\nauthor a <a@b> 9 +0000\ncommitter a <a@b> \
             {time} +0100\ndata 2\nx\n{parents}\n"
        )
    };
    let blobs: String = (0..BLOBS).map(blob).collect();
    let commits = [(1, ""), (2, "from :1"), (3, "from :1"), (4, "from :2\nmerge :3\n"), (5, "")];
    let commits: String = commits.map(|(mark, parents)| commit(mark, parents)).concat();
    blobs + &commits + "reset refs/heads/side\nfrom :3\n\n"
}

fn repository(directory: &Path) -> GitRepository {
    git(directory, &["init", "-q", "-b", "main", "."]);
    let mut import = command(directory, &["fast-import", "--quiet"]);
    let mut import = import.stdin(Stdio::piped()).spawn().expect("git runs");
    import.stdin.take().expect("a pipe").write_all(stream().as_bytes()).expect("it reads");
    assert!(import.wait().expect("it ends").success());
    for args in [
        "commit-tree -m loose -p main main^{tree}",
        "tag light side",
        "tag -a -m t annotated main~1",
        "tag -a -m t twice annotated",
        "tag -a -m t of-tree main^{tree}",
        "branch beef side",
        "branch both main",
        "tag both side",
        "branch deep/er side",
        "update-ref refs/remotes/origin/main main",
        "symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/main",
        "update-ref refs/gitmind/edges/main side",
        "update-ref refs/stash main~1",
        "update-ref ORIG_HEAD main~2",
        "symbolic-ref refs/heads/unborn refs/heads/nowhere",
    ] {
        git(directory, &args.split(' ').collect::<std::vec::Vec<_>>());
    }
    GitRepository::open(Location::at(&directory.join(".git")).expect("a repository"))
        .expect("a repository")
}

/// What git says that `text` names.
fn of_git(directory: &Path, text: &str) -> Option<String> {
    let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", text];
    let ran = command(directory, &args).output().expect("git runs");
    let id = String::from_utf8(ran.stdout).expect("ASCII").trim_end().to_owned();
    ran.status.success().then_some(id)
}

#[test]
fn a_revision_names_what_it_names_for_git() {
    let (temp, system) = (tempdir().expect("room"), System::new());
    let (directory, repository) = (temp.path(), repository(temp.path()));
    let revisions = Revisions { repository: &repository, alloc: Alloc::new(&system) };
    let names = "@ HEAD main side light annotated twice of-tree beef both deep/er deep er origin \
                 origin/main heads/main tags/both heads/both refs/heads/both remotes/origin \
                 gitmind/edges/main refs/gitmind/edges/main stash ORIG_HEAD FETCH_HEAD unborn \
                 nowhere main.lock config refs heads/ /main a//b x@y";
    let tip = git(directory, &["rev-parse", "main"]);
    let mut bases: std::vec::Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    for digits in [3, 4, 7, 39, 40] {
        bases.extend([tip[..digits].to_owned(), tip[..digits].to_uppercase()]);
    }
    bases.extend([format!("v1-3-g{}", &tip[..9]), format!("x-g{}", &tip[..9])]);
    let suffixes = [
        "",
        "~",
        "^",
        "~0",
        "^0",
        "~2",
        "^2",
        "^3",
        "~9",
        "^2~1",
        "^^",
        "~1^2",
        "^{}",
        "^{commit}",
        "^{tree}",
        "^{object}",
        "^{commit}~1",
        "~1^{commit}^0",
    ];
    let mut found = 0;
    for base in &bases {
        for suffix in suffixes {
            let text = format!("{base}{suffix}");
            let expected = of_git(directory, &text);
            let ours = revisions.object(&text).ok().flatten();
            found += u32::from(ours.is_some());
            assert_eq!(ours.map(|named| named.id.to_string()), expected, "{text}");
        }
    }
    assert!(found > 300, "{found} of them name something");
}

#[test]
fn an_abbreviation_means_what_it_means_to_git_or_lists_what_it_may_mean() {
    let (temp, system) = (tempdir().expect("room"), System::new());
    let (directory, repository) = (temp.path(), repository(temp.path()));
    let revisions = Revisions { repository: &repository, alloc: Alloc::new(&system) };
    let all = git(directory, &["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]);
    let mut prefixes = BTreeSet::new();
    let mut shared: std::vec::Vec<_> =
        all.lines().map(|id| &id[..4]).filter(|prefix| !prefixes.insert(*prefix)).collect();
    assert!(shared.len() > 1, "some of {BLOBS} objects share four digits");
    let ambiguous = shared.clone();
    shared.extend(prefixes.iter().take(20));
    for prefix in shared {
        let expected = git(directory, &["rev-parse", &format!("--disambiguate={prefix}")]);
        let expected: BTreeSet<_> = expected.lines().map(str::to_owned).collect();
        let ours = repository.ids_with_prefix(prefix, 99);
        assert!(ours.is_sorted());
        assert_eq!(ours.iter().map(Oid::to_string).collect::<BTreeSet<_>>(), expected);
        assert_eq!(repository.ids_with_prefix(prefix, 1), ours[..1]);
        assert!(ours.iter().all(|id| repository.contains(*id)));
        let named = revisions.object(prefix).ok().flatten().map(|named| named.id.to_string());
        assert_eq!(named, of_git(directory, prefix), "{prefix}");
    }
    assert!(!repository.contains(Oid::new([7; 20])));
    for bad in ["", "abc", "xyzw", "éé", "12 4", &"0".repeat(41)] {
        assert_eq!(repository.ids_with_prefix(bad, 9), [], "{bad}");
    }
    let error = revisions.object(ambiguous[0]).expect_err("it is ambiguous").text();
    for id in repository.ids_with_prefix(ambiguous[0], 9) {
        assert!(error.contains(&id.to_string()), "{error}");
    }
}

#[test]
fn other_forms_of_git_are_refused_with_what_to_type() {
    let (temp, system) = (tempdir().expect("room"), System::new());
    let repository = repository(temp.path());
    let revisions = Revisions { repository: &repository, alloc: Alloc::new(&system) };
    for text in ["main@{1}", "@{upstream}", ":/x", "HEAD^{/x}", "^main", "a..b", "", "~1", "-1"] {
        let error = revisions.object(text).expect_err(text).text();
        assert!(error.contains("is a form of revision that is not supported"), "{text}: {error}");
    }
}

#[test]
fn a_date_is_one_of_the_zone_unless_it_has_an_offset() {
    let zone = |name: &str| Zone::of(Some(name.into()));
    for (text, name, expected) in [
        ("2026-11-01", "UTC0", Some(1_793_491_200)),
        ("2026-11-01", "<+0545>-5:45", Some(1_793_491_200 - 20_700)),
        ("2026-11-01T12:00", "UTC0", Some(1_793_534_400)),
        ("2026-11-01 12:00:01", "UTC0", Some(1_793_534_401)),
        ("2026-11-01T12:00:00Z", "<+0545>-5:45", Some(1_793_534_400)),
        ("2026-11-01T12:00+01:00", "UTC0", Some(1_793_530_800)),
        ("2026-07-01T00:00", "CET-1CEST,M3.5.0,M10.5.0/3", Some(1_782_856_800)),
        ("2026-02-30", "UTC0", None),
        ("20261101", "UTC0", None),
        ("yesterday", "UTC0", Some(1_793_404_800)),
        ("12345678", "UTC0", None),
        ("2026", "UTC0", None),
        ("", "UTC0", None),
    ] {
        let now = Timestamp { seconds: 1_793_491_200, offset_seconds: 0 };
        let found = parse_date(text, &zone(name), now);
        assert_eq!(found, expected.map(|seconds: i64| seconds * 1000), "{text} in {name}");
    }
}
