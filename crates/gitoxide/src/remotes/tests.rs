//! Remotes of configurations as people write them.

use super::*;

fn config(text: &str) -> File {
    text.parse().expect("a configuration")
}

/// The problems of the configuration, each with the words of its repair after `git config`.
fn dangers(text: &str) -> Vec<(String, String)> {
    let config = config(text);
    let dangers = Remotes(&config).dangers();
    let repair = |danger: &Danger| {
        danger.repair.strip_prefix("git config ").expect("a command of git").to_owned()
    };
    dangers.iter().map(|danger| (danger.problem.clone(), repair(danger))).collect()
}

#[test]
fn a_branch_has_its_own_remote_else_the_only_one_else_origin() {
    let one = "[remote \"one\"]\nurl = x\n";
    let two = "[remote \"two\"]\nurl = x\n";
    let origin = "[remote \"origin\"]\nurl = x\n";
    let own = "[branch \"main\"]\nremote = two\n";
    for (text, expected) in [
        (String::new(), None),
        (one.into(), Some("one")),
        (format!("{one}{two}"), None),
        (format!("{one}{two}{origin}"), Some("origin")),
        (format!("{one}{two}{origin}{own}"), Some("two")),
        (format!("{one}[branch \"main\"]\nremote = .\n"), Some("one")),
        (format!("{one}[remote]\npushDefault = x\n"), Some("one")),
    ] {
        let config = config(&text);
        assert_eq!(Remotes(&config).of_branch("main").as_deref(), expected, "{text}");
    }
}

#[test]
fn refspecs_that_keep_journals_apart_are_no_danger() {
    for lines in [
        "fetch = +refs/heads/*:refs/remotes/o/*",
        "fetch = +refs/gitmind/edges/*:refs/gitmind/remotes/o/edges/*\nprune = true",
        "fetch = refs/gitmind/edges/*:refs/gitmind/edges/*",
        "fetch = +refs/*:refs/*\nfetch = ^refs/gitmind/*\nprune = true",
        "fetch = +refs/*:refs/*\nfetch = ^refs/gitmind/edges/*",
        "fetch = +refs/gitmind/cache/*:refs/gitmind/cache/*",
        "fetch = +refs/*:refs/mirror/*",
        "push = refs/gitmind/edges/*:refs/gitmind/edges/*",
        "push = +refs/heads/*:refs/heads/*",
        "push = +:",
        "mirror = false",
    ] {
        assert_eq!(dangers(&format!("[remote \"o\"]\nurl = x\n{lines}\n")), [], "{lines}");
    }
}

#[test]
fn what_overwrites_or_deletes_journals_is_named_with_its_repair() {
    const TRACKING: &str = "'+refs/gitmind/edges/*:refs/gitmind/remotes/o/edges/*'";
    let replace =
        |old: &str| format!("--fixed-value --replace-all remote.o.fetch {TRACKING} '{old}'");
    let without = "--add remote.o.fetch '^refs/gitmind/edges/*'".to_owned();
    for (refspec, more, does, repair) in [
        ("+refs/gitmind/*:refs/gitmind/*", "", "overwrites", None),
        ("+refs/gitmind/edges/*:refs/gitmind/edges/*", "", "overwrites", None),
        ("+refs/gitmind/edges/main:refs/gitmind/edges/main", "", "overwrites", None),
        ("refs/gitmind/*:refs/gitmind/*", "[fetch]\nprune = true\n", "deletes", None),
        ("refs/gitmind/*:refs/gitmind/*", "[remote \"o\"]\nprune\n", "deletes", None),
        ("+refs/*:refs/*", "", "overwrites", Some(&without)),
        ("+refs/*:refs/*", "[fetch]\nprune = true\n", "and deletes", Some(&without)),
        ("+refs/journals/*:refs/gitmind/edges/*", "", "overwrites", Some(&without)),
    ] {
        let found = dangers(&format!("[remote \"o\"]\nurl = x\nfetch = {refspec}\n{more}"));
        let [(problem, said)] = &*found else { panic!("{refspec}: {found:?}") };
        assert!(problem.contains(refspec) && problem.contains(does), "{problem}");
        assert_eq!(*said, repair.cloned().unwrap_or_else(|| replace(refspec)));
    }
    let off = "[fetch]\nprune = true\n[remote \"o\"]\nurl = x\nprune = false\n\
               fetch = refs/gitmind/*:refs/gitmind/*\n";
    assert_eq!(dangers(off), []);
    let both = "[remote \"o\"]\nurl = x\nfetch = +refs/gitmind/*:refs/gitmind/*\n\
                fetch = +refs/gitmind/edges/*:refs/gitmind/remotes/o/edges/*\n";
    let unset = "--fixed-value --unset-all remote.o.fetch '+refs/gitmind/*:refs/gitmind/*'";
    assert_eq!(dangers(both)[0].1, unset);
    let push = "[remote \"a b\"]\nurl = x\npush = +refs/*:refs/*\nmirror = true\n";
    let repairs: Vec<_> = dangers(push).into_iter().map(|(_, repair)| repair).collect();
    assert_eq!(
        repairs,
        [
            "--fixed-value --replace-all 'remote.a b.push' 'refs/*:refs/*' '+refs/*:refs/*'",
            "'remote.a b.mirror' false",
        ]
    );
}
