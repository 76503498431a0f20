//! Documents from anywhere never panic, and what is read of them can be used.

use gitmind_profile::{Baseline, Comparison, Recording, Tolerance, When};
use proptest::prelude::*;

use crate::model::{self, profiles};

/// What an edit of a document puts into it.
const PARTS: [&str; 16] = [
    "",
    "0",
    "-1",
    "18446744073709551615",
    "1e309",
    "\"",
    "{",
    "]",
    "null",
    "\\u0000",
    "\u{202e}",
    " ",
    "\n",
    "peak",
    "condition ",
    "site",
];

/// The text after some edits: each puts a part in the place of some bytes.
fn edited(text: &str, edits: &[(usize, usize, usize)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (at, length, part) in edits {
        let start = at % (bytes.len() + 1);
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, PARTS[part % PARTS.len()].bytes());
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((any::<usize>(), 0..20_usize, any::<usize>()), 1..4)
}

/// Everything that can be done with a base and a recording.
fn use_all(base: &Baseline, recording: &Recording) {
    let whole = recording.baseline(usize::MAX);
    let same = Comparison::between(&whole, recording, Tolerance::NONE).expect("both are the same");
    assert!(same.is_unchanged() && !same.exceeds());
    for when in [When::Peak, When::End, When::Total] {
        recording.folded(when);
    }
    if let Ok(comparison) = Comparison::between(base, recording, Tolerance::NONE) {
        assert!(!comparison.markdown().is_empty());
        assert!(comparison.to_string().chars().all(|c| c == '\n' || !c.is_control()));
    }
    assert!(recording.to_json().parse::<serde_json::Value>().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn edited_documents_never_panic(profiles in profiles(), edits in edits()) {
        let whole = model::recording(&profiles);
        let edited = edited(&model::document(&profiles), &edits);
        if let Ok(recording) = Recording::from_json(&edited) {
            use_all(&whole.baseline(2), &recording);
            let read = Recording::from_json(recording.to_json().as_bytes());
            prop_assert_eq!(read.expect("it was written"), recording);
        }
        let _ = Baseline::read(&edited);
    }

    #[test]
    fn edited_lines_never_panic(profiles in profiles(), sites_max in 0..4_usize, edits in edits()) {
        let whole = model::recording(&profiles);
        let edited = edited(&whole.baseline(sites_max).to_string(), &edits);
        if let Ok(base) = Baseline::read(&edited) {
            use_all(&base, &whole);
            let read = base.to_string().parse::<Baseline>();
            prop_assert_eq!(read.expect("it was written").to_string(), base.to_string());
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Recording::from_json(&bytes);
        let _ = Baseline::read(&bytes);
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = "[".repeat(100_000);
    assert!(Recording::from_json(deep.as_bytes()).is_err());
    let deep = format!("{{\"schema\":1,\"frames\":{deep}");
    assert!(Recording::from_json(deep.as_bytes()).is_err());
}
