//! Whether the disk may not have a name yet: whoever gave it waits for the disk after that, or was
//! killed before. Who builds on the name waits too, where it is so new.

use std::fs::Metadata;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// By then the system has written it by itself.
const AGE_MAX: Duration = Duration::from_secs(60);

/// Whether a directory may be that new. Its other times are those of what is in it, so they count
/// only where the file system does not know when it was made.
pub(super) fn is_new_directory(found: &Metadata) -> bool {
    let made = found.created().or_else(|_| found.modified());
    made.map_or(true, is_recent)
}

/// Whether a name may not be on the disk that was given at this time. One to come says nothing: a
/// clock was wrong.
pub(super) fn is_recent(given: SystemTime) -> bool {
    SystemTime::now().duration_since(given).map_or(true, |age| age <= AGE_MAX)
}

/// The time that `stat` gives in seconds.
pub(super) fn time(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_within_a_minute_is_recent() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(is_new_directory(&directory.path().metadata().expect("it is there")));
        let now = SystemTime::now();
        for (seconds, expected) in [(0, true), (30, true), (61, false), (100_000, false)] {
            assert_eq!(is_recent(now - Duration::from_secs(seconds)), expected, "{seconds}");
        }
        assert!(is_recent(now + Duration::from_secs(100_000)));
        assert!(!is_recent(time(-1)));
    }
}
