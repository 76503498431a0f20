//! The parts of a date as git collects them: any may be set again, and none is checked by another.

/// A part that was not given.
pub(super) const UNKNOWN: i64 = -1;
/// The last second of 2099, git's limit, up to which each fourth year is a leap year.
pub(super) const SECONDS_MAX: i64 = DAY * (130 * 365 + 32) - 1;
const DAY: i64 = 24 * 60 * 60;
/// The days of a common year before each month.
const DAYS_BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

#[derive(Clone, Copy)]
pub(super) struct Fields {
    pub(super) year: i64,
    /// From 0.
    pub(super) month: i64,
    /// Of the month, from 1.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Default for Fields {
    fn default() -> Self {
        let none = UNKNOWN;
        Self { year: none, month: none, day: none, hour: none, minute: none, second: none }
    }
}

impl Fields {
    /// The parts of a time in UTC.
    pub(super) const fn of_seconds(seconds: i64) -> Self {
        // Years begin in March here, so that a leap day is the last of one (H. Hinnant,
        // "chrono-compatible low-level date algorithms").
        let days = seconds / DAY + 719_468;
        let of_era = days % 146_097;
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = (from_march + 2) % 12;
        let second = seconds % DAY;
        Self {
            year: year + days / 146_097 * 400 + if month < 2 { 1 } else { 0 },
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
        }
    }

    pub(super) const fn are_unknown(&self) -> bool {
        let Self { year, month, day, hour, minute, second } = *self;
        year & month & day & hour & minute & second < 0
    }

    pub(super) const fn is_day_known(&self) -> bool {
        self.year != UNKNOWN && self.month != UNKNOWN && self.day != UNKNOWN
    }

    /// The seconds since 1970 as if in UTC; `None` when a part is unknown or git does not count so
    /// far. A day beyond the end of its month is one of the next.
    pub(super) fn seconds(&self) -> Option<i64> {
        let Self { year, month, day, hour, minute, second } = *self;
        let before = DAYS_BEFORE.get(usize::try_from(month).ok()?)?;
        if !(1970..2100).contains(&year) || hour.min(minute).min(second) < 0 {
            return None;
        }
        let is_before_leap_day = month < 2 || year % 4 != 0;
        let days =
            (year - 1970) * 365 + (year - 1969) / 4 + before + day - i64::from(is_before_leap_day);
        Some(days * DAY + hour * 3600 + minute * 60 + second)
    }

    /// Sets the time of day, if it is one.
    pub(super) fn set_time(&mut self, hour: i64, minute: i64, second: i64) -> bool {
        let is_time = hour <= 24 && minute < 60 && second <= 60;
        if is_time {
            (self.hour, self.minute, self.second) = (hour, minute, second);
        }
        is_time
    }

    /// Sets the day, if it is one, and no more than ten days after `now_seconds`, when that is
    /// given.
    pub(super) fn set_date(
        &mut self,
        year: i64,
        month: i64,
        day: i64,
        now_seconds: Option<i64>,
    ) -> bool {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return false;
        }
        let mut set = Self { month: month - 1, day, ..*self };
        let full = match (year, now_seconds) {
            (UNKNOWN, Some(now)) => Some(Self::of_seconds(now).year),
            (1970..2100, _) => Some(year),
            (71..100, _) => Some(1900 + year),
            (0..38, _) => Some(2000 + year),
            _ => None,
        };
        set.year = full.unwrap_or(self.year);
        let Some(now) = now_seconds else {
            // git keeps the month and the day of one whose year it refuses.
            *self = set;
            return full.is_some();
        };
        let is_later = set.seconds().is_some_and(|seconds| seconds > now + 10 * DAY);
        if full.is_none() || is_later {
            return false;
        }
        *self = Self { year: if year == UNKNOWN { self.year } else { set.year }, ..set };
        true
    }

    /// Sets what a number of one or two digits can mean: a day before a year before a month.
    pub(super) fn set_number(&mut self, number: i64, length: usize) {
        if (1..32).contains(&number) && self.day < 0 {
            self.day = number;
        } else if length == 2 && self.year < 0 && number < 10 && self.day >= 0 {
            self.year = 2000 + number;
        } else if length == 2 && self.year < 0 && number >= 70 {
            self.year = 1900 + number;
        } else if (1..13).contains(&number) && self.month < 0 {
            self.month = number - 1;
        }
    }
}
