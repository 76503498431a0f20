//! The progress bar in a terminal: it is shown, and it leaves nothing behind.

use crate::terminal::in_terminal;
use gitmind_test_support::{mind, mind_command, temp_directory};

/// Edges of a journal whose rebuild takes longer than the bar waits, in a build without
/// optimization; a faster machine or build gets more of them.
const EDGES: u32 = 100_000;
const EDGES_MAX: u32 = 4_000_000;

#[test]
fn a_progress_bar_leaves_nothing_behind_at_any_width() {
    let directory = temp_directory();
    let mut edges = EDGES;
    loop {
        let journal = format!("{edges}.git");
        let count = edges.to_string();
        let make = ["fixture", "make", "--edges", &count, "--seed", "1", &journal];
        mind(directory.path(), &make).ok();
        let is_shown = [40, 80, 120].map(|columns| {
            let args = ["-C", &*journal, "cache-rebuild", "--force", "--threads", "1"];
            let shown = in_terminal(mind_command(directory.path(), &args), columns);
            assert!(shown.status.success(), "{}", shown.end());
            let (first, rest) = shown.end().split_once('\n').expect("several lines");
            assert!(first.starts_with("Rebuilt the cache of `main`: "), "{}", shown.end());
            let parts = ["reading", "writing", " %", " of 256", "█"];
            assert!(!parts.iter().any(|part| rest.contains(part)), "{columns}: {}", shown.end());
            let is_one_line = |screen: &String| screen.lines().count() <= 1;
            let drawn = shown.screens.iter().filter(|screen| screen.contains(" of 256 MiB"));
            assert!(drawn.clone().all(is_one_line), "{columns}: {:?}", shown.screens);
            // While it reads the total is not known.
            drawn.clone().any(|screen| !screen.contains(" % ")) && shown.has_shown(" % ")
        });
        if is_shown == [true; 3] {
            return;
        }
        edges *= 2;
        assert!(edges <= EDGES_MAX, "no bar was seen");
    }
}
