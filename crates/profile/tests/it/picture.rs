//! The flamegraph of a recording.

use gitmind_profile::{NothingHeld, Recording, When};
use proptest::prelude::*;

use crate::comparison::of_sites;
use crate::model::{self, profiles};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equal_recordings_have_equal_pictures(profiles in profiles()) {
        let recording = model::recording(&profiles);
        let read = Recording::from_json(recording.to_json().as_bytes()).expect("it was written");
        let drawn = recording.flamegraph("a title", When::Peak);
        prop_assert_eq!(drawn, read.flamegraph("a title", When::Peak));
    }
}

#[test]
fn a_picture_has_its_title_the_peak_and_the_bytes_of_each_function() {
    let svg = of_sites(&[(1, 1 << 20), (6, 1 << 20)]).flamegraph("who holds <what>", When::Peak);
    let svg = svg.expect("there are bytes");
    for text in [
        "who holds &lt;what&gt;",
        "run: peak 2,097,152 B (2.0 MiB) in 2 blocks",
        "mine::read (1,048,576 bytes, 50.00%)",
        "run (2,097,152 bytes, 100.00%)",
    ] {
        assert!(svg.contains(text), "{text}");
    }
}

#[test]
fn a_picture_of_several_profiles_names_the_largest_and_their_shares() {
    let profile = |bytes| model::Profile {
        stacks: vec![model::Stack { functions: vec![1, 0], site: 0, bytes, blocks: 1 }],
        unattributed_bytes: 0,
    };
    let two = [("small".to_owned(), profile(1024)), ("large".to_owned(), profile(3072))];
    let svg = model::recording(&two.into()).flamegraph("a title", When::Peak);
    let subtitle = "peak of large 3.0 KiB (75.0 %), small 1.0 KiB (25.0 %)<";
    assert!(svg.expect("there are bytes").contains(subtitle));
    let many = (0..40).map(|number| (format!("operation.{number}"), profile(1024)));
    let svg = model::recording(&many.collect()).flamegraph("a title", When::Peak);
    assert!(
        svg.expect("there are bytes")
            .contains(" operation.10 1.0 KiB (2.5 %), operation.11 1.0 KiB (2.5 %), and 36 more<")
    );
}

#[test]
fn nothing_cannot_be_drawn() {
    assert_eq!(of_sites(&[]).flamegraph("a title", When::Peak), Err(NothingHeld));
    assert_eq!(of_sites(&[(1, 9)]).flamegraph("a title", When::End), Err(NothingHeld));
}
