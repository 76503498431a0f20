//! The local time zone, from `TZ` or from the machine's setting.
//!
//! Source: POSIX.1, "TZ", with the C library's `:` prefix and directory of zones. `jiff` is used
//! only to parse: its own zone lookup lists every installed zone first, which takes longer than an
//! append.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};
use std::sync::OnceLock;

use crate::env::Environment;
use jiff::tz::TimeZone;

/// The machine's zone file.
const LOCALTIME: &str = "/etc/localtime";
/// The directories of zone files: that of most systems, and that of NixOS.
const ZONES: [&str; 2] = ["/usr/share/zoneinfo", "/etc/zoneinfo"];
/// Most bytes of a zone file that are read; the largest installed ones have about 4 000.
const ZONE_BYTES_MAX: u64 = 64 << 10;

/// When there is summer time, for a zone that has it and does not say when.
const SUMMER_TIME: &str = ",M3.2.0,M11.1.0";

/// A time zone whose file is read when an offset is first asked for.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    /// The value of `TZ`.
    value: Option<OsString>,
    /// The directory of zone files, if it is not that of the system: the value of `TZDIR`.
    directory: Option<OsString>,
    /// What was read; `None` when the zone does not exist.
    rules: OnceLock<Option<TimeZone>>,
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::of(Some(OsString::new()))
    }

    /// The zone that `value`, the value of `TZ`, names; the machine's zone when it is `None`.
    ///
    /// ```
    /// use gitmind_system::clock::Zone;
    /// let kathmandu = Zone::of(Some("<+0545>-5:45".into()));
    /// assert_eq!(kathmandu.offset_seconds(0), (5 * 60 + 45) * 60);
    /// ```
    pub fn of(value: Option<OsString>) -> Self {
        Self { value, ..Self::default() }
    }

    /// The zone that the variables `TZ` and `TZDIR` name.
    pub fn from_environment(env: &dyn Environment) -> Self {
        Self { value: env.var("TZ"), directory: env.var("TZDIR"), ..Self::default() }
    }

    /// The offset from UTC in seconds, positive to the east, at `seconds` since 1970; 0 when the
    /// zone does not exist, as in the C library.
    pub fn offset_seconds(&self, seconds: i64) -> i32 {
        let zone = self.rules.get_or_init(|| match self.value.as_deref() {
            None => read(Path::new(LOCALTIME)),
            Some(value) if value.is_empty() => None,
            Some(value) => self.named(value),
        });
        let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        zone.as_ref().map_or(0, |zone| zone.to_offset(time).seconds())
    }

    /// The offset from UTC in seconds when the clocks of the zone show `local_seconds`, the seconds
    /// since they showed 1970, as the C library's `mktime` finds it.
    pub fn offset_seconds_of_local(&self, local_seconds: i64) -> i32 {
        let offset = |seconds| self.offset_seconds(seconds);
        let guess = offset(local_seconds);
        let next = offset(local_seconds - i64::from(guess));
        // A time that the clocks leave out counts from before they are set forward.
        let is_shown = offset(local_seconds - i64::from(next)) == next;
        if is_shown { next } else { next.min(guess) }
    }

    /// The zone that `value` means: the name of a zone file, or a POSIX rule.
    fn named(&self, value: &OsStr) -> Option<TimeZone> {
        let text = value.to_str()?;
        let text = text.strip_prefix(':').unwrap_or(text);
        let leaves = Path::new(text).components().any(|part| part == Component::ParentDir);
        let read = |directory: &Path| if leaves { None } else { read(&directory.join(text)) };
        let file = match &self.directory {
            Some(directory) => read(directory.as_ref()),
            None => ZONES.iter().find_map(|directory| read(directory.as_ref())),
        };
        file.or_else(|| TimeZone::posix(&rule(text)?).ok())
    }
}

/// A rule in POSIX's form of what the C library reads from `text`: it is content with parts of an
/// offset, ends where it does not understand, and assumes when there is summer time.
fn rule(text: &str) -> Option<String> {
    let (standard, rest) = offset(after_name(text)?)?;
    let summer = after_name(rest).map(|rest| offset(rest).unwrap_or((standard - 3600, rest)));
    let posix = |name: &str, west: i32| {
        let (sign, west) = (if west < 0 { '-' } else { '+' }, west.abs());
        format!("{name}{sign}{}:{:02}:{:02}", west / 3600, west / 60 % 60, west % 60)
    };
    let standard = posix("STD", standard);
    Some(match summer {
        None => standard,
        Some((summer, rest)) => {
            let rest = if matches!(rest, "" | ",") { SUMMER_TIME } else { rest };
            format!("{standard}{}{rest}", posix("DST", summer))
        }
    })
}

/// What follows the name of a zone.
fn after_name(text: &str) -> Option<&str> {
    if let Some(quoted) = text.strip_prefix('<') {
        let (name, rest) = quoted.split_once('>')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-');
        return (name.len() >= 3 && name.bytes().all(is_name)).then_some(rest);
    }
    let rest = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    (text.len() - rest.len() >= 3).then_some(rest)
}

/// The offset at the start of `text`, in seconds to the west, and what follows it.
fn offset(text: &str) -> Option<(i32, &str)> {
    let signed = text.strip_prefix(['+', '-']);
    let (mut rest, mut seconds, mut is_first) = (signed.unwrap_or(text), 0, true);
    for (unit_seconds, most) in [(3600, 24), (60, 59), (1, 59)] {
        let part = if is_first { rest } else { rest.strip_prefix(':').unwrap_or("") };
        let after = part.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let Ok(number) = part[..part.len() - after.len()].parse::<u16>() else { break };
        seconds += unit_seconds * i32::from(number).min(most);
        (rest, is_first) = (after, false);
    }
    let seconds = if text.starts_with('-') { -seconds } else { seconds };
    (!is_first).then_some((seconds, rest))
}

/// Reads the zone file at `path`.
fn read(path: &Path) -> Option<TimeZone> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(ZONE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    TimeZone::tzif("local", &bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-15 and 2026-07-15, at noon in UTC.
    const WINTER: i64 = 1_768_478_400;
    const SUMMER: i64 = 1_784_116_800;

    fn offsets(value: &str) -> [i32; 2] {
        let zone = Zone::of(Some(value.into()));
        [WINTER, SUMMER].map(|seconds| zone.offset_seconds(seconds))
    }

    #[test]
    fn posix_rules_include_daylight_saving_time() {
        assert_eq!(offsets("CET-1CEST,M3.5.0,M10.5.0/3"), [3600, 7200]);
        assert_eq!(offsets("EST5EDT,M3.2.0,M11.1.0"), [-18_000, -14_400]);
        assert_eq!(offsets("<-03>3"), [-10_800, -10_800]);
    }

    #[test]
    fn offsets_are_those_of_the_c_library() {
        for (value, [winter, summer]) in [
            ("CET-1CEST", ["+0100", "+0200"]),
            ("AEST-10AEDT", ["+1000", "+1100"]),
            ("NZST-12NZDT,", ["+1200", "+1300"]),
            ("XXX5YYY", ["-0500", "-0400"]),
            ("XXX5YYY3:30", ["-0500", "-0330"]),
            ("XYZ-5:3", ["+0503"; 2]),
            ("XYZ-5:", ["+0500"; 2]),
            ("XYZ-5 ", ["+0500"; 2]),
            ("XYZ-25", ["+2400"; 2]),
            ("ABC-1:60", ["+0159"; 2]),
            ("AB-1", ["+0000"; 2]),
            ("ABC", ["+0000"; 2]),
            ("<A-1>-1", ["+0100"; 2]),
        ] {
            let zone = Zone::of(Some(value.into()));
            for (seconds, expected) in [(WINTER, winter), (SUMMER, summer)] {
                let date = std::process::Command::new("date")
                    .args(["-d", &format!("@{seconds}"), "+%z"])
                    .env("TZ", value)
                    .output()
                    .expect("date runs");
                assert_eq!(String::from_utf8_lossy(&date.stdout).trim(), expected, "{value}");
                let minutes = zone.offset_seconds(seconds) / 60;
                let sign = if minutes < 0 { '-' } else { '+' };
                let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
                assert_eq!(format!("{sign}{hours:02}{minutes:02}"), expected, "{value}");
            }
        }
    }

    #[test]
    fn an_unknown_zone_is_utc() {
        for value in ["", "UTC", "UTC0", ":", "nowhere/at all", "../../etc/passwd", "/etc/passwd"] {
            assert_eq!(offsets(value), [0, 0], "{value:?}");
        }
    }

    #[test]
    fn a_zone_file_can_be_given_by_its_path() {
        // Version 1, with one kind of local time: 5:45 ahead, not summer time, abbreviation 0.
        let mut bytes = b"TZif".to_vec();
        bytes.extend([0; 16]);
        for count in [0_u32, 0, 0, 0, 1, 4] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(20_700_u32.to_be_bytes());
        bytes.extend(*b"\0\0NPT\0");
        let file = std::env::temp_dir().join(format!("gm-zone-{}", std::process::id()));
        std::fs::write(&file, bytes).expect("a writable directory");
        let path = file.to_str().expect("UTF-8");
        assert_eq!(offsets(path), [20_700; 2]);
        assert_eq!(offsets(&format!(":{path}")), [20_700; 2]);
        std::fs::remove_file(&file).expect("it was just written");
    }
}
