//! A full disk: a small tmpfs, where a user namespace allows to mount one.

use crate::support::{OPERATIONS, Place, REFUSED, not_run};
use std::process::Command;

/// The fault, in the injection matrix.
const FULL: &str = "the disk is full";
/// Free space on the disk, in KiB.
const ROOM_KIB: [u32; 7] = [0, 4, 16, 40, 100, 400, 6000];

/// Copies the checkout to a tmpfs, fills that but for so many KiB, runs the program there, and
/// prints its exit code and the temporary files that it left.
const SCRIPT: &str = r#"
set -e
mkdir -p "$DISK"
mount -t tmpfs -o size=16m tmpfs "$DISK"
cp -a "$FROM/work" "$FROM/home" "$DISK/"
free=$(df -k --output=avail "$DISK" | tail -n 1)
head -c "$(( (free - ROOM_KIB) * 1024 ))" /dev/zero >"$DISK/filler"
cd "$DISK/work"
before=$(git for-each-ref)
export HOME="$DISK/home" TMPDIR="$DISK/home"
code=0
"$PROGRAM" "$@" <"$INPUT" >/dev/null || code=$?
[ "$code" -eq 0 ] || [ "$before" = "$(git for-each-ref)" ] || echo "CHANGED"
find "$DISK" -name 'tmp_*' -o -name '*.lock' -o -name '*.keep' | sed 's/^/LEFT /'
git fsck --strict --full --no-dangling 2>&1 | sed 's/^/FSCK /'
echo "CODE $code"
"#;

#[test]
fn a_full_disk_is_an_error_that_changes_nothing() {
    let place = Place::new();
    let directory = place.around().join("probe");
    let script = format!("mkdir {0} && mount -t tmpfs tmpfs {0}", directory.display());
    let probe = Command::new("unshare").args(["-r", "-m", "sh", "-c", &script]).output();
    let can_mount = probe.is_ok_and(|probe| probe.status.success());
    if !can_mount {
        return not_run(
            FULL,
            "no namespace of one's own here; the limit of a file's size stands for it",
        );
    }
    for operation in OPERATIONS.iter().filter(|it| it.name == "budget" || !it.only_reads()) {
        let (mut refused, mut done) = (0, 0);
        for room in ROOM_KIB {
            let mut command = place.isolated("unshare");
            command.args(["-r", "-m", "sh", "-c", SCRIPT, "sh"]).env("FROM", place.around());
            command.env("DISK", place.around().join("disk")).env("ROOM_KIB", room.to_string());
            command.env("PROGRAM", gitmind_test_support::program());
            command.env("INPUT", place.input_of(operation));
            let ran = place.run(operation, command);
            let (stdout, stderr) =
                (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
            let about = format!("{} with {room} KiB: {stdout}{stderr}", operation.name);
            let failed = if operation.name == "budget" { "CODE 2\n" } else { "CODE 1\n" };
            match &*stdout {
                "CODE 0\n" => done += 1,
                code if code == failed => {
                    assert!(stderr.contains("No space left on device"), "{about}");
                    let errors = stderr.lines().filter(|line| line.contains("error: ")).count();
                    assert!(errors == 1 && !stderr.contains("panicked"), "{about}");
                    refused += 1;
                }
                _ => panic!("{about}"),
            }
        }
        assert!(done >= 1, "{}: {refused} refused, {done} done", operation.name);
        assert!(refused >= 1, "{} was never refused", operation.name);
        operation.record(FULL, REFUSED);
    }
}
