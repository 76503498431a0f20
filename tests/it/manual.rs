//! The manual pages: one for each command, with the sections that a reader looks for.

use crate::cli::COMMANDS;
use gitmind_test_support::{mind, temp_directory};
use std::path::Path;

/// The text of a section of a page, which may have lines of roff.
fn section<'p>(page: &'p str, title: &str) -> &'p str {
    let start = format!("\n.SH \"{title}\"\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {title}: {page}"));
    rest.split_once("\n.SH ").map_or(rest, |(section, _)| section)
}

#[test]
fn every_command_has_a_page_with_the_sections_of_a_page() {
    let directory = temp_directory();
    mind(directory.path(), &["man", "--dir", "."]).ok();
    for command in COMMANDS {
        let page = directory.path().join(format!("git-mind-{}.1", command.join("-")));
        let page = std::fs::read_to_string(page).expect("a page");
        assert!(page.contains(concat!("\"git-mind ", env!("CARGO_PKG_VERSION"), "\"")), "{page}");
        assert!(page.contains(".SH OPTIONS") && !page.contains(".SH EXTRA"), "{command:?}");
        assert!(section(&page, "EXIT STATUS").starts_with('0'), "{command:?}");
        assert!(section(&page, "ENVIRONMENT").contains("git\\-mind(1) lists"), "{command:?}");
        assert!(section(&page, "SEE ALSO").contains("\\fBgit\\-mind\\fR(1)"), "{command:?}");
        // Each example is on a line of its own.
        let examples = section(&page, "EXAMPLES");
        let (_, unfilled) = examples.split_once(".nf\n").expect("lines that are not filled");
        let (unfilled, _) = unfilled.split_once("\n.fi").expect("an end of them");
        let is_command = |line: &str| line.contains("git mind") || line.contains("git\\-mind");
        let is_example = |line: &str| is_command(line) || line.starts_with("git config");
        assert!(unfilled.lines().all(is_example), "{command:?}: {unfilled}");
    }
    let all = mind(directory.path(), &["man"]).ok();
    for command in COMMANDS {
        let page = format!("\\fBgit\\-mind\\-{}\\fR(1)", command[0].replace('-', "\\-"));
        assert!(section(&all, "COMMANDS").contains(&page), "{command:?}");
    }
    let variables = section(&all, "ENVIRONMENT");
    for variable in ["GIT_MIND_SOURCE", "GM_ARENA_CAP_CACHE_REBUILD", "GITMIND_LOG_LEVEL"] {
        assert!(variables.contains(variable), "{variable}");
    }
    let error = mind(directory.path(), &["man", "--dir", "nowhere"]).error(1);
    assert!(error.starts_with("git-mind: error: nowhere: "), "{error}");
    assert!(error.contains("hint: name an existing directory"), "{error}");
}

#[test]
fn a_synopsis_has_the_values_of_options() {
    let directory = temp_directory();
    mind(directory.path(), &["man", "--dir", "."]).ok();
    let synopsis = |name: &str| {
        let page = directory.path().join(name);
        section(&std::fs::read_to_string(page).expect("a page"), "SYNOPSIS").replace("\\fR", "")
    };
    let query = synopsis("git-mind-query.1");
    for part in [
        "[\\fB\\-\\-type\\~\\fITYPE]",
        "[\\fB\\-\\-color[=\\fIWHEN]]",
        "[\\fB\\-\\-json]",
        "(\\fIOBJECT | \\fB\\-\\-from\\~\\fIOBJECT | \\fB\\-\\-to\\~\\fIOBJECT)",
    ] {
        assert!(query.contains(part), "{part}: {query}");
    }
    let link = synopsis("git-mind-link.1");
    assert!(link.contains("\n\\fISOURCE\n\\fITARGET\n"), "{link}");
    let make = synopsis("git-mind-fixture-make.1");
    assert!(make.contains("\n\\fB\\-\\-edges\\~\\fICOUNT\n"), "{make}");
}

#[test]
fn no_line_of_a_page_is_an_unknown_instruction() {
    let page = mind(Path::new("."), &["man"]).ok();
    let known =
        ["TH", "SH", "PP", "TP", "RS", "RE", "IP", "nf", "fi", "nh", "ad", "in", "ti", "br"];
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        let name = line[1..].split(' ').next().unwrap_or_default();
        assert!(
            known.contains(&name) || line.starts_with(".ie") || line.starts_with(".el"),
            "{line}"
        );
    }
}
