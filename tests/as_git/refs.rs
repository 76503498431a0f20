//! Which refs are read, updated and logged.

use crate::world::{JOURNAL, World};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn an_edge_goes_to_the_journal_of_the_branch_that_git_has_checked_out() {
    for layout in ["link", "no space", "tab", "symbolic branch", "twice symbolic", "packed"] {
        let world = World::new();
        let head = world.path("r/.git/HEAD");
        match layout {
            "link" => {
                fs::remove_file(&head).expect("it is there");
                symlink("refs/heads/main", &head).expect("writable");
            }
            "no space" => fs::write(&head, "ref:refs/heads/main\n").expect("writable"),
            "tab" => fs::write(&head, "ref:\trefs/heads/main \n\n").expect("writable"),
            "packed" => drop(world.git("r", &["pack-refs", "--all"])),
            _ => {
                world.git("r", &["symbolic-ref", "refs/heads/b", "refs/heads/main"]);
                world.git("r", &["symbolic-ref", "refs/heads/a", "refs/heads/b"]);
                let branch = if layout == "twice symbolic" { "a" } else { "b" };
                world.git("r", &["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
            }
        }
        let before = world.git("r", &["rev-parse", JOURNAL]);
        assert_eq!(world.git("r", &["symbolic-ref", "HEAD"]), "refs/heads/main", "{layout}");
        world.link("r", "g", &[]).expect("a branch");
        assert_ne!(world.git("r", &["rev-parse", JOURNAL]), before, "{layout}");
        let journals = world.git("r", &["for-each-ref", "refs/gitmind/edges"]);
        assert_eq!(journals.lines().count(), 1, "{layout}: {journals}");
    }
}

#[test]
fn nothing_is_appended_to_a_tip_that_is_no_commit() {
    // Regression: a blob became the parent of a commit, which no tool can read.
    let world = World::new();
    world.ask(
        "r",
        &["-c", "user.name=s", "-c", "user.email=s@b", "tag", "-a", "-m", "x", "annotated"],
        &[],
    );
    let of = |name: &str| world.git("r", &["rev-parse", name]);
    let tips = [of("HEAD:f"), of("HEAD^{tree}"), of("annotated"), "7".repeat(40), "0".repeat(40)];
    let journal = world.path("r/.git").join(JOURNAL);
    for tip in tips {
        fs::write(&journal, format!("{tip}\n")).expect("writable");
        let error = world.link("r", "f", &[]).expect_err("it is no commit");
        assert!(error.contains(&tip), "{error}");
        assert_eq!(fs::read_to_string(&journal).expect("readable").trim_end(), tip);
    }
}

#[test]
fn updates_are_logged_where_git_logs_them() {
    for (setting, has_log, is_logged) in [
        (None, false, false),
        (Some("true"), false, false),
        (Some("always"), false, true),
        (None, true, true),
        (Some("false"), true, true),
    ] {
        let world = World::new();
        world.set("r", "user.name", "N");
        world.set("r", "user.email", "n@example.org");
        if let Some(setting) = setting {
            world.set("r", "core.logAllRefUpdates", setting);
        }
        let log = world.path("r/.git/logs").join(JOURNAL);
        if has_log {
            fs::create_dir_all(log.parent().expect("it has one")).expect("writable");
            fs::write(&log, "").expect("writable");
        }
        let before = world.git("r", &["rev-parse", JOURNAL]);
        world.link("r", "f", &[]).expect("a person");
        let lines = fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(lines.lines().count(), usize::from(is_logged), "{setting:?} {lines}");
        if is_logged {
            let show = ["reflog", "show", "-1", "--format=%H %gn <%ge> %gs", JOURNAL];
            let tip = world.git("r", &["rev-parse", JOURNAL]);
            assert_eq!(world.git("r", &show), format!("{tip} N <n@example.org> git-mind: append"));
            assert_eq!(world.git("r", &["rev-parse", &format!("{JOURNAL}@{{1}}")]), before);
        }
    }
}

#[test]
fn empty_directories_where_a_log_is_to_be_are_removed() {
    for name in ["refs/heads/other", JOURNAL] {
        let world = World::new();
        world.set("r", "core.logAllRefUpdates", "always");
        let log = world.path("r/.git/logs").join(name);
        fs::create_dir_all(log.join("x/y")).expect("writable");
        match name {
            JOURNAL => drop(world.link("r", "f", &[]).expect("the directories are empty")),
            _ => drop(world.git("r", &["update-ref", name, "HEAD"])),
        }
        assert_eq!(fs::read_to_string(&log).expect("a file").lines().count(), 1, "{name}");
    }
}

#[test]
fn no_ref_changes_while_git_checks_a_push() {
    let world = World::new();
    let error = world.link("r", "f", &[("GIT_QUARANTINE_PATH", "W/r")]).expect_err("forbidden");
    assert!(error.contains("GIT_QUARANTINE_PATH"), "{error}");
}
