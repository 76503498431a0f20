//! What holds for the text of any file: a header, a width, a length, no path of one machine.

use crate::finding::{Finding, rule};

const COLUMNS_MAX: usize = 100;
/// Lines of a Rust file, of a table of contents (`mod.rs`, `lib.rs`), of an `error.rs`, of Nix.
const LINES_MAX: usize = 600;
const CONTENTS_LINES_MAX: usize = 80;
const ERROR_LINES_MAX: usize = 150;
const NIX_LINES_MAX: usize = 120;

/// Every rule on text.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    [header(path, text), size(path, text), width(path, text), machine_paths(path, text)].concat()
}

/// Every file says in its first line why it exists; a script in its second.
fn header(path: &str, text: &str) -> Vec<Finding> {
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default();
    let is_script = first.starts_with("#!/");
    if is_script {
        first = lines.next().unwrap_or_default();
    }
    let is_header = match extension(path) {
        "rs" => first.starts_with("//! ") || first.starts_with("#![doc"),
        "sh" | "nix" | "toml" | "py" => first.starts_with('#') || first.starts_with('['),
        _ if is_script => first.starts_with("# ") || first.starts_with("\"\"\""),
        _ => true,
    };
    let line = if is_script { 2 } else { 1 };
    let what = "no header: say in the first line why the file exists, and what it does not do";
    found(!is_header, path, line, rule::HEADER, what.to_owned())
}

/// Small files; tables of contents are smaller.
fn size(path: &str, text: &str) -> Vec<Finding> {
    let max = match (extension(path), path.rsplit('/').next()) {
        ("rs", Some("mod.rs" | "lib.rs")) => CONTENTS_LINES_MAX,
        ("rs", Some("error.rs")) => ERROR_LINES_MAX,
        ("rs", _) => LINES_MAX,
        ("nix", _) => NIX_LINES_MAX,
        _ => return Vec::new(),
    };
    let lines = text.lines().count();
    let what = format!("{lines} lines, the limit is {max}: give a part of it a file of its own");
    found(lines > max, path, lines, rule::SIZE, what)
}

/// Lines that two columns on a screen can show.
fn width(path: &str, text: &str) -> Vec<Finding> {
    if !matches!(extension(path), "rs" | "nix" | "sh") {
        return Vec::new();
    }
    let too_wide = |line: &str| line.chars().count() > COLUMNS_MAX && !line.contains("://");
    let what = format!("more than {COLUMNS_MAX} columns: break the line");
    let wide = lines(text).filter(|(_, line)| too_wide(line));
    wide.map(|(at, _)| Finding::new(path, at, rule::WIDTH, what.clone())).collect()
}

/// No path of one machine.
fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let directories = ["work", "root", "home"].map(|directory| format!("/{directory}/"));
    let names_one = |line: &str| {
        directories.iter().any(|directory| {
            let mut starts = line.match_indices(directory.as_str());
            starts.any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.'))
        })
    };
    let what = "a path of one machine: take it from the environment or relative to the top";
    let named = lines(text).filter(|(_, line)| names_one(line));
    named.map(|(at, _)| Finding::new(path, at, rule::MACHINE_PATH, what.to_owned())).collect()
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn found(
    is_wrong: bool,
    path: &str,
    line: usize,
    rule: &'static str,
    what: String,
) -> Vec<Finding> {
    if is_wrong { vec![Finding::new(path, line, rule, what)] } else { Vec::new() }
}
