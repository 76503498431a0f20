//! Instructions per pair of allocation and free, counted by callgrind, and the goals on them.
//!
//! A count is the difference between a run of twice the pairs and a run of the pairs, so what is
//! outside the loop cancels out. It is the same on every run.

use allocator_api2::alloc::Global;
use gitmind::memory::System;
use std::process::{Command, ExitCode};

use crate::subjects::{
    self, BARE, CONTEXT_KILLED, CONTEXT_OFF, COUNTED, GLIBC, STATIC, StaticHandle, TRACED,
};
use crate::workload;

const PAIRS: u64 = 20_000;

/// Most instructions that the handle may add to a call on a port that is known statically.
const HANDLE_MAX: f64 = 15.0;

/// Most that a context may add to a call on its port: what the optimizer shares between two callers
/// of one function differs by an instruction or two.
const CONTEXT_MAX: f64 = 2.0;

pub(crate) fn run() -> ExitCode {
    let mut names = vec![GLIBC, STATIC];
    names.extend(subjects::all().iter().map(|subject| subject.name));
    names.extend([CONTEXT_OFF, CONTEXT_KILLED]);
    let counts: Vec<(&str, f64)> = names.into_iter().map(|name| (name, per_pair(name))).collect();
    let of = |wanted: &str| {
        let found = counts.iter().find(|(name, _)| *name == wanted);
        found.expect("it is in the list above").1
    };
    println!("instructions per allocation and free of 64 bytes:");
    for (name, count) in &counts {
        println!("  {name:<24} {count:7.1} {:+7.1} to glibc", count - of(GLIBC));
    }
    let goals = [
        ("the handle adds at most 15 to a call", (of(BARE) - of(STATIC)) / 2.0 <= HANDLE_MAX),
        (
            "a context adds at most 2 to a call on its port",
            (of(CONTEXT_KILLED) - of(COUNTED)) / 2.0 <= CONTEXT_MAX,
        ),
        ("tracing on costs something, so it is measured", of(TRACED) > of(BARE)),
    ];
    for (goal, is_met) in goals {
        println!("  {}: {goal}", if is_met { "met" } else { "MISSED" });
    }
    if goals.iter().all(|(_, is_met)| *is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs itself under callgrind twice.
fn per_pair(name: &str) -> f64 {
    let count = |pairs: u64| -> u64 {
        let own = std::env::current_exe().expect("a running program has a file");
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(own)
            .args(["count", name, &pairs.to_string()])
            .output()
            .expect("valgrind is installed");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {text}");
        let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1));
        collected.and_then(|count| count.trim().parse().ok()).expect("callgrind counts")
    };
    (count(2 * PAIRS) - count(PAIRS)) as f64 / PAIRS as f64
}

/// The work of one count: the pairs, and nothing else that depends on their number.
pub(crate) fn child(name: &str, pairs: &str) -> ExitCode {
    let pairs: u64 = pairs.parse().expect("a number");
    let sum = match name {
        GLIBC => workload::pairs(Global, pairs),
        STATIC => workload::pairs(StaticHandle(&System::uncounted()), pairs),
        CONTEXT_OFF => workload::pairs(subjects::context("0").alloc(), pairs),
        CONTEXT_KILLED => workload::pairs(subjects::context("1").alloc(), pairs),
        _ => {
            let subjects = subjects::all();
            let subject = subjects.iter().find(|subject| subject.name == name);
            workload::pairs(subject.expect("a known subject").alloc(), pairs)
        }
    };
    assert_eq!(sum, 64 * pairs, "the work was done");
    ExitCode::SUCCESS
}
