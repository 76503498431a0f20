//! Usage over time in a fixed number of buckets, for a plot; never allocates.
//!
//! A bucket keeps the highest level of its interval of time, so no peak is lost, however short.
//! When the time passes the last bucket, neighbours are merged and each is twice as wide: an
//! operation of a second and one of an hour fill between half and all of the buckets.
//!
//! Threads that come while another one writes leave that to it and go on.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Stretches of time that are kept apart.
const BUCKETS: usize = 1024;
/// Width of a bucket at the beginning, as a power of two of nanoseconds: four microseconds.
const FIRST_SHIFT: u64 = 12;

/// What is plotted: what the ports admitted, and what the heap allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Bytes charged to the ports.
    pub charged: u64,
    /// Bytes live in the heap.
    pub allocated: u64,
}

impl Usage {
    fn max(self, other: Self) -> Self {
        Self {
            charged: self.charged.max(other.charged),
            allocated: self.allocated.max(other.allocated),
        }
    }
}

/// An interval of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interval {
    /// When it began, since the start.
    pub start: Duration,
    /// The highest levels in it, each by itself.
    pub highest: Usage,
}

/// Two levels that are stored together.
struct Pair {
    charged: AtomicU64,
    allocated: AtomicU64,
}

impl Pair {
    const fn new() -> Self {
        Self { charged: AtomicU64::new(0), allocated: AtomicU64::new(0) }
    }

    fn load(&self) -> Usage {
        Usage {
            charged: self.charged.load(Ordering::Relaxed),
            allocated: self.allocated.load(Ordering::Relaxed),
        }
    }

    fn store(&self, levels: Usage) {
        self.charged.store(levels.charged, Ordering::Relaxed);
        self.allocated.store(levels.allocated, Ordering::Relaxed);
    }

    fn take(&self) -> Usage {
        Usage {
            charged: self.charged.swap(0, Ordering::Relaxed),
            allocated: self.allocated.swap(0, Ordering::Relaxed),
        }
    }

    fn raise(&self, levels: Usage) {
        self.charged.fetch_max(levels.charged, Ordering::Relaxed);
        self.allocated.fetch_max(levels.allocated, Ordering::Relaxed);
    }
}

/// The levels of one operation. The thread that holds `is_busy` writes everything but what is
/// pending.
pub(super) struct Timeline {
    is_busy: AtomicBool,
    is_pending: AtomicBool,
    /// The highest levels that are not written yet.
    pending: Pair,
    shift: AtomicU64,
    /// The bucket that was written last.
    current: AtomicU64,
    last: Pair,
    highest: [Pair; BUCKETS],
    started_ns: AtomicU64,
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self {
            is_busy: AtomicBool::new(false),
            is_pending: AtomicBool::new(false),
            pending: Pair::new(),
            shift: AtomicU64::new(FIRST_SHIFT),
            current: AtomicU64::new(0),
            last: Pair::new(),
            highest: [const { Pair::new() }; BUCKETS],
            started_ns: AtomicU64::new(0),
        }
    }

    /// Forgets everything; the time starts now. Nothing is noted meanwhile.
    pub(super) fn restart(&self) {
        for pair in self.highest.iter().chain([&self.pending, &self.last]) {
            pair.store(Usage::default());
        }
        self.shift.store(FIRST_SHIFT, Ordering::Relaxed);
        self.current.store(0, Ordering::Relaxed);
        self.started_ns.store(now_ns(), Ordering::Relaxed);
    }

    /// Notes that the levels are now what `read` says.
    pub(super) fn note(&self, read: impl Fn() -> Usage) {
        let started_ns = self.started_ns.load(Ordering::Relaxed);
        self.note_at(|| now_ns().saturating_sub(started_ns), read);
    }

    fn note_at(&self, time_ns: impl Fn() -> u64, read: impl Fn() -> Usage) {
        self.pending.raise(read());
        self.is_pending.store(true, Ordering::SeqCst);
        // A thread that finds it busy has left its levels before, so the thread that writes sees
        // them when it looks again; hence the sequential order of the two flags.
        while self.is_pending.load(Ordering::SeqCst) && !self.is_busy.swap(true, Ordering::SeqCst) {
            self.is_pending.store(false, Ordering::SeqCst);
            self.write(time_ns(), read());
            self.is_busy.store(false, Ordering::SeqCst);
        }
    }

    /// Writes what is pending and that these are the levels at this time.
    fn write(&self, time_ns: u64, levels: Usage) {
        let highest = self.pending.take();
        let mut shift = self.shift.load(Ordering::Relaxed);
        while time_ns >> shift >= BUCKETS as u64 {
            self.merge();
            shift += 1;
        }
        self.shift.store(shift, Ordering::Relaxed);
        let (before, now) = (self.current.load(Ordering::Relaxed), time_ns >> shift);
        // Nothing has changed in the buckets between: they are at the last level.
        let last = self.last.load();
        for pair in self.between(before + 1, now + 1) {
            pair.store(last);
        }
        // A clock that is read by two threads may be a bucket back.
        let now = now.max(before);
        self.between(now, now + 1).iter().for_each(|pair| pair.raise(highest));
        self.current.store(now, Ordering::Relaxed);
        self.last.store(levels);
    }

    /// The buckets from number `from` up to `to`.
    fn between(&self, from: u64, to: u64) -> &[Pair] {
        let index = |number: u64| usize::try_from(number).map_or(BUCKETS, |i| i.min(BUCKETS));
        self.highest.get(index(from)..index(to)).unwrap_or_default()
    }

    /// Makes each two buckets one.
    fn merge(&self) {
        for index in 0..BUCKETS / 2 {
            let (first, second) = (&self.highest[2 * index], &self.highest[2 * index + 1]);
            self.highest[index].store(first.load().max(second.load()));
        }
        self.highest[BUCKETS / 2..].iter().for_each(|pair| pair.store(Usage::default()));
        self.current.store(self.current.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
    }

    /// The intervals up to the last one that was written. Nothing is noted meanwhile.
    pub(super) fn intervals(&self) -> impl Iterator<Item = Interval> {
        let shift = self.shift.load(Ordering::Relaxed);
        let written = self.between(0, self.current.load(Ordering::Relaxed) + 1);
        (0_u64..).zip(written).map(move |(number, pair)| Interval {
            start: Duration::from_nanos(number << shift),
            highest: pair.load(),
        })
    }
}

/// Nanoseconds since this was asked for the first time.
fn now_ns() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn both(level: u64) -> Usage {
        Usage { charged: level, allocated: level }
    }

    #[test]
    fn a_level_lasts_until_the_next_and_a_short_peak_is_kept() {
        let timeline = Timeline::new();
        timeline.note_at(|| 0, || both(5));
        timeline.note_at(|| 1, || both(90));
        timeline.note_at(|| 2, || both(7));
        timeline.note_at(|| 3 << FIRST_SHIFT, || both(9));
        let levels: Vec<_> =
            timeline.intervals().map(|interval| interval.highest.allocated).collect();
        assert_eq!(levels, [90, 7, 7, 9]);
    }

    #[test]
    fn any_duration_fits_and_every_stretch_has_the_highest_level_of_its_time() {
        for step_ns in [100, 70_000, 3_000_000_000] {
            let timeline = Timeline::new();
            let level = |number: u64| number * 7919 % 1009 + 1;
            (0..5000).for_each(|number| {
                timeline.note_at(|| number * step_ns, || both(level(number)));
            });
            let shift = timeline.shift.load(Ordering::Relaxed);
            let intervals: Vec<_> = timeline.intervals().collect();
            assert_eq!(intervals.len() as u64, ((4999 * step_ns) >> shift) + 1);
            assert!(step_ns == 100 || intervals.len() > BUCKETS / 2, "{}", intervals.len());
            for (index, interval) in (0_u64..).zip(&intervals) {
                let in_it = (0..5000).filter(|number| (number * step_ns) >> shift == index);
                if let Some(highest) = in_it.map(level).max() {
                    assert!(interval.highest.allocated >= highest, "{index}: {interval:?}");
                }
                assert!(interval.highest.allocated >= 1, "{index}: a hole");
            }
        }
    }

    #[test]
    fn no_peak_of_any_thread_is_lost() {
        let timeline = Timeline::new();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let timeline = &timeline;
                scope.spawn(move || {
                    (0..2000).for_each(|step| timeline.note_at(|| step * 5000, || both(thread)));
                    timeline.note_at(|| 10_000_000, || both(1000 * thread));
                });
            }
        });
        let highest = timeline.intervals().map(|interval| interval.highest.charged).max();
        assert_eq!(highest, Some(4000));
    }
}
