//! Times as people type and read them, in the zone of `TZ`.

use super::failure::Failure;
use crate::clock::{Timestamp, Zone};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;
use std::fmt::{self, Display};

const ASCII: &str = "this holds because digits are ASCII";
/// Columns of a [`Minute`].
pub(super) const MINUTE_COLUMNS: usize = 16;

/// Which moment a day without a time of day means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edge {
    /// The first one, for the start of a range.
    First,
    /// The last one, for its end.
    Last,
}

/// The milliseconds since 1970 that `text` means: a day, a day with a time of day, RFC 3339, or
/// what git reads besides, such as `2 weeks ago` and `@SECONDS`.
pub(super) fn parse_ms(
    text: &str,
    edge: Edge,
    zone: &Zone,
    now: Timestamp,
) -> Result<i64, Failure> {
    let text = text.trim();
    let second_ms = if matches!(edge, Edge::Last) { 999 } else { 0 };
    let local = |time: DateTime| {
        let seconds = Offset::UTC.to_timestamp(time).ok()?.as_second();
        Some(seconds - i64::from(zone.offset_seconds_of_local(seconds)))
    };
    let seconds = if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
        local(day.to_datetime(match edge {
            Edge::First => Time::midnight(),
            Edge::Last => Time::constant(23, 59, 59, 0),
        }))
    } else if let Ok(time) = text.parse::<jiff::Timestamp>() {
        Some(time.as_second())
    } else if let Ok(time) = text.parse::<DateTime>() {
        local(time)
    } else {
        as_git(text, now)
    };
    let seconds = seconds.ok_or_else(|| {
        Failure::new(format!("`{text}` is not a date"))
            .unknown()
            .hint("dates are as in 2026-11-30, `2026-11-30 15:00`, yesterday or `2 weeks ago`")
    })?;
    Ok(seconds.saturating_mul(1000).saturating_add(second_ms))
}

/// The seconds of a date in one of git's other forms.
fn as_git(text: &str, now: Timestamp) -> Option<i64> {
    let zone = Offset::from_seconds(now.offset_seconds).ok()?.to_time_zone();
    let now = jiff::Timestamp::from_second(now.seconds).ok()?.to_zoned(zone);
    Some(gix_date::parse(text, Some(now)).ok()?.seconds)
}

/// Day, hour and minute in a zone, in [`MINUTE_COLUMNS`] columns; `-` for a time that no calendar
/// has.
pub(super) struct Minute<'z> {
    pub(super) time_ms: i64,
    pub(super) zone: &'z Zone,
}

impl Display for Minute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time_ms.div_euclid(1000);
        let offset_seconds = self.zone.offset_seconds(seconds);
        match local(Timestamp { seconds, offset_seconds }) {
            Some((time, _)) => {
                let digits = digits(time, b' ');
                f.write_str(str::from_utf8(&digits[..MINUTE_COLUMNS]).expect(ASCII))
            }
            None => write!(f, "{:MINUTE_COLUMNS$}", "-"),
        }
    }
}

/// A time with its own offset, as RFC 3339 has it. It is no `String`, since each edge that is
/// printed has one.
#[derive(Clone, Copy)]
pub(super) struct Rfc3339([u8; 25]);

impl Rfc3339 {
    /// `None` for a time that RFC 3339 does not have.
    pub(super) fn new(time: Timestamp) -> Option<Self> {
        let (time, offset_seconds) = local(time)?;
        let minutes = offset_seconds.unsigned_abs() / 60;
        let mut text = *b"0000-00-00T00:00:00+00:00";
        text[..19].copy_from_slice(&digits(time, b'T'));
        text[19] = if offset_seconds < -59 { b'-' } else { b'+' };
        for (at, number) in [(20, minutes / 60), (23, minutes % 60)] {
            (text[at], text[at + 1]) = (digit(number / 10), digit(number));
        }
        Some(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect(ASCII)
    }
}

fn digit(number: u32) -> u8 {
    b"0123456789"[(number % 10) as usize]
}

/// `YYYY-MM-DD HH:MM:SS` of a year from 0 on, with `between` instead of the space. Each edge that
/// is printed has such times, for which a template takes ten times as long.
fn digits(time: DateTime, between: u8) -> [u8; 19] {
    let mut text = *b"0000-00-00 00:00:00";
    text[10] = between;
    let year = time.year().unsigned_abs();
    let [month, day] = [time.month(), time.day()].map(i8::unsigned_abs);
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i8::unsigned_abs);
    let century = [(0, year / 100), (2, year % 100)];
    let others = [(5, month), (8, day), (11, hour), (14, minute), (17, second)];
    for (at, number) in century.into_iter().chain(others.map(|(at, it)| (at, it.into()))) {
        let number = u32::from(number);
        (text[at], text[at + 1]) = (digit(number / 10), digit(number));
    }
    text
}

/// What clocks show at `time`, from the year 0 on, and their offset.
fn local(time: Timestamp) -> Option<(DateTime, i32)> {
    let offset = Offset::from_seconds(time.offset_seconds).ok()?;
    let shown = offset.to_datetime(jiff::Timestamp::from_second(time.seconds).ok()?);
    (shown.year() >= 0).then_some((shown, time.offset_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30T14:39:06+01:00, a Monday.
    const NOW: Timestamp = Timestamp { seconds: 1_796_045_946, offset_seconds: 3600 };

    fn zone() -> Zone {
        Zone::of(Some("CET-1CEST,M3.5.0,M10.5.0/3".into()))
    }

    #[test]
    fn dates_are_read_in_the_zone_and_days_are_whole() {
        for (text, edge, expected) in [
            ("2026-11-30", Edge::First, "2026-11-30T00:00:00+01:00"),
            ("2026-11-30", Edge::Last, "2026-11-30T23:59:59+01:00"),
            ("2026-07-01", Edge::First, "2026-07-01T00:00:00+02:00"),
            ("2026-07-01 12:30", Edge::First, "2026-07-01T12:30:00+02:00"),
            ("2026-07-01T12:30:05", Edge::Last, "2026-07-01T12:30:05+02:00"),
            ("2026-07-01T12:30:05Z", Edge::First, "2026-07-01T14:30:05+02:00"),
            ("2026-07-01T12:30:05-03:00", Edge::First, "2026-07-01T17:30:05+02:00"),
            ("now", Edge::First, "2026-11-30T14:39:06+01:00"),
            ("yesterday", Edge::First, "2026-11-29T14:39:06+01:00"),
            ("2 weeks ago", Edge::First, "2026-11-16T14:39:06+01:00"),
            ("3.days.ago", Edge::First, "2026-11-27T14:39:06+01:00"),
            ("@1796045946", Edge::First, "2026-11-30T14:39:06+01:00"),
            ("Mon, 30 Nov 2026 14:39:06 +0100", Edge::First, "2026-11-30T14:39:06+01:00"),
        ] {
            let time_ms = parse_ms(text, edge, &zone(), NOW).expect(text);
            let seconds = time_ms.div_euclid(1000);
            let offset_seconds = zone().offset_seconds(seconds);
            let read = Rfc3339::new(Timestamp { seconds, offset_seconds }).expect(text);
            assert_eq!(read.as_str(), expected, "{text}");
            assert_eq!(time_ms % 1000, if matches!(edge, Edge::Last) { 999 } else { 0 });
        }
        for text in ["", "soon", "2026-13-01", "2026-02-30", "30", "1/2/3/4"] {
            assert!(parse_ms(text, Edge::First, &zone(), NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn the_digits_of_a_time_are_those_of_the_template_in_each_year() {
        for year in (0..=9999).step_by(7) {
            let month = i8::try_from(year % 12 + 1).expect("a month");
            let [hour, minute] = [year % 24, year % 60].map(|it| i8::try_from(it).expect("small"));
            let time = jiff::civil::datetime(year, month, 28, hour, minute, 59 - minute, 0);
            let expected = time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            assert_eq!(str::from_utf8(&digits(time, b'T')), Ok(&*expected));
        }
    }

    #[test]
    fn a_time_is_printed_in_its_zone_and_any_number_fits_the_column() {
        let print = |time_ms| Minute { time_ms, zone: &zone() }.to_string();
        assert_eq!(print(1_796_045_946_999), "2026-11-30 14:39");
        assert_eq!(print(-1), "1970-01-01 00:59");
        for time_ms in [i64::MIN, i64::MAX, 0, -62_167_219_200_000, 253_402_207_200_000] {
            assert_eq!(print(time_ms).len(), MINUTE_COLUMNS, "{time_ms}");
        }
        let odd = Timestamp { seconds: 0, offset_seconds: 99 * 3600 };
        assert!(Rfc3339::new(odd).is_none());
        assert!(Rfc3339::new(Timestamp { seconds: i64::MAX, offset_seconds: 0 }).is_none());
        for (offset_seconds, expected) in
            [(-12_600, "1969-12-31T20:30:00-03:30"), (-30, "1969-12-31T23:59:30+00:00")]
        {
            let time = Rfc3339::new(Timestamp { seconds: 0, offset_seconds }).expect("a time");
            assert_eq!(time.as_str(), expected);
        }
    }
}
