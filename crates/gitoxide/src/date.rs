//! The dates of `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE` (`git help commit`, "DATE FORMATS").

use gitmind_ports::clock::Timestamp;
use gitmind_system::clock::Zone;

/// The time that `text` means; a date without a time zone is one of `zone`. `None` when it is not a
/// date with a time of day.
pub(super) fn parse(text: &str, zone: &Zone) -> Option<Timestamp> {
    let text = text.trim();
    // A number is a time only where it cannot be a part of a date.
    if let Ok(seconds) = text.strip_prefix('@').unwrap_or(text).parse::<i64>() {
        let offset_seconds = zone.offset_seconds(seconds);
        let is_time = text.starts_with('@') || seconds >= 100_000_000;
        return is_time.then_some(Timestamp { seconds, offset_seconds });
    }
    // git takes a day alone only where it reads dates more freely.
    if text.len() <= "2005-04-07".len() && !text.starts_with('@') {
        return None;
    }
    // Also what `gix-date` knows with a weekday or a zone alone.
    let read = |text: &str| gix_date::parse(text, None).ok();
    let time = read(text).or_else(|| read(&format!("{text} +0000")));
    let time = time.or_else(|| read(&format!("Thu, {text}")));
    let time = time.or_else(|| read(&format!("Thu, {text} +0000")))?;
    let (seconds, offset_seconds) = (time.seconds, time.offset);
    if names_a_zone(text) {
        return Some(Timestamp { seconds, offset_seconds });
    }
    let guess = zone.offset_seconds(seconds);
    let offset_seconds = zone.offset_seconds(seconds - i64::from(guess));
    Some(Timestamp { seconds: seconds - i64::from(offset_seconds), offset_seconds })
}

/// Whether the date ends in an offset or the name of a zone; the day and month before a time of day
/// do not count.
fn names_a_zone(text: &str) -> bool {
    let after_time = text.find(':').map_or(text, |colon| &text[colon..]);
    let last = text.rsplit(' ').next().unwrap_or(text);
    last.starts_with(['+', '-'])
        || after_time.contains(['+', '-'])
        || text.ends_with(|end: char| end.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_git() {
        // Each value is that of `git var GIT_AUTHOR_IDENT` with TZ=EST5EDT,M3.2.0,M11.1.0.
        let zone = Zone::of(Some("EST5EDT,M3.2.0,M11.1.0".into()));
        for (text, seconds, offset_seconds) in [
            ("@1112911993 +0200", 1_112_911_993, 7200),
            ("1112911993 -0700", 1_112_911_993, -25_200),
            ("1112911993", 1_112_911_993, -14_400),
            ("@1112911993", 1_112_911_993, -14_400),
            ("Thu, 07 Apr 2005 22:13:13 +0200", 1_112_904_793, 7200),
            ("2005-04-07T22:13:13", 1_112_926_393, -14_400),
            ("2005-01-07 22:13:13", 1_105_153_993, -18_000),
            ("2005-04-07T22:13:13Z", 1_112_911_993, 0),
            ("2005-04-07 22:13:13 +0530", 1_112_892_193, 19_800),
            ("2005-04-07T22:13:13+05:30", 1_112_892_193, 19_800),
            ("2005-04-07T22:13:13-0700", 1_112_937_193, -25_200),
            ("Thu Apr 7 22:13:13 2005 +0200", 1_112_904_793, 7200),
            ("Thu Apr 7 22:13:13 2005", 1_112_926_393, -14_400),
            ("7 Apr 2005 22:13:13 +0200", 1_112_904_793, 7200),
            ("7 Apr 2005 22:13:13", 1_112_926_393, -14_400),
        ] {
            let expected = Timestamp { seconds, offset_seconds };
            assert_eq!(parse(text, &zone), Some(expected), "{text}");
        }
        for text in ["", "yesterday", "2005-04-07", "x", "100"] {
            assert_eq!(parse(text, &zone), None, "{text}");
        }
    }
}
