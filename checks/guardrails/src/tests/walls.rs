//! Borders between crates that the compiler would no longer hold.

use super::{assert_fine, assert_found, found};

#[test]
fn a_crate_that_gets_std_back_is_found() {
    let marked = "//! Why.\n#![cfg_attr(not(test), no_std)]\n";
    for member in ["journal", "cache"] {
        let lib = format!("crates/{member}/src/lib.rs");
        assert_fine(&lib, marked);
        assert_found(&lib, "//! Why.\n", "1: walls", "write `#![cfg_attr(not(test), no_std)]`");
        let inner = format!("crates/{member}/src/a.rs");
        assert_found(&inner, "//! Why.\nextern crate std;\n", "2: walls", "brings std");
        assert_found(&inner, "//! Why.\nextern crate alloc as a;\n", "2: walls", "`alloc` back");
    }
    assert_fine("crates/git/src/lib.rs", "//! Why.\nextern crate alloc;\n");
}

/// What is found of manifests with these lints: the workspace's, of a crate with `unsafe` code, and
/// of one without.
fn found_in_manifests(workspace: &str, memory: &str, git: &str) -> Vec<String> {
    let members = "members = [\"crates/memory\", \"crates/git\"]";
    let root = format!("# Why.\n[workspace]\n{members}\n[workspace.lints.rust]\n{workspace}\n");
    let member = |lints| format!("# Why.\n[lints{lints}\n");
    let files = [
        ("Cargo.toml", &*root),
        ("crates/memory/Cargo.toml", &*member(memory)),
        ("crates/git/Cargo.toml", &*member(git)),
    ];
    found(&files).iter().map(ToString::to_string).collect()
}

#[test]
fn lints_that_are_not_the_workspaces_are_found() {
    let forbid = "missing_docs = \"deny\"\nunsafe_code = \"forbid\"";
    let (own, inherited) = (".rust]\nmissing_docs = \"deny\"", "]\nworkspace = true");
    assert_eq!(found_in_manifests(forbid, own, inherited), [""; 0]);

    let one = |findings: &[String], begins: &str| {
        let [one] = findings else { panic!("{findings:#?}") };
        assert!(one.starts_with(begins), "{one}");
    };
    let allow = forbid.replace("forbid", "allow");
    let begins = "Cargo.toml:1: walls: write `unsafe_code = \"forbid\"`";
    one(&found_in_manifests(&allow, own, inherited), begins);
    one(&found_in_manifests("missing_docs = \"deny\"", own, inherited), begins);
    let begins = "crates/memory/Cargo.toml:1: walls: other lints than the workspace's: write [work";
    one(&found_in_manifests(forbid, inherited, inherited), begins);
    one(&found_in_manifests(forbid, ".rust]\nmissing_docs = \"warn\"", inherited), begins);
    let begins = "crates/git/Cargo.toml:1: walls: other lints than the workspace's: write `work";
    one(&found_in_manifests(forbid, own, own), begins);
}
