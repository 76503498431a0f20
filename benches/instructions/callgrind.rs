//! Instructions per step of a piece of work, counted by callgrind.
//!
//! A count is the difference between a run of twice the steps and a run of the steps, so what is
//! outside the loop cancels out. It is the same on every run.

use std::process::Command;

/// Runs this program's `count` command under callgrind twice.
pub(crate) fn per_step(name: &str, steps: u64) -> f64 {
    let count = |steps: u64| -> u64 {
        let own = std::env::current_exe().expect("a running program has a file");
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(own)
            .args(["count", name, &steps.to_string()])
            .output()
            .expect("valgrind is installed");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {text}");
        let collected = text.lines().find_map(|line| line.split("Collected : ").nth(1));
        collected.and_then(|count| count.trim().parse().ok()).expect("callgrind counts")
    };
    (count(2 * steps) - count(steps)) as f64 / steps as f64
}
