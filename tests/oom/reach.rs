//! Which lines of the services take memory without ever having been refused it.

use crate::report::Swept;
use std::collections::BTreeSet;
use std::path::Path;

/// The services whose lines are looked at.
const SERVICES: [&str; 4] = ["src/cache", "src/context", "src/git", "src/journal"];

/// Calls that ask for memory of the handle or of an arena, unless there is room already.
const CALLS: [&str; 12] = [
    "try_box(",
    "try_clone(",
    "try_extend(",
    "try_extend_from_slice(",
    "try_get_or_insert_with(",
    "try_insert(",
    "try_push(",
    "try_reserve(",
    "try_reserve_exact(",
    "try_resize(",
    "try_resize_zeroed(",
    "try_with_capacity(",
];

/// The frames of a stack that are looked up: all that a call stack keeps.
const FRAMES_MAX: usize = 1000;

/// Lines as `FILE:LINE: TEXT` that ask for memory and are on the stack of no refusal. A line that
/// is there although it is swept has always found room.
pub(crate) fn unreached(swept: &[Swept]) -> Vec<String> {
    let mut stacks = BTreeSet::new();
    let mut reached = BTreeSet::new();
    for case in swept.iter().flat_map(|swept| &swept.report.cases) {
        if !stacks.insert(case.stack.id()) {
            continue;
        }
        for (file, line, _) in case.stack.sites(FRAMES_MAX).into_iter().filter_map(|it| it.place) {
            if let Some(start) = file.rfind("src/") {
                reached.insert((file[start..].to_string(), line));
            }
        }
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut unreached = vec![];
    for service in SERVICES {
        visit(top, &top.join(service), &reached, &mut unreached);
    }
    unreached.sort();
    unreached
}

fn visit(top: &Path, folder: &Path, reached: &BTreeSet<(String, u32)>, out: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            visit(top, &path, reached, out);
            continue;
        }
        let name = path.strip_prefix(top).expect("it is below").to_string_lossy().into_owned();
        let is_code = name.ends_with(".rs") && !name.ends_with("/tests.rs");
        if is_code && !name.ends_with("/fake.rs") {
            let text = std::fs::read_to_string(&path).expect("a readable file");
            let is_reached = |line| reached.contains(&(name.clone(), line));
            out.extend(lines(&text, is_reached).map(|(at, line)| format!("{name}:{at}: {line}")));
        }
    }
}

/// The lines of `text` that ask for memory and whose statement is not reached, with their numbers.
fn lines(text: &str, is_reached: impl Fn(u32) -> bool) -> impl Iterator<Item = (u32, &str)> {
    let code = text.lines().take_while(|line| !line.starts_with("mod tests"));
    let mut start = 1;
    (1..).zip(code.map(str::trim)).filter(move |(at, line)| {
        let asks = CALLS.iter().any(|call| line.contains(call) && !line.contains("fn try_"));
        let is_missed = asks && !line.starts_with("//") && !(start..=*at).any(&is_reached);
        if line.is_empty() || line.ends_with([';', '{', '}']) {
            start = at + 1;
        }
        is_missed
    })
}

#[test]
fn a_line_that_asks_is_missed_unless_its_statement_is_reached() {
    let text = "fn f() {\n  // try_push(\n  a.try_push(1)?;\n  b\n    .try_push(2)?;\n}\n\
                mod tests {\n  a.try_push(3)";
    let missed = |reached: &[u32]| {
        let lines = lines(text, |line| reached.contains(&line));
        lines.map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(missed(&[]), [3, 5]);
    assert_eq!(missed(&[3]), [5]);
    assert_eq!(missed(&[4]), [3]);
    assert_eq!(missed(&[3, 5]), [0; 0]);
}
