//! Raw memory anywhere, and the heap in a service.

use serde_json::json;

use super::{assert_fine, assert_found, found_in};
use crate::clippy;

/// A file with `code` on its second line.
fn with(code: &str) -> String {
    format!("//! Why.\n{code}\n")
}

#[test]
fn the_heap_in_a_service_is_found_by_name() {
    let heap = |code: &str, says: &str| {
        for path in ["src/cache/a.rs", "crates/memory/src/a.rs"] {
            assert_found(path, &with(code), "2: allocation", says);
        }
    };
    heap("fn f(v: &mut V) { v.push(1) }", "`.push()`");
    heap("fn f() { g(format!(\"x\")) }", "`format!`");
    heap("fn f() { g(vec![1]) }", "`vec!`");
    heap("fn f() { g(Vec::<u8>::with_capacity(9)) }", "`Vec::with_capacity`");
    heap("fn f() { g(Box::new(9)) }", "`Box::new`");
    heap("fn f() { g(String::from(\"x\")) }", "`String::from`");
    heap("fn f(i: I) { g(i.collect::<Vec<_>>()) }", "`.collect()`");
    heap("fn f(i: I) { g(i.map(ToString::to_string)) }", "`ToString::to_string`");
    heap("fn f(i: I) { g(i.map(Box::new)) }", "`Box::new`");
    heap("fn f() { g(\"x\".to_owned()) }", "`.to_owned()`");
}

#[test]
fn the_heap_is_found_in_macros_and_in_other_configurations() {
    let heap = |code: &str| {
        assert_found("src/journal/a.rs", &with(code), "2: allocation", "past the port");
    };
    heap("macro_rules! m { ($v:expr) => { $v.push(1) } }");
    heap("fn f() { debug_assert!(ok(), \"{}\", x.to_string()) }");
    heap("#[cfg(windows)] fn f() { g(format!(\"x\")) }");
    heap("#[cfg(not(test))] fn f() { g(format!(\"x\")) }");
}

#[test]
fn a_rename_hides_nothing() {
    let text = "//! Why.\nuse std::vec::Vec as List;\nfn f() { g(List::<u8>::with_capacity(9)) }\n";
    assert_found("src/git/a.rs", text, "3: allocation", "`std::vec::Vec::with_capacity`");
    let text = "//! Why.\nuse std::{boxed as b};\nfn f() { g(b::Box::new(9)) }\n";
    assert_found("src/git/a.rs", text, "3: allocation", "`std::boxed::Box::new`");
}

#[test]
fn what_can_fail_and_what_tests_do_is_fine() {
    assert_fine(
        "src/cache/a.rs",
        &with("fn f(v: &mut V) -> R { v.try_push(1)?; v.try_reserve(2) }"),
    );
    assert_fine("src/cache/a.rs", &with("#[cfg(test)]\nmod t { fn f() { g(vec![1]) } }"));
    assert_fine("src/cache/a/tests.rs", &with("fn f() { g(vec![1]) }"));
    assert_fine("tests/it/a.rs", &with("fn f() { g(vec![1]) }"));
    let ours = "//! Why.\nuse crate::memory::Vec;\nfn f(a: A) -> R { Vec::with_capacity(9, a) }\n";
    assert_fine("src/cache/a.rs", ours);
    // Of a slot and of a thread.
    assert_fine("src/cache/a.rs", &with("fn f() { std::mem::replace(&mut a, b); t.join(); }"));
}

#[test]
fn raw_memory_is_found_in_any_file() {
    let raw = |code: &str, says: &str| {
        for path in ["src/git/a.rs", "crates/memory/src/a.rs", "tests/it/a.rs", "examples/a.rs"] {
            let found = found_in(path, &with(code));
            let is_named = |line: &String| {
                line.starts_with(&format!("{path}:2: raw-memory: ")) && line.contains(says)
            };
            assert!(found.iter().any(is_named), "{path}: {code}: {found:#?}");
        }
    };
    raw("fn f() { g(libc::malloc(9)) }", "`libc::malloc`");
    raw("use libc::malloc as take;", "`libc::malloc`");
    raw("use libc::*;", "`libc::*`");
    raw("macro_rules! m { () => { libc::free(p) } }", "`libc::free`");
    raw("#[cfg(windows)] extern \"C\" { fn malloc(size: usize) -> *mut u8; }", "`extern`");
    raw("#[global_allocator] static A: B = B;", "`#[global_allocator]`");
    raw("#[cfg_attr(x, global_allocator)] static A: B = B;", "`#[global_allocator]`");
    raw("fn f() { g(std::alloc::alloc(l)) }", "`std::alloc::alloc`");
    raw("use std::alloc::{Layout, System};", "`std::alloc::System`");
    raw("use core::alloc::*;", "`core::alloc::*`");
    raw("static A: mimalloc::MiMalloc = mimalloc::MiMalloc;", "`mimalloc::MiMalloc`");
    assert_fine("crates/memory/src/a.rs", &with("use std::alloc::Layout;"));
    assert_fine("crates/memory/src/a.rs", &with("extern crate std;"));
}

#[test]
fn raw_memory_is_found_behind_a_renamed_module() {
    let text = "//! Why.\nuse std::alloc::{self as heap, Layout};\nconst F: T = heap::alloc;\n";
    assert_found("crates/memory/src/a.rs", text, "3: raw-memory", "`std::alloc::alloc`");
}

/// A message of clippy as cargo prints it.
fn message(code: &str, text: &str, file: &str, line: usize) -> String {
    let span = json!({ "file_name": file, "line_start": line, "column_start": 5,
                       "is_primary": true, "expansion": null });
    let message = json!({ "message": text, "code": { "code": code }, "level": "warning",
                          "spans": [span], "rendered": "" });
    json!({ "reason": "compiler-message", "message": message }).to_string()
}

#[test]
fn what_clippy_resolves_is_a_finding_once() {
    let text = "use of a disallowed method `std::vec::Vec::push`";
    let push = message("clippy::disallowed_methods", text, "src/cache/a.rs", 7);
    let other = message("clippy::unwrap_used", "no", "src/cache/a.rs", 8);
    let end = r#"{"reason":"build-finished","success":true}"#;
    // The library is checked twice, for itself and for the program.
    let lines = [&push, &push, &other, end].join("\n");
    let findings = clippy::findings(lines.as_bytes()).expect("it finished");
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    let expected =
        "src/cache/a.rs:7: allocation: use of a disallowed method `std::vec::Vec::push`: ";
    assert!(finding.to_string().starts_with(expected), "{finding}");
}

#[test]
fn a_clippy_that_stopped_early_is_an_error() {
    assert!(clippy::findings(&b""[..]).is_err());
    let failed = br#"{"reason":"build-finished","success":false}"#;
    assert!(clippy::findings(&failed[..]).is_err());
    assert!(clippy::findings(&b"error: no such command"[..]).is_err());
}

#[test]
fn an_entry_that_names_nothing_is_found() {
    let text = "`std::vec::Vec::shove` does not refer to a reachable function";
    let line = message("x", text, "checks/guardrails/heap/clippy.toml", 3);
    let lines = format!("{line}\n{}", r#"{"reason":"build-finished","success":true}"#);
    let findings = clippy::findings(lines.as_bytes()).expect("it finished");
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    let expected = "checks/guardrails/heap/clippy.toml:3: allowlist: `std::vec::Vec::shove`";
    assert!(finding.to_string().starts_with(expected), "{finding}");
}
