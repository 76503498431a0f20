//! A recording reads back from JSON as it was, and what contradicts itself does not.

use std::collections::BTreeMap;

use gitmind_profile::{Recording, When};
use proptest::prelude::*;

use crate::model::{self, document, profiles};

proptest! {
    #[test]
    fn a_recording_reads_back_as_it_was(profiles in profiles()) {
        let recording = model::recording(&profiles);
        let written = recording.to_json();
        let read = Recording::from_json(written.as_bytes()).expect("it was written");
        prop_assert_eq!(&read, &recording);
        prop_assert_eq!(read.to_json(), written);
    }

    #[test]
    fn sites_are_those_of_the_naive_sum(profiles in profiles()) {
        let recording = model::recording(&profiles);
        for (name, model) in &profiles {
            let profile = recording.profile(name).expect("it is in the document");
            prop_assert_eq!(profile.held(When::Peak).bytes, model.peak_bytes());
            let mut sites = profile.sites(When::Peak);
            prop_assert!(sites.is_sorted_by(|a, b| a.held.bytes >= b.held.bytes));
            sites.retain(|site| site.held.bytes > 0);
            let sites: BTreeMap<_, _> =
                sites.into_iter().map(|of| (of.site, (of.held.bytes, of.held.blocks))).collect();
            prop_assert_eq!(sites, model.sites());
        }
    }

    #[test]
    fn folded_stacks_sum_to_the_peaks(profiles in profiles()) {
        let folded = model::recording(&profiles).folded(When::Peak);
        for (name, model) in &profiles {
            let of = folded.lines().filter(|line| line.starts_with(&format!("{name};")));
            let bytes = of.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
            let peak = bytes.sum::<u64>().checked_add_signed(model.unattributed_bytes);
            prop_assert_eq!(peak, Some(model.peak_bytes()));
        }
        prop_assert!(folded.lines().is_sorted());
    }
}

/// A document of one profile, whose parts are replaced.
fn changed(from: &str, to: &str) -> String {
    let stack = model::Stack { functions: vec![1, 0], site: 0, bytes: 10, blocks: 1 };
    let profile = model::Profile { stacks: vec![stack], unattributed_bytes: 0 };
    let document = document(&[("a".to_owned(), profile)].into());
    assert!(document.contains(from), "{document} has no {from}");
    let changed = document.replacen(from, to, 1);
    let error = Recording::from_json(changed.as_bytes()).expect_err(&changed);
    error.to_string()
}

#[test]
fn a_document_that_contradicts_itself_is_refused_with_the_place() {
    for (from, to, says) in [
        (
            "\"schema\":1",
            "\"schema\":2",
            "the recording has schema 2, and this version reads schema 1; record it again",
        ),
        ("\"schema\":1", "\"schema\":\"1\"", "this is not a recording of memory profiles in JSON"),
        ("[1,0]", "[1,8]", "call stack 0 of profile a has frame 8; the table has 8"),
        ("[1,0]", "[]", "call stack 0 of profile a has 0 frames, and its site is frame 0"),
        (
            "\"site\":0",
            "\"site\":2",
            "call stack 0 of profile a has 2 frames, and its site is frame 2",
        ),
        (
            "\"unattributed_bytes\":0",
            "\"unattributed_bytes\":1",
            "profile a has call stacks that held 11 bytes at the peak, which is 10 bytes",
        ),
        (
            "\"bytes\":10",
            "\"bytes\":18446744073709551615",
            "profile a has call stacks that held 10 bytes at the peak, which is 18446744073709",
        ),
        ("\"name\":\"a\"", "\"name\":\"a b\"", "profile \"a b\" has a space"),
        ("\"name\":\"a\"", "\"name\":\"condition\"", "profile \"condition\" is a reserved name"),
        ("mine::read", "\\u001b[31m", "frame 1 has the invisible character U+001B"),
        ("f1.rs", "\\u202e", "frame 1 has the invisible character U+202E"),
        ("1a2b", "", "label \"revision\" is empty"),
    ] {
        let error = changed(from, to);
        assert!(error.starts_with(says), "{from} -> {to}: {error}");
    }
    let long = "x".repeat(1025);
    assert_eq!(changed("mine::read", &long), "frame 1 has 1025 bytes; the limit is 1024");
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let stack = |bytes| model::Stack { functions: vec![0], site: 0, bytes, blocks: 1 };
    let profile = model::Profile { stacks: vec![stack(1), stack(2)], unattributed_bytes: 0 };
    let document = document(&[("a".to_owned(), profile)].into());
    let document = document.replace("\"bytes\":2", "\"bytes\":18446744073709551615");
    let error = Recording::from_json(document.as_bytes()).expect_err("it does not fit");
    assert_eq!(error.to_string(), "profile a has more than 2^64 bytes or blocks");
}

#[test]
fn a_name_is_there_once() {
    let profile = model::Profile { stacks: vec![], unattributed_bytes: 0 };
    let two = [("a".to_owned(), profile.clone()), ("b".to_owned(), profile)];
    let document = document(&two.into()).replace("\"name\":\"b\"", "\"name\":\"a\"");
    let error = Recording::from_json(document.as_bytes()).expect_err("it is there twice");
    assert_eq!(error.to_string(), "profile \"a\" is there twice");
}

#[test]
fn names_are_made_fit_for_documents() {
    let recording = Recording::new().with_condition("a key", "one\nline").with_label("", "");
    let read = Recording::from_json(recording.to_json().as_bytes()).expect("it was written");
    assert_eq!(read.conditions()["a_key"], "one\u{fffd}line");
    assert_eq!(read.labels()["unknown"], "unknown");
}
