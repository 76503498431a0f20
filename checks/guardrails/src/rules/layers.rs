//! A module uses what is below it, and a pure one touches nothing outside the process.

use crate::finding::{Finding, rule};
use crate::source::{Name, Source};
use crate::tree;

/// Modules from the ground up: one may use those before it and itself. A crate of its own is on the
/// layer of its name, but for its modules that have a layer themselves.
pub(crate) const LAYERS: [&str; 17] = [
    "units",
    "oid",
    "branch",
    "memory",
    "pipeline",
    "env",
    "clock",
    "random",
    "progress",
    "git",
    "fs",
    "telemetry",
    "journal",
    "cache",
    "context",
    "fixture",
    "cli",
];
/// Modules that are fuzzed and compared with models: the same input, the same result.
const PURE: [&str; 11] = [
    "src/journal/edge",
    "src/journal/cbor",
    "src/journal/message",
    "src/journal/attribution",
    "src/journal/batch",
    "src/journal/ulid",
    "src/cache/plan",
    "src/cache/postings",
    "src/cache/bitmap",
    "src/cache/commit_index",
    "src/cache/meta",
];
const IMPURE: [&[&str]; 10] = [
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time"],
    &["crate", "clock"],
    &["crate", "env"],
    &["crate", "git"],
];
/// What of `std::env` asks the process for more than its own file.
const READS: [&str; 12] = [
    "args",
    "args_os",
    "current_dir",
    "home_dir",
    "remove_var",
    "set_current_dir",
    "set_var",
    "temp_dir",
    "var",
    "var_os",
    "vars",
    "vars_os",
];

/// The rules on who uses whom.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let Some((member, inside)) = tree::library(source.path) else { return Vec::new() };
    let module = layer_in(member, inside.split(['/', '.']).next().unwrap_or_default());
    [layers(source, module), pure(source), environment(source, module), forbids(source)].concat()
}

/// The layer of a module at the top of a crate.
fn layer_in<'a>(member: &'a str, module: &'a str) -> &'a str {
    if member.is_empty() || LAYERS.contains(&module) { module } else { member }
}

fn layers(source: &Source<'_>, module: &str) -> Vec<Finding> {
    if matches!(module, "lib" | "main") {
        return Vec::new();
    }
    let Some(floor) = LAYERS.iter().position(|layer| *layer == module) else {
        let what =
            format!("`{module}` is on no layer: give it a place in LAYERS (rules/layers.rs)");
        return vec![Finding::new(source.path, 1, rule::LAYERS, what)];
    };
    let above = source.names().iter().filter_map(|name| {
        let used = top_module(source.path, name)?;
        let height = LAYERS.iter().position(|layer| *layer == used)?;
        (height > floor).then(|| {
            let what = format!(
                "`{module}` uses `{used}`, which is above it: turn the arrow round, pass in what \
                 is needed or move it down"
            );
            Finding::new(source.path, name.line, rule::LAYERS, what)
        })
    });
    above.collect()
}

/// The layer that a path leads to, if it leads to one of ours.
fn top_module(path: &str, name: &Name) -> Option<String> {
    let (member, inside) = tree::library(path)?;
    let mut segments = name.segments.iter().map(String::as_str);
    let (member, module) = match segments.next()? {
        "crate" => (member, segments.next()?),
        "gitmind" => ("", segments.next()?),
        "super" => {
            let inside = inside.strip_suffix(".rs")?;
            let mut here: Vec<&str> = inside.trim_end_matches("/mod").split('/').collect();
            here.pop();
            let rest = segments.skip_while(|segment| *segment == "super" && here.pop().is_some());
            let rest: Vec<&str> = rest.collect();
            (member, here.into_iter().chain(rest).next()?)
        }
        other => (other.strip_prefix("gitmind_")?, segments.next()?),
    };
    // What a glob leads to is not known.
    (module != "*").then(|| layer_in(member, module).to_owned())
}

fn pure(source: &Source<'_>) -> Vec<Finding> {
    let is_of = |module: &&&str| {
        let rest = source.path.strip_prefix(**module);
        rest.is_some_and(|rest| rest.starts_with(['.', '/']))
    };
    let Some(module) = PURE.iter().find(is_of) else { return Vec::new() };
    let impure = source
        .names()
        .iter()
        .filter(|name| !name.is_test && IMPURE.iter().any(|segments| name.starts_with(segments)));
    let findings = impure.map(|name| {
        let what = format!(
            "`{}` in a pure module: `{module}` does no I/O and reads no clock and no environment; \
             let the caller pass in what it needs",
            name.path()
        );
        Finding::new(source.path, name.line, rule::PURE, what)
    });
    findings.collect()
}

/// The environment is read by its port.
fn environment(source: &Source<'_>, module: &str) -> Vec<Finding> {
    if matches!(module, "env" | "main") {
        return Vec::new();
    }
    let reads = source.names().iter().filter(|name| {
        let is_read = name.segments.get(2).is_some_and(|last| READS.contains(&last.as_str()));
        !name.is_test && is_read && name.starts_with(&["std", "env"])
    });
    let findings = reads.map(|name| {
        let what = format!("`{}`: ask the environment port (src/env.rs) instead", name.path());
        Finding::new(source.path, name.line, rule::ENVIRONMENT, what)
    });
    findings.collect()
}

/// The program's library forbids unsafe code as a whole; of the memory layer, the module `units`
/// does.
fn forbids(source: &Source<'_>) -> Vec<Finding> {
    let is_met = match source.path {
        "src/lib.rs" => source.text.lines().any(|line| line == "#![forbid(unsafe_code)]"),
        "crates/memory/src/lib.rs" => {
            source.text.contains("#[forbid(unsafe_code)]\npub mod units;\n")
        }
        _ => true,
    };
    let what = "forbid unsafe code: `#![forbid(unsafe_code)]` in the program's library, \
                `#[forbid(unsafe_code)]` above `units` in crates/memory";
    let found = (!is_met).then(|| Finding::new(source.path, 1, rule::UNSAFE, what.to_owned()));
    found.into_iter().collect()
}
