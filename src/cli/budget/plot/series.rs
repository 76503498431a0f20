//! The data of the plot: the operations one after the other on one time axis.

use crate::cli::budget::operations::Row;
use crate::cli::budget::report::Report;
use crate::cli::budget::verdict::{percent, permille};
use crate::memory::{Interval, Usage};
use crate::profile::{RecordedProfile, Recording, SiteHeld, When};
use crate::units::Bytes;
use std::time::Duration;

/// Holders that are named for an operation.
pub(super) const HOLDERS_MAX: usize = 4;

/// A point of a curve: milliseconds since the start of the first operation, and MiB.
pub(super) type Point = (f64, f64);

/// An operation on the axes.
pub(super) struct Band {
    pub(super) name: &'static str,
    pub(super) start_ms: f64,
    pub(super) end_ms: f64,
    pub(super) cap: Bytes,
    pub(super) peak: Bytes,
    pub(super) share: String,
    pub(super) allocated: Vec<Point>,
    pub(super) charged: Vec<Point>,
    /// Who held the most at the peak: the share, the function, file and line.
    pub(super) holders: Vec<String>,
}

/// The operations of a report that have a duration.
pub(super) fn bands(report: &Report, recording: &Recording) -> Vec<Band> {
    let mut start_ms = 0.0;
    let bands = report.rows.iter().filter(|row| !row.measured.duration.is_zero()).map(|row| {
        let band = band(row, recording, start_ms);
        start_ms = band.end_ms;
        band
    });
    bands.collect()
}

fn band(Row { measured, judged }: &Row, recording: &Recording, start_ms: f64) -> Band {
    let end_ms = start_ms + milliseconds(measured.duration);
    let curve = |level: fn(Usage) -> u64| steps(&measured.intervals, (start_ms, end_ms), level);
    Band {
        name: measured.op.name(),
        start_ms,
        end_ms,
        cap: measured.cap,
        peak: measured.accounts.allocated_peak,
        share: judged.share(),
        allocated: curve(|levels| levels.allocated),
        charged: curve(|levels| levels.charged),
        holders: recording.profile(measured.op.name()).map_or_else(Vec::new, holders),
    }
}

/// The sites that held the most at the peak, short enough for a column.
fn holders(profile: &RecordedProfile) -> Vec<String> {
    let sites = profile.sites(When::Peak);
    let whole = Bytes::new(profile.held(When::Peak).bytes);
    let line = |site: &SiteHeld| {
        let share = percent(permille(Bytes::new(site.held.bytes), whole));
        let path = site.place.as_deref().unwrap_or("");
        let place = path.rsplit('/').next().unwrap_or_default();
        let function: Vec<&str> = site.site.rsplitn(3, "::").take(2).collect();
        let function = function.into_iter().rev().collect::<Vec<_>>().join("::");
        format!("{share}  {function} {place}")
    };
    sites.iter().take(HOLDERS_MAX).map(line).collect()
}

/// A step curve with the level of each interval, between these two times.
fn steps(
    intervals: &[Interval],
    (start_ms, end_ms): (f64, f64),
    level: fn(Usage) -> u64,
) -> Vec<Point> {
    let begins = intervals.iter().map(|interval| start_ms + milliseconds(interval.start));
    let ends = begins.clone().skip(1).chain([end_ms]);
    let levels = intervals.iter().map(|interval| mib(level(interval.highest)));
    let mut points: Vec<Point> = Vec::with_capacity(2 * intervals.len());
    for ((begin, end), level) in begins.zip(ends).zip(levels) {
        // Adjacent intervals of the same level are one line, which keeps the file small.
        let is_same = points.last().is_some_and(|last| last.1.total_cmp(&level).is_eq());
        match points.last_mut() {
            Some(last) if is_same => last.0 = end.min(end_ms),
            _ => points.extend([(begin.min(end_ms), level), (end.min(end_ms), level)]),
        }
    }
    points
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a plot has fewer pixels than the error")]
pub(super) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_corner_only_where_the_level_changes() {
        let interval = |micros, mib: u64| {
            let mut interval = Interval::default();
            interval.start = Duration::from_micros(micros);
            interval.highest.charged = mib << 20;
            interval
        };
        let intervals = [interval(0, 1), interval(1000, 1), interval(2000, 3), interval(3000, 0)];
        let points = steps(&intervals, (10.0, 14.0), |levels| levels.charged);
        let expected =
            [(10.0, 1.0), (12.0, 1.0), (12.0, 3.0), (13.0, 3.0), (13.0, 0.0), (14.0, 0.0)];
        assert_eq!(points, expected);
    }
}
