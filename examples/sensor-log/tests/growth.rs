//! Memory that grew is seen in review: who holds what at the peak is `growth.txt`, to the byte.
//!
//! The directory `tmp` of Cargo's target directory gets the recording (`growth.json`), the
//! difference as a table (`growth.md`), and what to commit when a change is meant (`growth.txt`).

// The hash table of another processor has another size.
#![cfg(target_arch = "x86_64")]

use std::error::Error;
use std::fs::write;
use std::path::Path;

use gitmind_memory::testing;
use gitmind_profile::{Baseline, Comparison, Recording, Tolerance};
use sensor_log::Recorder;

#[test]
fn reading_a_day_holds_at_its_peak_what_is_stored() -> Result<(), Box<dyn Error>> {
    let day: String = (0..24).map(|hour| format!("{} {hour}.5\n", hour % 3)).collect();
    let profile = testing::profile(|alloc| Recorder::read(alloc, &day).map(drop));
    let mut recording = Recording::new().with_condition("arch", std::env::consts::ARCH);
    recording.add("read", &profile, &["sensor_log"]);

    // Before anything can fail, so that there is a new file also when the stored one is wrong.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    write(directory.join("growth.json"), recording.to_json())?;
    write(directory.join("growth.txt"), recording.baseline(20).to_string())?;
    let stored: Baseline = include_str!("growth.txt").parse()?;
    let comparison = Comparison::between(&stored, &recording, Tolerance::NONE)?;
    write(directory.join("growth.md"), comparison.markdown())?;
    assert!(comparison.is_unchanged(), "{comparison}");
    Ok(())
}
