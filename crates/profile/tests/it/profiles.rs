//! Profiles of the memory layer, by the names of this program.

use gitmind_memory::{self as memory, Alloc, MemoryError, Op, Registry, System, Trace, Traced};
use gitmind_profile::{Baseline, Recording, When};

#[inline(never)]
fn reads(alloc: Alloc<'_>) -> Result<memory::Vec<'_, u8>, MemoryError> {
    let mut read = memory::Vec::try_with_capacity(5000, alloc)?;
    read.try_push(1)?;
    Ok(read)
}

#[inline(never)]
fn plans(alloc: Alloc<'_>) -> Result<memory::Vec<'_, u64>, MemoryError> {
    let planned = memory::Vec::try_with_capacity(100, alloc)?;
    // Not the last call, which would be a jump that leaves no frame.
    Ok(std::hint::black_box(planned))
}

fn recording(own: &[&str]) -> Result<Recording, MemoryError> {
    let traced = Traced::new(System::new(), Trace::sites());
    let alloc = Alloc::new(&traced);
    let held = (reads(alloc)?, plans(alloc)?);
    let mut recording = Recording::new();
    recording.add("run", &traced.profile().expect("sites are kept"), own);
    drop(held);
    Ok(recording)
}

#[test]
fn each_function_has_its_bytes_by_its_short_name() -> Result<(), MemoryError> {
    for own in [&["services"][..], &["services::profiles"], &[], &["not_there"]] {
        let recording = recording(own)?;
        let run = recording.profile("run").expect("it was added");
        let sites = run.sites(When::Peak);
        let found: Vec<_> = sites.iter().map(|site| (&*site.site, site.held.bytes)).collect();
        assert_eq!(
            found,
            [("services::profiles::reads", 5000), ("services::profiles::plans", 800)]
        );
        assert_eq!(run.held(When::Peak).bytes, 5800);
    }
    Ok(())
}

#[test]
fn stacks_with_the_same_frames_are_one() -> Result<(), MemoryError> {
    let traced = Traced::new(System::new(), Trace::sites());
    let alloc = Alloc::new(&traced);
    let held = [reads(alloc)?, reads(alloc)?];
    let mut recording = Recording::new();
    recording.add("run", &traced.profile().expect("sites are kept"), &[]);
    drop(held);
    let sites = recording.profile("run").expect("it was added").sites(When::Peak);
    assert_eq!(sites.len(), 1);
    assert_eq!((sites[0].held.bytes, sites[0].held.blocks), (10_000, 2));
    assert_eq!(recording.folded(When::Peak).lines().count(), 1);
    Ok(())
}

#[test]
fn two_runs_of_one_program_give_equal_bytes() -> Result<(), MemoryError> {
    let [one, other] = [recording(&[])?, recording(&[])?];
    // The call above is at two places of a line.
    let baselines = [&one, &other].map(|of| of.baseline(20).to_string());
    assert_eq!(baselines[0], baselines[1]);
    assert_eq!(one.folded(When::Total), other.folded(When::Total));
    Ok(())
}

#[test]
fn no_document_has_a_path_of_the_machine() -> Result<(), MemoryError> {
    let recording = recording(&[])?;
    let json = recording.to_json();
    assert!(!json.contains(env!("CARGO_MANIFEST_DIR")), "{json}");
    assert!(!json.contains("\"file\":\"/"), "{json}");
    Ok(())
}

#[test]
fn a_stack_begins_below_what_starts_a_thread() -> Result<(), MemoryError> {
    let folded = recording(&[])?.folded(When::Peak);
    for line in folded.lines() {
        assert!(line.starts_with("run;") && !line.contains("start_thread"), "{line}");
    }
    Ok(())
}

#[test]
fn operations_of_one_profile_are_told_apart() -> Result<(), MemoryError> {
    const READ: Op = Op::new(0, "read");
    const PLAN: Op = Op::new(1, "plan");
    let traced = Traced::new(System::new(), Trace::sites());
    let alloc = Alloc::new(&traced);
    let registry = Registry::new();
    let [read, plan] = [READ, PLAN].map(|op| registry.begin(op).expect("few operations run"));
    let held = (reads(read.tag(alloc))?, reads(plan.tag(alloc))?);
    let mut recording = Recording::new();
    recording.add("all", &traced.profile().expect("sites are kept"), &["services"]);
    recording.add("read", &traced.profile_of(READ).expect("sites are kept"), &["services"]);
    drop(held);
    let folded = recording.folded(When::Peak);
    let begins = |path: &str| folded.lines().any(|line| line.starts_with(path));
    assert!(begins("all;read;") && begins("all;plan;") && !begins("read;read;"), "{folded}");
    assert_eq!(recording.profiles().iter().map(|of| of.sites(When::Peak).len()).max(), Some(1));
    let lines = recording.baseline(20).to_string();
    assert_eq!(lines.parse::<Baseline>().expect("it was written").to_string(), lines);
    Ok(())
}
