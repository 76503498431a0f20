//! A comparison says what a naive one of two maps says, and no more than its base can tell.

use std::collections::{BTreeMap, BTreeSet};

use gitmind_profile::{Baseline, Comparison, Recording, SiteBase, SiteChange, Tolerance, Unlisted};
use proptest::prelude::*;

use crate::model::{self, profiles};

fn between(base: &Baseline, now: &Recording) -> Comparison {
    Comparison::between(base, now, Tolerance::NONE).expect("they have the same conditions")
}

proptest! {
    #[test]
    fn differences_of_sites_sum_to_the_difference_of_the_peaks(
        base in profiles(),
        now in profiles(),
        sites_max in 0..9_usize,
        is_of_lines in any::<bool>(),
    ) {
        let mut baseline = model::recording(&base).baseline(sites_max);
        if is_of_lines {
            baseline = baseline.to_string().parse().expect("it was written");
        }
        let comparison = between(&baseline, &model::recording(&now));
        for profile in &comparison.profiles {
            let is_listed = |site: &&SiteChange| matches!(site.base, SiteBase::Held { .. });
            let listed = profile.sites.iter().filter(is_listed);
            let listed: i128 = listed.map(SiteChange::difference_bytes).sum();
            let unlisted = profile.unlisted.as_ref().map_or(0, Unlisted::difference_bytes);
            let sum = listed + unlisted + profile.unattributed_difference_bytes;
            prop_assert_eq!(sum, profile.difference_bytes());
            let peaks = [&base, &now].map(|of| i128::from(of[&profile.name].peak_bytes()));
            prop_assert_eq!(profile.difference_bytes(), peaks[1] - peaks[0]);
            prop_assert_eq!(profile.exceeds, peaks[1] > peaks[0]);
        }
        let names = |only: &model::Profiles, other: &model::Profiles| -> Vec<String> {
            only.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let named =
            |of: &[(String, _)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        prop_assert_eq!(named(&comparison.came), names(&now, &base));
        prop_assert_eq!(named(&comparison.went), names(&base, &now));
    }

    #[test]
    fn sites_that_differ_are_those_of_the_naive_comparison(base in profiles(), now in profiles()) {
        let baseline = model::recording(&base).baseline(usize::MAX);
        let comparison = between(&baseline, &model::recording(&now));
        for profile in &comparison.profiles {
            let [then, now] = [&base, &now].map(|of| of[&profile.name].sites());
            let mut expected = BTreeMap::new();
            for site in then.keys().chain(now.keys()) {
                let [then, now] = [&then, &now].map(|of| of.get(site).copied().unwrap_or_default());
                if then != now {
                    let verb = match (then.0, now.0) {
                        (0, _) => "came",
                        (_, 0) => "went",
                        _ if now > then => "grew",
                        _ => "shrank",
                    };
                    expected.insert(site.clone(), (then, now, verb));
                }
            }
            let found = profile.sites.iter().map(|change| {
                let SiteBase::Held { bytes, blocks } = change.base else {
                    panic!("all are listed")
                };
                let then = (bytes, blocks.expect("a recording has blocks"));
                (change.site.clone(), (then, (change.now.bytes, change.now.blocks), change.verb()))
            });
            prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
            let sizes = profile.sites.iter().map(|change| change.difference_bytes().unsigned_abs());
            prop_assert!(sizes.is_sorted_by(|a, b| a >= b));
            prop_assert!(profile.unlisted.is_none());
        }
    }

    #[test]
    fn what_a_short_base_cannot_tell_is_not_claimed_and_not_omitted(
        base in profiles(),
        now in profiles(),
        sites_max in 0..5_usize,
    ) {
        let lines = model::recording(&base).baseline(sites_max).to_string();
        let baseline: Baseline = lines.parse().expect("it was written");
        let comparison = between(&baseline, &model::recording(&now));
        for profile in &comparison.profiles {
            let [then, now] = [&base, &now].map(|of| of[&profile.name].sites());
            for change in &profile.sites {
                let truth = i128::from(now.get(&change.site).copied().unwrap_or_default().0)
                    - i128::from(then.get(&change.site).copied().unwrap_or_default().0);
                match change.base {
                    SiteBase::Held { .. } => prop_assert_eq!(change.difference_bytes(), truth),
                    SiteBase::AtMost { .. } => prop_assert!(0 < change.difference_bytes()
                        && change.difference_bytes() <= truth),
                }
            }
            // Every growth above the most that an unlisted site can have held has a name.
            let named: BTreeSet<&String> = profile.sites.iter().map(|of| &of.site).collect();
            let listed = |site: &String| lines.contains(&format!("{} site {site} ", profile.name));
            let smallest = then.iter().filter(|(site, _)| listed(site));
            let smallest = smallest.map(|(_, held)| held.0).min();
            for (site, held) in now.iter().filter(|(site, _)| !listed(site)) {
                if smallest.is_some_and(|smallest| held.0 > smallest) {
                    prop_assert!(named.contains(site), "{}", site);
                }
            }
        }
    }

    #[test]
    fn a_recording_is_unchanged_from_itself(profiles in profiles(), sites_max in 0..9_usize) {
        let recording = model::recording(&profiles);
        let comparison = between(&recording.baseline(sites_max), &recording);
        prop_assert!(comparison.is_unchanged() && !comparison.exceeds());
        let lines = recording.baseline(sites_max).to_string();
        let comparison = between(&lines.parse().expect("it was written"), &recording);
        prop_assert!(comparison.is_unchanged() && !comparison.exceeds());
    }
}

/// A recording of one profile, with these bytes for each function.
pub(crate) fn of_sites(sites: &[(usize, u64)]) -> Recording {
    let stack = |(function, bytes): &(usize, u64)| model::Stack {
        functions: vec![*function, 0],
        site: 0,
        bytes: *bytes,
        blocks: 1,
    };
    let stacks = sites.iter().map(stack).collect();
    model::recording(&[("run".into(), model::Profile { stacks, unattributed_bytes: 0 })].into())
}

#[test]
fn a_small_new_site_is_proposed_before_larger_old_ones() {
    let mut sites = vec![(1, 1 << 20), (2, 500_000), (3, 70_000), (5, 9_000), (7, 100)];
    let base = of_sites(&sites).baseline(2).to_string().parse().expect("it was written");
    sites.push((6, 4096));
    let comparison = between(&base, &of_sites(&sites));
    let group = comparison.profiles[0].unlisted.as_ref().expect("three sites are not listed");
    assert_eq!((group.difference_bytes(), &*group.candidates[0].site), (4096, model::FUNCTIONS[6]));
    assert!(comparison.exceeds());
}

#[test]
fn a_large_new_site_is_first_also_when_the_base_is_short() {
    let mut sites = vec![(1, 1 << 20), (2, 500_000), (3, 70_000), (5, 9_000)];
    let base = of_sites(&sites).baseline(2).to_string().parse().expect("it was written");
    sites.push((6, 1 << 20));
    sites[0].1 += 4096;
    let comparison = between(&base, &of_sites(&sites));
    let sites = &comparison.profiles[0].sites;
    assert_eq!(
        sites.iter().map(|site| &*site.site).collect::<Vec<_>>(),
        [model::FUNCTIONS[6], model::FUNCTIONS[1]]
    );
    assert_eq!(sites[0].base, SiteBase::AtMost { bytes: 79_000 });
}

#[test]
fn growth_exactly_at_the_tolerance_does_not_exceed_it() {
    let base = of_sites(&[(1, 1000)]).baseline(usize::MAX);
    for (now, permille, exceeds) in
        [(1000, 0, false), (1001, 0, true), (1010, 10, false), (1011, 10, true), (0, 0, false)]
    {
        let comparison =
            Comparison::between(&base, &of_sites(&[(1, now)]), Tolerance::permille(permille));
        let comparison = comparison.expect("they have the same conditions");
        assert_eq!(comparison.exceeds(), exceeds, "{now} at {permille}");
        assert_eq!(comparison.is_unchanged(), now == 1000);
    }
}

#[test]
fn recordings_under_different_conditions_are_not_compared() {
    let base = Recording::new().with_condition("build", "debug").with_condition("threads", "1");
    let now =
        Recording::new().with_condition("build", "release").with_condition("target", "x86_64");
    let error = Comparison::between(&base.baseline(20), &now, Tolerance::NONE);
    assert_eq!(
        error.expect_err("they differ").to_string(),
        "the base and this recording are not comparable: build is `debug` in the base and \
         `release` now, target is not stated in the base and `x86_64` now, threads is `1` in the \
         base and not stated now; record both under the same conditions, or renew the base"
    );
    let labelled = now.clone().with_label("revision", "1a2b");
    assert!(Comparison::between(&now.baseline(20), &labelled, Tolerance::NONE).is_ok());
}
