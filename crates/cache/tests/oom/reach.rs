//! Finding the lines of the services that allocate and that no injected failure reached.

use crate::report::Swept;
use std::collections::BTreeSet;
use std::path::Path;

/// The directories of the services.
const SERVICES: [&str; 4] =
    ["crates/cache/src", "crates/git/src", "crates/gitoxide/src", "crates/journal/src"];

/// The directory with the declarations of the functions that allocate.
const MEMORY: &str = "crates/memory/src";

/// Largest number of frames looked up per stack; more than any stack has.
const FRAMES_MAX: usize = 1000;

/// The lines that allocate and are not on the stack of any injected failure, as `FILE:LINE: TEXT`.
/// Such a line of a swept operation never allocates, because the capacity suffices.
pub(crate) fn unreached(swept: &[Swept]) -> Vec<String> {
    let mut stacks = BTreeSet::new();
    let mut reached = BTreeSet::new();
    for case in swept.iter().flat_map(|swept| &swept.report.cases) {
        if !stacks.insert(case.stack.id()) {
            continue;
        }
        for (file, line, _) in case.stack.sites(FRAMES_MAX).into_iter().filter_map(|it| it.place) {
            if let Some(start) = file.rfind("crates/").or_else(|| file.rfind("src/")) {
                reached.insert((file[start..].to_string(), line));
            }
        }
    }
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let calls = calls(&top);
    let mut unreached = vec![];
    for service in SERVICES {
        visit(&top.join(service), &mut |path, text| {
            let name = path.strip_prefix(&top).expect("it is below").to_string_lossy().into_owned();
            let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
            if is_test || name.ends_with("/fake.rs") {
                return;
            }
            let is_reached = |line| reached.contains(&(name.clone(), line));
            let lines = lines(text, &calls, is_reached);
            unreached.extend(lines.map(|(at, line)| format!("{name}:{at}: {line}")));
        });
    }
    unreached.sort();
    unreached
}

/// Calls of the memory layer that can fail, as `try_push(`, from its source.
fn calls(top: &Path) -> BTreeSet<String> {
    let mut calls = BTreeSet::new();
    visit(&top.join(MEMORY), &mut |_, text| {
        for declared in text.split("pub fn try_").skip(1) {
            let name = declared.split(|c: char| !c.is_alphanumeric() && c != '_').next();
            calls.insert(format!("try_{}(", name.unwrap_or_default()));
        }
    });
    calls
}

/// Calls `read` with every Rust file below `directory` and its text.
fn visit(directory: &Path, read: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(directory).expect("the sources are there") {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            visit(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&path, &std::fs::read_to_string(&path).expect("a readable file"));
        }
    }
}

/// The lines of `text` that allocate and whose statement is not reached, with their numbers.
fn lines<'t>(
    text: &'t str,
    calls: &BTreeSet<String>,
    is_reached: impl Fn(u32) -> bool,
) -> impl Iterator<Item = (u32, &'t str)> {
    let code = text.lines().take_while(|line| !line.starts_with("mod tests"));
    let mut start = 1;
    (1..).zip(code.map(str::trim)).filter(move |(at, line)| {
        let allocates = calls.iter().any(|call| line.contains(call) && !line.contains("fn try_"));
        let is_missed = allocates && !line.starts_with("//") && !(start..=*at).any(&is_reached);
        if line.is_empty() || line.ends_with([';', '{', '}']) {
            start = at + 1;
        }
        is_missed
    })
}

#[test]
fn a_line_that_allocates_is_unreached_unless_its_statement_is_reached() {
    let text = "fn f() {\n  // try_push(\n  a.try_push(1)?;\n  b\n    .try_push(2)?;\n}\n\
                mod tests {\n  a.try_push(3)";
    let missed = |reached: &[u32]| {
        let calls = calls(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
        let lines = lines(text, &calls, |line| reached.contains(&line));
        lines.map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(missed(&[]), [3, 5]);
    assert_eq!(missed(&[3]), [5]);
    assert_eq!(missed(&[4]), [3]);
    assert_eq!(missed(&[3, 5]), [0; 0]);
}
