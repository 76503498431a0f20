//! Records who holds the heap of a revision's command, or compares two such recordings.
//!
//! `growth record FILE.json REVISION ARGUMENTS...` runs the command line of the revision that it
//! was built with; `growth compare BASE.json NOW.json` prints what grew since the base, and leaves
//! that as growth.svg and the heap of the other as flamegraph.svg.

mod picture;

use gitmind_memory::ProcessAllocator;
use gitmind_profile::{Baseline, Comparison, Recording, Tolerance, When};
use std::error::Error;
use std::ffi::OsString;
use std::fs::{read, write};
use std::process::ExitCode;

#[global_allocator]
static HEAP: ProcessAllocator = ProcessAllocator::new();

/// What the revision takes for its global allocator. It counts nothing.
static OF_REVISION: gitmind::memory::ProcessAllocator = gitmind::memory::ProcessAllocator::new();

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [task, file, revision, command @ ..] if task == "record" => {
            let (code, recording) = record(&revision.to_string_lossy(), command);
            write(file, recording.to_json())?;
            Ok(code)
        }
        [task, base, now] if task == "compare" => {
            let now = Recording::from_json(&read(now)?)?;
            let comparison =
                Comparison::between(&Baseline::read(&read(base)?)?, &now, Tolerance::NONE)?;
            println!("{comparison}");
            let change = comparison.profiles.first().ok_or("the recordings share no command")?;
            write("growth.svg", picture::picture(change))?;
            let title = format!("Heap at the peak of {}", now.conditions()["command"]);
            write("flamegraph.svg", now.flamegraph(&title, When::Peak)?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err("growth record FILE REVISION ARGUMENTS... | compare BASE NOW".into()),
    }
}

fn record(revision: &str, command: &[OsString]) -> (ExitCode, Recording) {
    let arguments = [&["git-mind".into()], command].concat();
    HEAP.start_profiling();
    let code = gitmind::cli::run(arguments, &gitmind::env::ProcessEnvironment, &OF_REVISION);
    HEAP.stop_counting();
    let command = command.join(" ".as_ref());
    let mut recording = Recording::new()
        .with_condition("command", command.to_string_lossy())
        .with_label("revision", revision);
    recording.add("heap", &HEAP.profile(), &["gitmind"]);
    (code, recording)
}
