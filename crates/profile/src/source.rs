//! Paths of source files, from the directory of their crate on: the same on every machine.

/// A source file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its path from the workspace or crate on; of a dependency, with name and version.
    pub(crate) path: String,
    /// Whether it belongs neither to a dependency nor to Rust itself.
    pub(crate) is_own: bool,
}

/// Directories that the sources of a crate are in.
const WITHIN_CRATE: [&str; 3] = ["tests", "benches", "examples"];

/// Directories of a workspace that its crates are in.
const OF_CRATES: [&str; 5] = ["crates", "examples", "benches", "packages", "libs"];

/// The number of parent directories in which the directory of a crate is looked for.
const NESTED_MAX: usize = 3;

/// The file that the line tables call `file`.
pub(crate) fn source(file: &str) -> Source {
    let is_separator = |c: char| c == '/' || c == '\\';
    let mut parts: Vec<&str> = Vec::new();
    for part in file.split(is_separator).filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    let is_absolute = file.starts_with(is_separator) || file.get(1..2) == Some(":");
    let of_rust = of_rust(&parts).or_else(|| of_dependency(&parts));
    if let Some(start) = of_rust {
        return Source { path: parts[start..].join("/"), is_own: false };
    }
    if let Some(path) = of_checkout(&parts) {
        return Source { path, is_own: false };
    }
    let start = if is_absolute { of_workspace(&parts) } else { 0 };
    Source { path: parts[start..].join("/"), is_own: true }
}

/// Where the sources of Rust's libraries begin.
fn of_rust(parts: &[&str]) -> Option<usize> {
    let is_rusts = |pair: &[&str]| pair[1] == "library" && pair[0] == "rust";
    let shipped = parts.windows(2).rposition(is_rusts);
    let built = || parts.windows(3).rposition(|of| of[0] == "rustc" && of[2] == "library");
    shipped.map(|at| at + 1).or_else(|| built().map(|at| at + 2))
}

/// Where the directory of a published crate begins: `name-1.2.3`.
fn of_dependency(parts: &[&str]) -> Option<usize> {
    let is_published = |part: &&str| {
        part.match_indices('-').any(|(at, _)| {
            let mut numbers = part[at + 1..].splitn(3, '.');
            let mut is_number = || {
                let number = numbers.next().unwrap_or("");
                number.starts_with(|first: char| first.is_ascii_digit())
            };
            at > 0 && is_number() && is_number() && is_number()
        })
    };
    let directories = &parts[..parts.len().saturating_sub(1)];
    directories.iter().rposition(is_published)
}

/// The path in a dependency's repository that cargo checked out: `checkouts/name-hash/revision/`.
fn of_checkout(parts: &[&str]) -> Option<String> {
    let at = parts.windows(2).rposition(|of| of[0] == "git" && of[1] == "checkouts")?;
    let (name, _) = parts.get(at + 2)?.rsplit_once('-')?;
    Some(format!("{name}/{}", parts.get(at + 4..)?.join("/")))
}

/// Where a path within a workspace begins.
fn of_workspace(parts: &[&str]) -> usize {
    let directories = &parts[..parts.len().saturating_sub(1)];
    let sources = directories
        .iter()
        .rposition(|part| *part == "src")
        .or_else(|| directories.iter().position(|part| WITHIN_CRATE.contains(part)));
    // Such as a build script, which is beside its manifest.
    let sources = sources.unwrap_or(directories.len());
    let first = sources.saturating_sub(NESTED_MAX);
    let of_crates = directories[first..sources].iter().rposition(|part| OF_CRATES.contains(part));
    of_crates.map_or(sources, |at| first + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_same_in_every_checkout() {
        for (file, path, is_own) in [
            ("/w/gm/crates/cache/src/plan.rs", "crates/cache/src/plan.rs", true),
            ("/build/source/src/cli/list.rs", "src/cli/list.rs", true),
            ("/usr/src/app/src/lib.rs", "src/lib.rs", true),
            ("/w/gm/crates/memory/macros/src/lib.rs", "crates/memory/macros/src/lib.rs", true),
            ("/w/gm/crates/memory/tests/it/main.rs", "crates/memory/tests/it/main.rs", true),
            ("/w/gm/examples/log/src/main.rs", "examples/log/src/main.rs", true),
            ("/w/gm/examples/sweep.rs", "examples/sweep.rs", true),
            ("/w/gm/tests/heap/main.rs", "tests/heap/main.rs", true),
            ("/w/gm/build.rs", "build.rs", true),
            ("crates/cache/src/plan.rs", "crates/cache/src/plan.rs", true),
            ("./src/lib.rs", "src/lib.rs", true),
            ("csu/../csu/libc-start.c", "csu/libc-start.c", true),
            ("../../x.rs", "x.rs", true),
            (r"C:\work\gm\src\cli\list.rs", "src/cli/list.rs", true),
            (
                "/c/registry/src/index.crates.io-1949cf8c6b5b557f/serde-1.0.2/src/de.rs",
                "serde-1.0.2/src/de.rs",
                false,
            ),
            ("/nix/store/x-vendor/a-b-0.3.0-rc.1/src/x.rs", "a-b-0.3.0-rc.1/src/x.rs", false),
            (
                "/c/git/checkouts/kept-crate-0a1b2c3d4e5f6071/1a2b3c4/src/lib.rs",
                "kept-crate/src/lib.rs",
                false,
            ),
            (
                "/rustc/59807616e1234567/library/alloc/src/vec/mod.rs",
                "library/alloc/src/vec/mod.rs",
                false,
            ),
            (
                "/t/lib/rustlib/src/rust/library/core/src/iter/mod.rs",
                "library/core/src/iter/mod.rs",
                false,
            ),
            ("/rust/deps/hashbrown-0.15.2/src/raw.rs", "hashbrown-0.15.2/src/raw.rs", false),
            ("", "", true),
            ("/", "", true),
        ] {
            assert_eq!(source(file), Source { path: path.into(), is_own }, "{file}");
        }
    }
}
