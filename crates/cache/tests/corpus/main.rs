//! Each fuzz target on its corpus, for regressions, and on inputs mutated from it.
//!
//! `fuzz/run` runs the same targets under coverage guidance. `GITMIND_FUZZ_RUNS` is the number of
//! mutated journals for each target that rebuilds; the other targets get about the same time.
#![allow(clippy::disallowed_methods, reason = "tests are on std")]

mod mutate;
mod targets;

use crate::mutate::Mutator;
use crate::targets::{TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Default of `GITMIND_FUZZ_RUNS`.
const RUNS: u64 = 40;

/// Number of inputs of a target per run, chosen so that a run of each target takes about as long.
fn inputs_in_a_run(target: &Target) -> u64 {
    match target.name {
        "rebuild" | "update-and-query" => 1,
        "merge" => 20,
        "edges" => 150,
        "branch" => 500,
        "inflate" => 200,
        "bitmap" | "message" => 1000,
        "objects" => 2000,
        _ => 4000,
    }
}

/// The files of a target's corpus, sorted by name.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus").join(target.name);
    let files = std::fs::read_dir(&directory).expect("each target has a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let input = std::fs::read(&path).expect("readable");
        (path, input)
    };
    files.into_iter().map(read).collect()
}

/// Whether `target` holds on `input`; on failure, the panic prints the reason.
fn holds(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

#[test]
fn every_target_holds_on_its_corpus() {
    let mut broken = vec![];
    for target in TARGETS {
        let corpus = corpus(target);
        assert!(corpus.len() >= 2, "{} has a corpus", target.name);
        let fails = |(path, input): (PathBuf, Vec<u8>)| (!holds(target, &input)).then_some(path);
        broken.extend(corpus.into_iter().filter_map(fails));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_holds_on_inputs_mutated_from_its_corpus() {
    let runs = std::env::var("GITMIND_FUZZ_RUNS").ok();
    let runs = runs.map_or(RUNS, |runs| runs.parse().expect("GITMIND_FUZZ_RUNS is a number"));
    // Each thread runs one target after another.
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(target) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    mutate(target, runs);
                }
            });
        }
    });
}

/// Runs a target on inputs mutated from its corpus.
fn mutate(target: &Target, runs: u64) {
    let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
    let mut mutator = Mutator::new(target.name, &inputs);
    for run in 0..runs * inputs_in_a_run(target) {
        let input = mutator.next_input();
        if !holds(target, &input) {
            let saved = std::env::temp_dir().join(format!("{}-{run}", target.name));
            std::fs::write(&saved, &input).expect("the directory for temporary files is writable");
            panic!("{} breaks on {}: put it into its corpus", target.name, saved.display());
        }
    }
}
