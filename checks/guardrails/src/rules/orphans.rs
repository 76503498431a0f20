//! Files that no `mod` declares: tests that never run, modules that are never compiled.

use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

use crate::finding::{Finding, rule};
use crate::tree::Tree;

/// Files that cargo, or a test that compiles programs, finds by itself.
const ROOTS: [&str; 6] =
    ["build.rs", "src/lib.rs", "src/main.rs", "tests/*.rs", "tests/ui/*.rs", "examples/*.rs"];

/// Every Rust file that nothing reaches.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let files: Vec<&str> = tree.paths().filter(|path| path.ends_with(".rs")).collect();
    let declared: BTreeMap<&str, BTreeSet<String>> =
        files.iter().map(|path| (*path, declared(tree.get(path).unwrap_or_default()))).collect();
    let lost = files.iter().filter_map(|path| {
        let (module, parents) = parents(path);
        let mut there = parents.iter().filter_map(|parent| declared.get_key_value(&**parent));
        let is_lost = !is_root(tree, path) && !there.any(|(_, modules)| modules.contains(&module));
        is_lost.then(|| {
            let parent = parents.iter().find(|parent| declared.contains_key(&***parent));
            let what = format!(
                "no `mod` declares this file, so nothing compiles or runs it: write `mod \
                 {module};` into {}",
                parent.map_or("a module that is compiled", String::as_str)
            );
            Finding::new(path, 1, rule::ORPHAN, what)
        })
    });
    lost.collect()
}

/// A target of a package: by cargo's own rules, or by the path that its manifest gives.
fn is_root(tree: &Tree, path: &str) -> bool {
    let manifests = tree.paths().filter(|path| path.ends_with("Cargo.toml"));
    let mut packages = manifests.filter_map(|manifest| {
        let directory = manifest.strip_suffix("Cargo.toml")?;
        Some((path.strip_prefix(directory)?, tree.get(manifest)?))
    });
    packages.any(|(inside, manifest)| {
        let is_found = ROOTS.iter().any(|root| match root.split_once('*') {
            Some((directory, _)) => {
                inside.strip_prefix(directory).is_some_and(|name| !name.contains('/'))
            }
            None => inside == *root,
        });
        is_found || manifest.contains(&format!("path = \"{inside}\""))
    })
}

/// The module that a file is, and the files that may declare it.
fn parents(path: &str) -> (String, Vec<String>) {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let (directory, module) = stem.rsplit_once('/').unwrap_or(("", stem));
    let names = ["main", "lib", "mod"].map(|name| format!("{directory}/{name}.rs"));
    (module.to_owned(), [names.to_vec(), vec![format!("{directory}.rs")]].concat())
}

/// The modules that a file declares and that have files of their own.
fn declared(text: &str) -> BTreeSet<String> {
    let mut declared = Declared(BTreeSet::new());
    // Most files have no such line.
    let is_declaration = |line: &str| line.contains("mod ") && line.trim_end().ends_with(';');
    if text.lines().any(is_declaration)
        && let Ok(file) = syn::parse_file(text)
    {
        declared.visit_file(&file);
    }
    declared.0
}

struct Declared(BTreeSet<String>);

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.content.is_none() {
            self.0.insert(item.ident.to_string());
        }
        visit::visit_item_mod(self, item);
    }
}
