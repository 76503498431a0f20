//! A baseline reads back from its lines, and lines that contradict each other do not.

use std::collections::BTreeSet;

use gitmind_profile::Baseline;
use proptest::prelude::*;

use crate::model::{self, profiles};

proptest! {
    #[test]
    fn lines_read_back_as_they_were(profiles in profiles(), sites_max in 0..9_usize) {
        let lines = model::recording(&profiles).baseline(sites_max).to_string();
        let read: Baseline = lines.parse().expect("they were written");
        prop_assert_eq!(read.to_string(), lines.clone());
        let commented = format!("# Renew it by this.\n#\n{lines}");
        prop_assert_eq!(commented.parse::<Baseline>().expect("comments are skipped"), read.clone());
        prop_assert_eq!(Baseline::read(lines.as_bytes()).expect("they are lines"), read.clone());
        let windows = lines.replace('\n', "\r\n");
        prop_assert_eq!(windows.parse::<Baseline>().expect("they were written"), read);
    }

    #[test]
    fn lines_list_the_largest_sites_and_the_sum_of_the_others(
        profiles in profiles(),
        sites_max in 0..9_usize,
    ) {
        let lines = model::recording(&profiles).baseline(sites_max).to_string();
        let lines: BTreeSet<&str> = lines.lines().collect();
        for (name, model) in &profiles {
            let mut sites: Vec<(u64, String)> =
                model.sites().into_iter().map(|(site, held)| (held.0, site)).collect();
            sites.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            let (listed, others) = sites.split_at(sites_max.min(sites.len()));
            for (bytes, site) in listed {
                let line = format!("{name} site {site} {bytes}");
                prop_assert!(lines.contains(line.as_str()), "{}", line);
            }
            let of_sites = format!("{name} site ");
            let listed_count = lines.iter().filter(|line| line.starts_with(&of_sites)).count();
            prop_assert_eq!(listed_count, listed.len());
            let others: u64 = others.iter().map(|(bytes, _)| bytes).sum();
            let line = format!("{name} sites_other_bytes {others}");
            prop_assert_eq!(lines.contains(line.as_str()), others > 0);
        }
    }
}

#[test]
fn lines_that_are_no_baseline_are_refused_with_their_number() {
    let whole =
        "schema 1\ncondition target x86_64\na peak_blocks 1\na peak_bytes 9\na site mine::f 9\n";
    assert!(whole.parse::<Baseline>().is_ok());
    for (from, to, says) in [
        ("schema 1", "schema 2", "the baseline does not begin with `schema 1`: renew it"),
        ("schema 1\n", "", "the baseline does not begin with `schema 1`: renew it"),
        ("peak_bytes 9", "peak_bytes -9", "line 4 of the baseline has no whole number: \"-9\""),
        (
            "peak_bytes 9",
            "peak_bytes 18446744073709551616",
            "line 4 of the baseline has no whole number",
        ),
        (
            "peak_bytes 9",
            "peak_bits 9",
            "line 4 of the baseline has the key \"peak_bits\", which this version does not know",
        ),
        ("mine::f 9", "mine::f 8", "the baseline of a has sites of 8 bytes and a peak of 9"),
        (
            "mine::f 9",
            "mine::f 9\na site mine::f 9",
            "line 6 of the baseline has a key that is there already",
        ),
        (
            "a site",
            "<<<<<<< ours\na site",
            "line 5 of the baseline has neither a name nor `condition`",
        ),
        ("a site", "\na site", "line 5 of the baseline has a text that is empty"),
        ("a site", "# a\na site", "line 5 of the baseline has neither a name nor `condition`"),
        (
            "mine::f",
            "mine\u{1b}[31m",
            "line 5 of the baseline has a text that has the invisible character U+001B",
        ),
        ("target x86_64", "target", "line 2 of the baseline is a condition without a value"),
        (
            "condition target",
            "condition target a\ncondition target",
            "line 3 of the baseline has a key that is there already",
        ),
    ] {
        let error = whole.replacen(from, to, 1).parse::<Baseline>().expect_err(from).to_string();
        assert!(error.starts_with(says), "{from} -> {to}: {error}");
    }
    assert_eq!(
        Baseline::read(b"\xff").expect_err("it is not text").to_string(),
        "a base is text: a recording in JSON, or lines `key value`"
    );
}

#[test]
fn a_recording_is_a_base_as_well() {
    let recording = model::recording(&model::Profiles::new());
    let read = Baseline::read(recording.to_json().as_bytes()).expect("it was written");
    assert_eq!(read, recording.baseline(usize::MAX));
}
