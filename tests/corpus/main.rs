//! Every fuzz target on its corpus, and on inputs made from it: what was met once does not return.
//!
//! `fuzz/run` feeds the same targets with inputs that coverage leads to. `GITMIND_FUZZ_RUNS` says
//! how many inputs are made here for each target.

mod mutate;
mod targets;

use crate::mutate::Mutator;
use crate::targets::{TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Inputs that are made for each target unless the environment says how many.
const RUNS: u64 = 400;
/// Targets that take a journal through rebuilds get a tenth of that.
const SLOW: [&str; 2] = ["rebuild", "update-and-query"];

/// The files of a target's corpus, by name.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/corpus").join(target.name);
    let files = std::fs::read_dir(&folder).expect("each target has a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let input = std::fs::read(&path).expect("readable");
        (path, input)
    };
    files.into_iter().map(read).collect()
}

/// Whether `target` holds on `input`; what broke is printed by the panic itself.
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
fn every_target_holds_on_inputs_made_from_its_corpus() {
    let runs = std::env::var("GITMIND_FUZZ_RUNS").ok();
    let runs = runs.map_or(RUNS, |runs| runs.parse().expect("GITMIND_FUZZ_RUNS is a number"));
    for target in TARGETS {
        let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
        let mut mutator = Mutator::new(target.name, &inputs);
        let share = if SLOW.contains(&target.name) { 10 } else { 1 };
        for run in 0..runs / share {
            let input = mutator.next_input();
            if !holds(target, &input) {
                let kept = std::env::temp_dir().join(format!("{}-{run}", target.name));
                std::fs::write(&kept, &input).expect("the folder for temporary files is writable");
                panic!("{} breaks on {}: put it into its corpus", target.name, kept.display());
            }
        }
    }
}
