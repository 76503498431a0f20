//! The dates of `GIT_AUTHOR_DATE` and `GIT_COMMITTER_DATE`, read as git does (date.c,
//! `parse_date_basic`): each word or number sets what it can mean, and nothing else is looked at.

mod fields;
#[cfg(test)]
mod tests;

use self::fields::{Fields, SECONDS_MAX, UNKNOWN};
use gitmind_ports::clock::Timestamp;
use gitmind_system::clock::Zone;

/// Numbers from here on are seconds since 1970, where they cannot be a part of a date.
const SECONDS_MIN: i64 = 100_000_000;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] =
    ["Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays"];
/// The names of time zones that git knows, by their hours east of UTC.
const ZONES: [(i64, &str); 23] = [
    (-12, "IDLW"),
    (-11, "NT"),
    (-10, "CAT HST"),
    (-9, "HDT YST"),
    (-8, "YDT PST"),
    (-7, "PDT MST"),
    (-6, "MDT CST"),
    (-5, "CDT EST"),
    (-4, "EDT"),
    (-3, "AST"),
    (-2, "ADT"),
    (-1, "WAT"),
    (0, "GMT UTC Z WET"),
    (1, "BST CET MET MEWT FWT"),
    (2, "MEST CEST MESZ FST EET"),
    (3, "EEST"),
    (7, "WAST"),
    (8, "WADT CCT"),
    (9, "JST"),
    (10, "EAST GST"),
    (11, "EADT"),
    (12, "NZT NZST IDLE"),
    (13, "NZDT"),
];

/// The time that `text` means; a date without a time zone is one of `zone`. `None` when git refuses
/// it: it lacks a day or a time of day, or is not from 1970 to 2099. Some forms of a day may not be
/// later than `now_seconds`.
pub(super) fn parse(text: &[u8], zone: &Zone, now_seconds: i64) -> Option<Timestamp> {
    let text = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Some(time) = text.strip_prefix(b"@").and_then(of_commit) {
        return Some(time);
    }
    let mut date = Date {
        fields: Fields::default(),
        offset_minutes: UNKNOWN,
        is_since_1970: false,
        now_seconds,
    };
    let mut rest = text;
    while let Some(first) = rest.first() {
        let read = match first {
            b'a'..=b'z' | b'A'..=b'Z' => date.word(rest),
            b'0'..=b'9' => date.number(rest),
            b'+' | b'-' if is_digit(rest, 1) => date.offset(rest),
            _ => 1,
        };
        rest = &rest[read..];
    }
    let (mut seconds, mut offset_minutes) = (date.fields.seconds()?, date.offset_minutes);
    if offset_minutes == UNKNOWN {
        offset_minutes = i64::from(zone.offset_seconds_of_local(seconds)) / 60;
    }
    if !date.is_since_1970 {
        seconds -= offset_minutes * 60;
    }
    (0..=SECONDS_MAX).contains(&seconds).then(|| timestamp(seconds, offset_minutes))?
}

/// The seconds and offset that a commit has, which may be any; `text` follows an `@`.
fn of_commit(text: &[u8]) -> Option<Timestamp> {
    let (seconds, length) = digits(text);
    let (sign, offset) = text[length..].strip_prefix(b" ")?.split_first()?;
    let is_date = length > 0 && seconds < i64::MAX && matches!(sign, b'+' | b'-');
    if !is_date || offset.len() != 4 || digits(offset).1 != 4 {
        return None;
    }
    let offset = digits(offset).0;
    let minutes = offset / 100 * 60 + offset % 100;
    timestamp(seconds, if *sign == b'-' { -minutes } else { minutes })
}

fn timestamp(seconds: i64, offset_minutes: i64) -> Option<Timestamp> {
    let offset_seconds = i32::try_from(offset_minutes * 60).ok()?;
    Some(Timestamp { seconds, offset_seconds })
}

/// What was read of a date.
struct Date {
    fields: Fields,
    offset_minutes: i64,
    /// Whether the fields are UTC, from a number of seconds.
    is_since_1970: bool,
    now_seconds: i64,
}

impl Date {
    /// Reads the word at the start of `text`; returns its length.
    fn word(&mut self, text: &[u8]) -> usize {
        let mut read = 0;
        let mut is_one = |name: &&str| {
            read = common(text, name);
            read >= 3
        };
        if let Some(month) = MONTHS.iter().position(&mut is_one) {
            self.fields.month = i64::try_from(month).unwrap_or(UNKNOWN);
            return read;
        }
        if WEEKDAYS.iter().any(is_one) {
            return read;
        }
        let zones =
            ZONES.iter().flat_map(|(hours, names)| names.split(' ').map(move |name| (hours, name)));
        for (hours, name) in zones {
            let length = common(text, name);
            if length >= 3 || length == name.len() {
                if self.offset_minutes == UNKNOWN {
                    self.offset_minutes = hours * 60;
                }
                return length;
            }
        }
        for (name, hours) in [("PM", 12), ("AM", 0)] {
            if common(text, name) == name.len() {
                self.fields.hour = self.fields.hour % 12 + hours;
                return name.len();
            }
        }
        if text[0] == b'T' && is_digit(text, 1) && self.fields.hour == UNKNOWN {
            (self.fields.minute, self.fields.second) = (0, 0);
            return 1;
        }
        text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count()
    }

    /// Reads the number at the start of `text`, and those that are joined to it; returns the
    /// length.
    fn number(&mut self, text: &[u8]) -> usize {
        let (number, length) = digits(text);
        if number >= SECONDS_MIN && self.fields.are_unknown() {
            self.fields = Fields::of_seconds(number);
            self.is_since_1970 = true;
            return length;
        }
        if let Some(mark @ (b':' | b'.' | b'/' | b'-')) = text.get(length).copied()
            && is_digit(text, length + 1)
            && let Some(read) = self.joined(text, mark)
        {
            return read;
        }
        let (high, middle, low) = (number / 10_000, number / 100 % 100, number % 100);
        if length == 8 {
            self.fields.set_date(high, middle, low, None);
            return length;
        }
        if length == 6 {
            let is_time = self.fields.set_time(high, middle, low);
            return if is_time { after_fraction(text, length) } else { length };
        }
        let fields = &mut self.fields;
        if fields.hour == UNKNOWN && fields.minute == 0 && fields.second == 0 {
            let (hour, minute) = if length == 4 { (middle, low) } else { (number, 0) };
            if matches!(length, 2 | 4) && fields.set_time(hour, minute, 0) {
                return length;
            }
            (fields.minute, fields.second) = (UNKNOWN, UNKNOWN);
        }
        match length {
            4 if number <= 1400 && self.offset_minutes == UNKNOWN => {
                self.offset_minutes = number / 100 * 60 + low;
            }
            4 if number > 1900 && number < 2100 => fields.year = number,
            1 | 2 => fields.set_number(number, length),
            _ => {}
        }
        length
    }

    /// Reads the two or three numbers at the start of `text` that `mark` joins, a time or a day;
    /// returns their length.
    fn joined(&mut self, text: &[u8], mark: u8) -> Option<usize> {
        let (first, mut length) = digits(text);
        let mut next = || {
            let is_there = text.get(length) == Some(&mark) && is_digit(text, length + 1);
            is_there.then(|| {
                let (number, digits) = digits(&text[length + 1..]);
                length += 1 + digits;
                number
            })
        };
        let (second, third) = (next()?, next());
        let fields = &mut self.fields;
        if mark == b':' {
            let is_time = fields.set_time(first, second, third.unwrap_or(0));
            let length = if fields.is_day_known() { after_fraction(text, length) } else { length };
            return is_time.then_some(length);
        }
        let (third, now) = (third.unwrap_or(UNKNOWN), Some(self.now_seconds));
        let is_day = first > 70
            && (fields.set_date(first, second, third, None)
                || fields.set_date(first, third, second, None))
            || mark != b'.' && fields.set_date(third, first, second, now)
            || fields.set_date(third, second, first, now)
            || mark == b'.' && fields.set_date(third, first, second, now);
        is_day.then_some(length)
    }

    /// Reads the offset at the start of `text`: `+hhmm`, `+hh:mm` or `+hh`; returns its length.
    fn offset(&mut self, text: &[u8]) -> usize {
        let (number, length) = digits(&text[1..]);
        let mut end = 1 + length;
        let (hours, minutes) = match length {
            4 => (number / 100, number % 100),
            2 if text.get(end) == Some(&b':') => {
                let (minutes, length) = digits(&text[end + 1..]);
                end += 1 + length;
                (number, if length == 2 { minutes } else { i64::MAX })
            }
            2 => (number, 0),
            _ => return end,
        };
        if hours < 24 && minutes < 60 {
            let offset = hours * 60 + minutes;
            self.offset_minutes = if text[0] == b'-' { -offset } else { offset };
        }
        end
    }
}

fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// The number at the start of `text`, at most [`i64::MAX`], and how many digits it has.
fn digits(text: &[u8]) -> (i64, usize) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = text[..length].iter().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    (number, length)
}

/// The end of the fraction of a second at `at`, if there is one.
fn after_fraction(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'.') if is_digit(text, at + 1) => at + 1 + digits(&text[at + 1..]).1,
        _ => at,
    }
}

/// How many letters of `name` the word at the start of `text` is; 0 when it is another word.
fn common(text: &[u8], name: &str) -> usize {
    let same = text.iter().zip(name.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    if text.get(same).is_some_and(u8::is_ascii_alphanumeric) { 0 } else { same }
}
