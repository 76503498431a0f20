//! Limits of a process: open files, sizes of files, the address space.

use crate::support::{OPERATIONS, Place, REFUSED, REFUSED_OR_DONE};

#[test]
fn too_few_open_files_are_an_error_that_changes_nothing() {
    let mut place = Place::new();
    for operation in &OPERATIONS {
        let (mut refused, mut done) = (0, 0);
        for files in (4..=12).chain([16, 24, 32, 64]) {
            if operation.name == "budget" && files > 8 && files < 64 {
                continue;
            }
            let ran = place.limited(operation, &format!("ulimit -n {files}"));
            // The loader of a dynamic program opens files too.
            if ran.status.code() == Some(127) {
                continue;
            }
            let what = format!("{files} open files");
            let is_refused = place.assert_refused_or_done(operation, &ran, &what);
            if is_refused {
                let text = String::from_utf8_lossy(&ran.stderr);
                assert!(text.contains("Too many open files"), "{} {what}: {text}", operation.name);
                assert!(!text.contains("git fsck"), "nothing is damaged: {text}");
                refused += 1;
            } else {
                done += 1;
            }
        }
        let about = format!("{}: {refused} refused, {done} done", operation.name);
        assert!(refused >= 1 && done >= 1, "{about}");
        operation.record("too few open files", REFUSED_OR_DONE);
    }
    place.assert_works_again();
}

#[test]
fn a_file_that_may_not_grow_is_an_error_that_changes_nothing() {
    // Regression: a rebuild was killed by a signal, and its partial pack stayed.
    let mut place = Place::new();
    for operation in OPERATIONS.iter().filter(|operation| !operation.only_reads()) {
        let mut refused = 0;
        // `ulimit -f` counts blocks of 512 bytes.
        for blocks in [0, 1, 2, 8, 64, 512] {
            let ran = place.limited(operation, &format!("ulimit -f {blocks}"));
            let what = format!("{blocks} blocks in a file");
            if place.assert_refused_or_done(operation, &ran, &what) {
                let text = String::from_utf8_lossy(&ran.stderr);
                assert!(text.contains("File too large"), "{} {what}: {text}", operation.name);
                refused += 1;
            }
        }
        assert!(refused >= 1, "{} was never refused", operation.name);
        operation.record("a file may not grow", REFUSED);
    }
    place.assert_works_again();
}

#[test]
fn a_small_address_space_is_an_error_that_changes_nothing() {
    let mut place = Place::new();
    for operation in &OPERATIONS {
        let (mut refused, mut done) = (0, 0);
        for kib in [4000, 8000, 12_000, 16_000, 20_000, 40_000, 100_000] {
            let ran = place.limited(operation, &format!("ulimit -v {kib}"));
            let what = format!("{kib} KiB of addresses");
            let is_refused = match ran.status.code() {
                // The system or the loader could not start the program, or a library aborted
                // without memory: the same as a crash.
                None | Some(127) => {
                    place.assert_unchanged_as_after_a_crash(&what);
                    true
                }
                _ => place.assert_refused_or_done(operation, &ran, &what),
            };
            *(if is_refused { &mut refused } else { &mut done }) += 1;
        }
        let about = format!("{}: {refused} refused, {done} done", operation.name);
        assert!(refused >= 1 && done >= 1, "{about}");
        let outcome = "an error or an abort by a library, nothing changed; or done";
        operation.record("a small address space", outcome);
    }
    place.assert_works_again();
}
