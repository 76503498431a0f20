//! Memory that does not come from the port: raw, or from the heap that aborts.
//!
//! Clippy finds the second kind by type (`clippy.toml`); this finds it by name, in the bodies of
//! macros and in every configuration, and before anything is compiled.

use serde::Deserialize;
use std::collections::BTreeSet;

use crate::finding::{Finding, rule};
use crate::source::{Name, Source};
use crate::tokens::Form;
use crate::tree;

/// What clippy is told to find, from the top of the repository.
pub(crate) const LISTS: &str = "checks/guardrails/heap/clippy.toml";

/// Crates that hand out memory.
const ALLOCATORS: [&str; 8] = [
    "dlmalloc",
    "jemalloc_sys",
    "jemallocator",
    "libmimalloc_sys",
    "mimalloc",
    "snmalloc_rs",
    "tikv_jemallocator",
    "wee_alloc",
];
/// Crates that give access to the system and its C library.
const SYSTEMS: [&str; 3] = ["libc", "nix", "rustix"];
/// Functions of theirs that hand out memory or take it back.
const FOREIGN: [&str; 15] = [
    "*",
    "aligned_alloc",
    "brk",
    "calloc",
    "free",
    "malloc",
    "memalign",
    "mmap",
    "mmap_anonymous",
    "mremap",
    "munmap",
    "posix_memalign",
    "realloc",
    "sbrk",
    "strdup",
];
/// What of `std::alloc` only describes memory.
const DESCRIPTIONS: [&str; 3] = ["Layout", "LayoutError", "AllocError"];
/// Methods that types without any memory have as well: clippy tells them apart.
const AMBIGUOUS: [&str; 14] = [
    "alloc",
    "append",
    "entry",
    "extend",
    "forget",
    "insert",
    "join",
    "partition",
    "pin",
    "read",
    "repeat",
    "replace",
    "reserve",
    "resize",
];
/// What clippy cannot ban: conversions, which are all one trait's, and what `format!` is made of.
const UNLISTED: [(&str, &str); 6] = [
    ("Arc", "from"),
    ("Box", "from"),
    ("Rc", "from"),
    ("String", "from"),
    ("Vec", "from"),
    ("fmt", "format"),
];

/// The names that a service must not write.
#[derive(Debug)]
pub(crate) struct Banned {
    methods: BTreeSet<String>,
    functions: BTreeSet<(String, String)>,
    macros: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Lists {
    disallowed_methods: Vec<Entry>,
    disallowed_macros: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Path(String),
    Table { path: String },
}

impl Entry {
    /// The type or module, and the name in it.
    fn last_two(&self) -> (String, String) {
        let (Self::Path(path) | Self::Table { path }) = self;
        let mut segments = path.rsplit("::").map(str::to_owned);
        let name = segments.next().unwrap_or_default();
        (segments.next().unwrap_or_default(), name)
    }
}

impl Banned {
    /// Reads the lists of `clippy.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lists: Lists = toml::from_str(text).map_err(|e| format!("{LISTS}: {e}"))?;
        let functions: BTreeSet<_> = lists.disallowed_methods.iter().map(Entry::last_two).collect();
        let methods = functions.iter().map(|(_, name)| name.clone());
        let methods = methods.filter(|name| !AMBIGUOUS.contains(&name.as_str())).collect();
        let macros = lists.disallowed_macros.iter().map(|entry| entry.last_two().1).collect();
        let unlisted = UNLISTED.map(|(owner, name)| (owner.to_owned(), name.to_owned()));
        Ok(Self { methods, functions: functions.into_iter().chain(unlisted).collect(), macros })
    }

    fn has(&self, name: &Name) -> bool {
        let Some(last) = name.segments.last() else { return false };
        let is_ours = matches!(name.segments[0].as_str(), "crate" | "self" | "super" | "Self");
        match name.form {
            Form::Method => self.methods.contains(last),
            Form::Macro => self.macros.contains(last),
            Form::Plain if is_ours || name.is_import => false,
            Form::Plain => {
                let owner = name.segments.iter().rev().nth(1).cloned().unwrap_or_default();
                self.functions.contains(&(owner, last.clone()))
            }
        }
    }
}

/// Both kinds.
pub(crate) fn check(source: &Source<'_>, banned: &Banned) -> Vec<Finding> {
    let mut findings = raw(source);
    if tree::is_library(source.path) {
        let written = source.names().iter().filter(|name| !name.is_test && banned.has(name));
        findings.extend(written.map(|name| {
            let shown = match name.form {
                Form::Method => format!(".{}()", name.path()),
                Form::Macro => format!("{}!", name.path()),
                Form::Plain => name.path(),
            };
            let what = format!(
                "`{shown}` takes memory past the port and aborts when there is none: use the \
                 `try_` operations of `memory::{{Vec, Map, Box}}` on the handle of the context"
            );
            Finding::new(source.path, name.line, rule::ALLOCATION, what)
        }));
    }
    findings
}

/// Memory from below the port, in any file.
fn raw(source: &Source<'_>) -> Vec<Finding> {
    let names = source.names().iter().filter(|name| is_raw(name));
    let named = names.map(|name| (name.line, name.path()));
    let tokens = source.tokens.iter().enumerate().filter(|(_, token)| token.is_name);
    let declared = tokens.filter_map(|(at, token)| {
        let next = source.tokens.get(at + 1).map_or("", |next| next.text.as_str());
        let is_foreign = token.text == "extern" && (next.starts_with(['"', '{']) || next == "fn");
        let is_global = token.text == "global_allocator";
        let what = if is_foreign { "extern" } else { "#[global_allocator]" };
        (is_foreign || is_global).then(|| (token.start.line, what.to_owned()))
    });
    let findings = named.chain(declared).map(|(line, shown)| {
        let what = format!(
            "`{shown}` reaches below the memory port: take memory from the port (crates/memory), \
             or ask for an `allow` with its reason in checks/guardrails/allowed.toml"
        );
        Finding::new(source.path, line, rule::RAW, what)
    });
    findings.collect()
}

fn is_raw(name: &Name) -> bool {
    let (Some(first), Some(last)) = (name.segments.first(), name.segments.last()) else {
        return false;
    };
    let is_path = name.segments.len() > 1;
    let of_std = is_path && matches!(first.as_str(), "std" | "core") && name.segments[1] == "alloc";
    let of_alloc = is_path && first == "alloc" && name.segments[1] == "alloc";
    let begins = name.segments.get(2);
    let is_standard =
        (of_std || of_alloc) && begins.is_some_and(|name| !DESCRIPTIONS.contains(&name.as_str()));
    let is_foreign =
        is_path && SYSTEMS.contains(&first.as_str()) && FOREIGN.contains(&last.as_str());
    is_standard || is_foreign || is_path && ALLOCATORS.contains(&first.as_str())
}
