//! The house rules that no compiler knows: layers, sizes, headers, undeclared tests, paths.
//!
//! Each rule is a function from a file to what is wrong with it, tried here on a planted violation.

use std::fs;
use std::path::Path;

/// Modules from the ground up: one may use those before it and itself.
const LAYERS: [&str; 14] = [
    "units",
    "oid",
    "branch",
    "memory",
    "env",
    "clock",
    "progress",
    "git",
    "fs",
    "telemetry",
    "journal",
    "cache",
    "context",
    "fixture",
];
const LINES_MAX: usize = 600;
const CONTENTS_LINES_MAX: usize = 80;
const ERROR_LINES_MAX: usize = 150;
const COLUMNS_MAX: usize = 100;

/// What is wrong with one file.
type Rule = fn(path: &str, text: &str) -> Vec<String>;

const RULES: [Rule; 6] = [header, size, width, layers, unsafe_outside_memory, machine_paths];

/// Every file says in its first line why it exists.
fn header(path: &str, text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    let is_header = match extension(path) {
        "rs" => first.starts_with("//! ") || first.starts_with("#![doc"),
        "sh" | "nix" | "toml" | "py" if !is_generated(path) => {
            first.starts_with('#') || first.starts_with('[')
        }
        _ => true,
    };
    problem(is_header, path, 1, "no header: say in the first line why the file exists")
}

/// Small files; tables of contents are smaller.
fn size(path: &str, text: &str) -> Vec<String> {
    if extension(path) != "rs" {
        return Vec::new();
    }
    let max = match path.rsplit('/').next() {
        Some("mod.rs" | "lib.rs") => CONTENTS_LINES_MAX,
        Some("error.rs") => ERROR_LINES_MAX,
        _ => LINES_MAX,
    };
    let lines = text.lines().count();
    problem(lines <= max, path, lines, &format!("{lines} lines, the limit is {max}: split it"))
}

/// Lines that two columns on a screen can show.
fn width(path: &str, text: &str) -> Vec<String> {
    if !matches!(extension(path), "rs" | "nix" | "sh") {
        return Vec::new();
    }
    let too_wide = |line: &str| line.chars().count() > COLUMNS_MAX;
    let found = lines(text).filter(|(_, line)| too_wide(line) && !line.contains("://"));
    found.map(|(at, _)| format!("{path}:{at}: more than {COLUMNS_MAX} columns")).collect()
}

/// A module uses only what is below it.
fn layers(path: &str, text: &str) -> Vec<String> {
    let Some(module) = path.strip_prefix("src/").and_then(|rest| rest.split(['/', '.']).next())
    else {
        return Vec::new();
    };
    let Some(floor) = LAYERS.iter().position(|layer| *layer == module) else { return Vec::new() };
    let mut problems = Vec::new();
    for (at, line) in lines(text) {
        for used in line.split("crate::").skip(1) {
            let used = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
            let is_below =
                LAYERS[..=floor].contains(&used) || used != "cli" && !LAYERS.contains(&used);
            let rule =
                format!("`{module}` uses `{used}`, which is not below it: turn the arrow round");
            problems.extend(problem(is_below, path, at, &rule));
        }
    }
    problems
}

/// Code that the compiler cannot check lives in one place.
fn unsafe_outside_memory(path: &str, text: &str) -> Vec<String> {
    let homes = ["src/memory/", "tests/it/memory/", "benches/memory/", "benches/peers/"];
    let is_home = homes.iter().any(|home| path.starts_with(home));
    if extension(path) != "rs" || is_home || path == "tests/it/tidy.rs" {
        return Vec::new();
    }
    let is_unsafe = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.contains("unsafe {") || code.contains("unsafe impl") || code.contains("unsafe fn")
    };
    let found = lines(text).filter(|(_, line)| is_unsafe(line));
    found.map(|(at, _)| format!("{path}:{at}: `unsafe` belongs under src/memory")).collect()
}

/// No path of one machine.
fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let folders = ["work", "root", "home"].map(|folder| format!("/{folder}/"));
    let names_one = |line: &str| {
        folders.iter().any(|folder| {
            let mut starts = line.match_indices(folder.as_str());
            starts.any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.'))
        })
    };
    let found = lines(text).filter(|(_, line)| names_one(line));
    found.map(|(at, _)| format!("{path}:{at}: a path of one machine")).collect()
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn is_generated(path: &str) -> bool {
    path.ends_with(".lock")
}

fn problem(is_fine: bool, path: &str, line: usize, rule: &str) -> Vec<String> {
    if is_fine { Vec::new() } else { vec![format!("{path}:{line}: {rule}")] }
}

/// The text files of the checkout below these folders, by path from its root.
fn checkout() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let starts = ["src", "tests", "benches", "examples", "checks", "docker", "docs", "fixtures"];
    let mut folders: Vec<_> = starts.iter().map(|name| root.join(name)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let name = path.strip_prefix(root).expect("below the root");
                files.push((name.to_str().expect("UTF-8").to_owned(), text));
            }
        }
    }
    files.sort_unstable();
    files
}

#[test]
fn the_checkout_keeps_every_rule() {
    let files = checkout();
    assert!(files.len() > 60, "only {} files were found", files.len());
    let problems: Vec<_> = files
        .iter()
        .flat_map(|(path, text)| RULES.iter().flat_map(move |rule| rule(path, text)))
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_test_file_is_declared() {
    let main = include_str!("main.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for entry in fs::read_dir(folder).expect("a folder") {
        let name = entry.expect("readable").file_name().into_string().expect("UTF-8");
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        let is_declared = module == "main" || main.contains(&format!("mod {module};"));
        assert!(is_declared, "tests/it/{name} runs nowhere: declare it in tests/it/main.rs");
    }
}

#[test]
fn every_module_but_memory_forbids_unsafe() {
    let declarations = include_str!("../../src/lib.rs");
    let mut before = "";
    for line in declarations.lines() {
        if let Some(module) = line.strip_prefix("pub mod ") {
            let forbids = before == "#[forbid(unsafe_code)]";
            assert_eq!(forbids, module != "memory;", "src/lib.rs: {line}");
        }
        before = line;
    }
}

#[test]
fn each_rule_finds_its_planted_violation() {
    let long = "x\n".repeat(LINES_MAX + 1);
    let table = "x\n".repeat(CONTENTS_LINES_MAX + 1);
    let wide = format!("//! {}\n", "x".repeat(COLUMNS_MAX));
    let home = format!("//! see /{}/me\n", "home");
    let planted: [(Rule, &str, &str, &str); 10] = [
        (header, "src/a.rs", "use x;\n", "src/a.rs:1: no header"),
        (header, "checks/a.nix", "{ }\n", "checks/a.nix:1: no header"),
        (size, "src/cache/a.rs", &long, "601 lines, the limit is 600"),
        (size, "src/cache/mod.rs", &table, "81 lines, the limit is 80"),
        (width, "src/a.rs", &wide, "src/a.rs:1: more than 100 columns"),
        (
            layers,
            "src/journal/a.rs",
            "//! x\nuse crate::cache::Meta;",
            "a.rs:2: `journal` uses `cache`",
        ),
        (layers, "src/cache/a.rs", "use crate::cli::Args;", "`cache` uses `cli`"),
        (layers, "src/units.rs", "type X = crate::oid::Oid;", "`units` uses `oid`"),
        (unsafe_outside_memory, "src/git/a.rs", "let x = unsafe { y() };", "src/git/a.rs:1"),
        (machine_paths, "docs/a.md", &home, "docs/a.md:1: a path of one machine"),
    ];
    for (rule, path, text, expected) in planted {
        let found = rule(path, text);
        assert!(matches!(&found[..], [one] if one.contains(expected)), "{expected}: {found:?}");
    }
    let fine = "//! Why.\nuse crate::oid::Oid;\n";
    for rule in RULES {
        assert_eq!(rule("src/journal/a.rs", fine), [""; 0]);
    }
}
