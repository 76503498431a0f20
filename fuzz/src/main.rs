//! The targets of the test `corpus` under libFuzzer; `GITMIND_FUZZ_TARGET` says which one.
//!
//! `fuzz/run` builds and runs this.

#![no_main]

#[path = "../../crates/cache/tests/corpus/targets/mod.rs"]
mod targets;

use crate::targets::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("GITMIND_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|target| target.name == name);
    found.expect("GITMIND_FUZZ_TARGET names a target of crates/cache/tests/corpus/targets/mod.rs")
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
