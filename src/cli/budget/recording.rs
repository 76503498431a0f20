//! `--profile FILE`: who held the heap at the peak of each operation, by call stack.

use super::report::Report;
use crate::cli::args::ProfileFormat;
use crate::cli::failure::Failure;
use crate::cli::output::WholeFile;
use crate::profile::{Recording, When};
use crate::units::Bytes;
use std::io::Write;

/// The crates whose functions are named as the holders.
const OWN: [&str; 1] = ["gitmind"];

/// The call sites that a baseline lists for each operation.
const BASELINE_SITES_MAX: usize = 20;

/// What was recorded of each operation. Recordings are comparable when all but the program's
/// sources was the same.
pub(super) fn of(report: &Report, cap: Option<Bytes>) -> Recording {
    let environment = &report.environment;
    let cap = cap.map_or_else(|| "default".to_owned(), |cap| cap.get().to_string());
    let mut recording = Recording::new()
        .with_condition("fixture", &report.fixture)
        .with_condition("fixture_sha256", &report.fixture_sha256)
        .with_condition("target", environment.target)
        .with_condition("profile", environment.profile)
        .with_condition("threads", environment.threads.to_string())
        .with_condition("rebuild_cap_bytes", cap)
        .with_condition("toggles", environment.toggles_set())
        .with_label("version", environment.version)
        .with_label("revision", &environment.revision)
        .with_label("compiler", environment.rustc);
    for row in &report.rows {
        if let Some(profile) = &row.measured.profile {
            recording.add(row.measured.op.name(), profile, &OWN);
        }
    }
    recording
}

/// Writes the recording into the file.
pub(super) fn write(
    mut file: WholeFile,
    format: ProfileFormat,
    report: &Report,
    recording: &Recording,
) -> Result<(), Failure> {
    let text = match format {
        ProfileFormat::Recording => recording.to_json(),
        ProfileFormat::Folded => recording.folded(When::Peak),
        ProfileFormat::Baseline => recording.baseline(BASELINE_SITES_MAX).to_string(),
        ProfileFormat::Flamegraph => {
            let title = format!("Heap at the peak of each operation, fixture {}", report.fixture);
            recording.flamegraph(&title, When::Peak).map_err(Failure::new)?
        }
    };
    file.write_all(text.as_bytes())?;
    file.finish()
}

/// Whether any call site has a line.
pub(super) fn has_lines(recording: &Recording) -> bool {
    let mut profiles = recording.profiles().iter();
    profiles.any(|profile| profile.sites(When::Peak).iter().any(|site| site.place.is_some()))
}
