//! Public functions whose result the caller has to free.

use super::{assert_fine, assert_found, found};

/// A file with `documentation` above `code`, on its last line.
fn documented(documentation: &str, code: &str) -> String {
    format!("//! Why.\n\n/// Does it.\n{documentation}{code}\n")
}

#[test]
fn a_raw_pointer_without_its_counterpart_is_found() {
    let pointer = |code: &str| {
        let text = documented("", code);
        assert_found("crates/memory/src/a.rs", &text, "4: ownership", "returns a raw pointer");
        assert_found("src/git/a.rs", &text, "4: ownership", "returns a raw pointer");
        assert_found("src/git/a.rs", &text, "4: ownership", "add `/// # Ownership` and `/// Freed");
    };
    pointer("pub fn raw() -> *mut u8 { f() }");
    pointer("pub fn raw() -> Option<*const u8> { f() }");
    pointer("pub unsafe fn raw() -> Result<NonNull<u8>, E> { f() }");
    pointer("pub trait T { fn raw(&self) -> *mut u8; }");
}

#[test]
fn a_named_counterpart_is_enough_if_it_exists() {
    let code = "pub fn raw() -> *mut u8 { f() }\n/// Ends it.\npub fn give_back(p: *mut u8) {}";
    let named = "///\n/// # Ownership\n/// Freed by [`give_back`].\n";
    assert_fine("src/git/a.rs", &documented(named, code));
    let wrong = "///\n/// # Ownership\n/// Freed by [`take_back`].\n";
    assert_found("src/git/a.rs", &documented(wrong, code), "7: ownership", "a raw pointer");
    let elsewhere = "///\n/// See [`give_back`].\n";
    assert_found("src/git/a.rs", &documented(elsewhere, code), "6: ownership", "a raw pointer");
}

#[test]
fn leaked_and_static_data_without_a_word_are_found() {
    let found = |code: &str, because: &str| {
        assert_found("src/git/a.rs", &documented("", code), "4: ownership", because);
    };
    found("pub fn kept() -> ManuallyDrop<V> { f() }", "returns `ManuallyDrop`");
    found("pub fn kept() -> &'static str { Box::leak(f()) }", "leaks what it returns");
    found("pub fn kept() -> &'static mut [u8] { f().leak() }", "leaks what it returns");
    found("pub fn name() -> &'static str { f() }", "returns `'static` data");
    // What is computed at compile time is a constant.
    assert_fine("src/git/a.rs", &documented("", "pub const fn name() -> &'static str { \"x\" }"));
    let constant = "///\n/// # Ownership\n/// The name is a constant.\n";
    let code = "pub fn name() -> &'static str { f() }";
    assert_fine("src/git/a.rs", &documented(constant, code));
}

#[test]
fn a_handle_that_somebody_releases_is_found_where_it_is_handed_out() {
    let table = "//! Why.\n/// A.\npub struct Table;\n/// A.\npub struct Name(u32);\nimpl Table {\n\
                 /// Ends it.\npub fn release(&self, name: Name) {}\n}\n";
    let user = documented("", "pub fn acquire(table: &Table) -> Result<Name, E> { f() }");
    let (memory, git) = ("crates/memory/src/table.rs", "src/git.rs");
    let rest = [
        ("Cargo.toml", "# Why.\n"),
        ("src/lib.rs", "//! Why.\nmod git;\n"),
        ("crates/memory/Cargo.toml", "# Why.\n"),
        ("crates/memory/src/lib.rs", "//! Why.\nmod table;\n"),
    ];
    let with = |table| found(&[&rest[..], &[(memory, table), (git, &user)]].concat());
    let findings = with(table);
    let [one] = &findings[..] else { panic!("{findings:#?}") };
    assert!(one.to_string().starts_with("src/git.rs:4: ownership: `acquire` returns a `Name`"));
    assert!(one.what.contains("`/// Released by [`Table::release`].`"), "{one}");

    // A type that releases itself is no such handle.
    let drops = format!("{table}impl Drop for Name {{ fn drop(&mut self) {{}} }}\n");
    assert_eq!(with(&drops), []);
}

#[test]
fn a_view_without_a_lifetime_in_words_is_found() {
    for name in ["page_view", "name_borrowed"] {
        let code = format!("pub fn {name}(&self) -> &[u8] {{ f() }}");
        assert_found("src/git/a.rs", &documented("", &code), "4: ownership", "valid until");
        let said = "///\n/// # Ownership\n/// Valid until the next call.\n";
        assert_fine("src/git/a.rs", &documented(said, &code));
    }
}

#[test]
fn what_is_private_or_a_test_is_ignored() {
    assert_fine("src/git/a.rs", &documented("", "fn raw() -> *mut u8 { f() }"));
    assert_fine("src/git/a.rs", &documented("", "pub(crate) fn raw() -> *mut u8 { f() }"));
    assert_fine("src/git/a.rs", &documented("", "trait T { fn raw(&self) -> *mut u8; }"));
    let test = documented("", "#[cfg(test)]\nmod t { pub fn raw() -> *mut u8 { f() } }");
    assert_fine("src/git/a.rs", &test);
    assert_fine("tests/it/a.rs", &documented("", "pub fn raw() -> *mut u8 { f() }"));
}
