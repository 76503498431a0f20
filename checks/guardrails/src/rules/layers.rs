//! A module uses what is below it, and a pure one touches nothing outside the process.

use crate::finding::{Finding, rule};
use crate::source::{Name, Source};

/// Modules from the ground up: one may use those before it and itself.
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
    let Some(inside) = source.path.strip_prefix("src/") else { return Vec::new() };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    [layers(source, module), pure(source), environment(source, module), forbids(source)].concat()
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

/// The module at the top of the crate that a path leads to, if it leads there.
fn top_module(path: &str, name: &Name) -> Option<String> {
    let mut segments = name.segments.iter().map(String::as_str);
    match segments.next()? {
        "crate" | "gitmind" => segments.next().map(str::to_owned),
        "super" => {
            let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
            let mut here: Vec<&str> = inside.trim_end_matches("/mod").split('/').collect();
            here.pop();
            let rest = segments.skip_while(|segment| *segment == "super" && here.pop().is_some());
            let rest: Vec<&str> = rest.collect();
            here.into_iter().chain(rest).next().map(str::to_owned)
        }
        _ => None,
    }
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

/// Every module but `memory` forbids unsafe code where it is declared.
fn forbids(source: &Source<'_>) -> Vec<Finding> {
    if source.path != "src/lib.rs" {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let lacking = (0..lines.len()).filter(|at| {
        let declared = lines[*at].strip_prefix("pub mod ");
        let forbids = *at > 0 && lines[at - 1] == "#[forbid(unsafe_code)]";
        declared.is_some_and(|module| forbids == (module == "memory;"))
    });
    let what = "put `#[forbid(unsafe_code)]` above every module but `memory`";
    lacking.map(|at| Finding::new(source.path, at + 1, rule::UNSAFE, what.to_owned())).collect()
}
