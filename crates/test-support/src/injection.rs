//! What a fault did, written down for the injection matrix of docs/injection.md.

use std::io::Write;

/// Appends what became of `operation` under `fault` to the file that `GITMIND_INJECTION_REPORT`
/// names, for `checks/injection`; without that variable, nothing. The texts are the same in each
/// run: no counts, names or times.
pub fn record(fault: &str, operation: &str, outcome: &str) {
    write(serde_json::json!({ "fault": fault, "operation": operation, "outcome": outcome }));
}

/// Appends a row of the report; one with a fault alone says that it cannot be had here.
pub fn write(row: serde_json::Value) {
    let Some(file) = std::env::var_os("GITMIND_INJECTION_REPORT") else { return };
    let file = std::fs::File::options().append(true).create(true).open(file);
    // One write, so that lines of tests that run at once do not mix.
    let line = format!("{row}\n");
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.expect("the report's file is writable");
}
