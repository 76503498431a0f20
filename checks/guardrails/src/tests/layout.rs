//! Headers, sizes, undeclared files, and the faults that prove the matrix.

use super::{assert_fine, assert_found, found};

#[test]
fn a_file_without_a_header_is_found() {
    assert_found("src/oid.rs", "use x;\n", "1: header", "say in the first line");
    assert_found("checks/a.nix", "{ }\n", "1: header", "say in the first line");
    assert_found("checks/a", "#!/usr/bin/env bash\nset -e\n", "2: header", "why the file exists");
    assert_fine("checks/a", "#!/usr/bin/env bash\n# Why.\nset -e\n");
    assert_fine("Cargo.toml", "[package]\n");
}

#[test]
fn a_file_that_is_too_long_is_found() {
    let lines = |count: usize| format!("//! Why.\n{}", "// x\n".repeat(count - 1));
    assert_found("src/cache/a.rs", &lines(700), "700: file-size", "700 lines, the limit is 600");
    assert_found("src/cache/mod.rs", &lines(81), "81: file-size", "the limit is 80");
    assert_found("src/git/error.rs", &lines(151), "151: file-size", "the limit is 150");
    assert_found("checks/a.nix", &"# x\n".repeat(121), "121: file-size", "the limit is 120");
    assert_fine("src/cache/a.rs", &lines(600));
}

#[test]
fn a_line_that_is_too_wide_is_found() {
    let wide = format!("//! {}\n", "x".repeat(97));
    assert_found("src/oid.rs", &wide, "1: width", "more than 100 columns");
    assert_fine("src/oid.rs", &format!("//! https://{}\n", "x".repeat(97)));
}

#[test]
fn a_path_of_one_machine_is_found() {
    let text = format!("See /{}/me/notes.\n", "home");
    assert_found("docs/a.md", &text, "1: machine-path", "relative to the top");
    assert_fine("docs/a.md", "See target/work/notes and src/root/x.\n");
}

#[test]
fn a_function_of_more_than_seventy_lines_of_code_is_found() {
    let function = |code: usize| {
        let body = "    step();\n    // Why.\n\n".repeat(code);
        format!("//! Why.\n\nfn long() {{\n{body}}}\n")
    };
    assert_found("src/git/a.rs", &function(71), "3: function-size", "`long` has 71 lines");
    assert_fine("src/git/a.rs", &function(70));
}

#[test]
fn a_file_that_nothing_declares_is_found() {
    let manifest = ("Cargo.toml", "[[test]]\npath = \"tests/it/main.rs\"\n");
    let lost = ("tests/it/lost.rs", "//! Why.\n");
    let findings = found(&[manifest, lost, ("tests/it/main.rs", "//! Why.\n")]);
    let [finding] = &findings[..] else { panic!("{findings:#?}") };
    let expected = "tests/it/lost.rs:1: undeclared-file: ";
    assert!(finding.to_string().starts_with(expected), "{finding}");
    assert!(finding.what.contains("write `mod lost;` into tests/it/main.rs"), "{finding}");

    // In a comment is not declared.
    let comment = ("tests/it/main.rs", "//! Why.\n// mod lost;\n");
    assert_eq!(found(&[manifest, lost, comment]).len(), 1);
    let main = ("tests/it/main.rs", "//! Why.\n#[cfg(unix)]\nmod lost;\n");
    assert_eq!(found(&[manifest, lost, main]), []);
    assert_eq!(found(&[("Cargo.toml", "# Why.\n"), ("build.rs", "//! Why.\n")]), []);
    assert_eq!(found(&[manifest, main, lost, ("tests/other/a.rs", "//! Why.\n")]).len(), 1);
}

#[test]
fn a_check_that_nothing_proves_and_a_fault_of_no_check_are_found() {
    let matrix = ("checks/matrix.toml", "# Why.\n[check.a]\n[check.a.env]\n[check.b]\n");
    let faults = "# Why.\n[fault.x]\nfails = \"a\"\n[fault.y]\nfails = \"c\"\n";
    let faults = ("checks/planted/faults.toml", faults);
    let lines: Vec<_> = found(&[matrix, faults]).iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("checks/matrix.toml:4: matrix: nothing shows that `b` can fail"));
    assert!(lines[1].starts_with("checks/planted/faults.toml:5: matrix: no check is called `c`"));
}

#[test]
fn a_fault_whose_text_is_gone_is_found() {
    let faults = "# Why.\n[fault.gone]\nfile = \"src/oid.rs\"\nold = \"x y\"\n\n[fault.there]\n\
                  file = \"src/oid.rs\"\nold = \"Why\"\n\n[fault.planted]\n\
                  file = \"src/oid.rs\"\nold = \"z\"\nnew = \"hy.\"\n\n[fault.other]\nflip = 1\n\n\
                  [fault.deleted]\nfile = \"src/oid.rs\"\nold = \"z\"\nnew = \"\"\n";
    let files = [("checks/planted/faults.toml", faults), ("src/oid.rs", "//! Why.\n")];
    let lines: Vec<_> = found(&files).iter().map(ToString::to_string).collect();
    let lines: Vec<_> = lines.iter().filter(|line| line.contains(": matrix: ")).collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("checks/planted/faults.toml:2: matrix: src/oid.rs has no such"));
    assert!(lines[1].contains("`deleted`"), "{lines:#?}");
}

#[test]
fn a_file_that_does_not_parse_is_found() {
    assert_found("src/git/a.rs", "//! Why.\nfn {}\n", "2: syntax", "expected");
}
