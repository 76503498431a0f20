//! Processes that append to one journal concurrently.

use gitmind_test_support::checkout::{Checkout, length};
use gitmind_test_support::concurrent::at_once;
use gitmind_test_support::record;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

const PROCESSES: usize = 8;

/// Appends an edge whose session is `session`.
pub(crate) fn link(checkout: &Checkout, session: &str) {
    let ran = checkout.command(&["link", "a", "b"]).env("GIT_MIND_SESSION", session).output();
    let ran = ran.expect("it was built");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{session}: {stderr}");
}

/// The sessions of a journal's edges, each of which is in a commit of its own, oldest first.
pub(crate) fn sessions(checkout: &Checkout) -> Vec<String> {
    let edges = checkout.edges("main");
    let session =
        |edge: &serde_json::Value| edge["attribution"]["session"].as_str().map(str::to_owned);
    edges.iter().rev().map(|edge| session(edge).expect("a text")).collect()
}

/// Fails unless every edge is there once, and those of each writer in the order of its runs.
pub(crate) fn assert_all(sessions: &[String], writers: usize, each: usize) {
    assert_eq!(sessions.len(), writers * each);
    for writer in 0..writers {
        let prefix = format!("{writer}-");
        let own = sessions.iter().filter(|session| session.starts_with(&prefix));
        let expected = (0..each).map(|number| format!("{prefix}{number}"));
        assert!(own.cloned().eq(expected), "writer {writer}");
    }
}

#[test]
fn eight_processes_that_link_lose_no_edge_and_none_fails() {
    let each = length(8, 200);
    let checkout = Checkout::new();
    at_once(PROCESSES, |writer| {
        (0..each).for_each(|number| link(&checkout, &format!("{writer}-{number}")));
    });
    assert_all(&sessions(&checkout), PROCESSES, each);
    checkout.assert_sound();
    record("8 processes append at once", "link", "every edge once, in its writer's order");
}

#[test]
fn eight_processes_that_import_keep_each_import_together() {
    // Enough edges for two commits, which become visible by one update of the ref.
    let each = length(600, 5000);
    let checkout = Checkout::new();
    at_once(PROCESSES, |writer| {
        let mut command = checkout.command(&["import", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.env("GIT_MIND_SESSION", writer.to_string()).spawn().expect("built");
        let line = r#"{"source_path": "a", "target_path": "b"}"#.to_owned() + "\n";
        let mut input = child.stdin.take().expect("it is piped");
        input.write_all(line.repeat(each).as_bytes()).expect("it reads all");
        drop(input);
        let ran = child.wait_with_output().expect("it ends");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    });
    let sessions = sessions(&checkout);
    assert_eq!(sessions.len(), PROCESSES * each);
    let imports = sessions.chunk_by(|a, b| a == b);
    assert!(imports.clone().all(|import| import.len() == each), "an import was torn apart");
    assert_eq!(sessions.iter().collect::<BTreeSet<_>>().len(), PROCESSES);
    checkout.assert_sound();
    record("8 processes append at once", "import", "every import whole, its edges in a row");
}
