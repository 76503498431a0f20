//! Whether a directory entry may not be durable yet.
//!
//! The process that made the entry may not have synced its directory yet, or was killed before. A
//! process that relies on a recent entry therefore syncs the directory itself.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The age from which an entry counts as durable: by then the kernel has written it back.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Whether the entry of a directory may not be durable yet. The modification time changes with the
/// directory's content, so it is used only where the file system has no creation time.
pub(super) fn is_recent_directory(found: &Metadata) -> bool {
    let made = found.created().or_else(|_| found.modified());
    made.map_or(true, is_recent)
}

/// Whether an entry that was made at the time `created` may not be durable yet. A timestamp in the
/// future proves no age, because a clock was wrong; it counts as recent.
pub(super) fn is_recent(created: SystemTime) -> bool {
    SystemTime::now().duration_since(created).map_or(true, |age| age <= AGE_MAX)
}

/// The time of a `stat` field in seconds since 1970; a negative one counts as 1970.
pub(super) fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_recent_for_60_seconds() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(is_recent_directory(&directory.path().metadata().expect("it is there")));
        let now = SystemTime::now();
        for (seconds, expected) in [(0, true), (30, true), (61, false), (100_000, false)] {
            assert_eq!(is_recent(now - Duration::from_secs(seconds)), expected, "{seconds}");
        }
        assert!(is_recent(now + Duration::from_secs(100_000)));
        assert!(!is_recent(time(-1)));
    }
}
