//! The memory test kit in another crate: the code of a small crate, and its tests below.
//!
//! `cargo test --example test_kit` runs the tests. Only the public API of gitmind is used, so this
//! compiles the same with gitmind as a dependency. `docs/memory-test-kit.md` explains it.

use gitmind::memory::{Alloc, Map, MemoryError, Vec};

/// The latest readings of each sensor, the oldest first.
#[derive(Debug)]
pub struct Recorder<'a> {
    readings: Map<'a, u32, Vec<'a, f64>>,
    alloc: Alloc<'a>,
}

impl<'a> Recorder<'a> {
    /// A recorder without readings; allocates nothing.
    pub fn new(alloc: Alloc<'a>) -> Self {
        Self { readings: Map::new(alloc), alloc }
    }

    /// Adds a reading after the others of its sensor.
    ///
    /// # Errors
    /// Every allocation failure; nothing was added then.
    pub fn record(&mut self, sensor: u32, value: f64) -> Result<(), MemoryError> {
        let alloc = self.alloc;
        self.readings.try_get_or_insert_with(sensor, || Vec::new(alloc))?.try_push(value)
    }

    /// A recorder with the readings of a text: a sensor and a value on each line.
    ///
    /// # Errors
    /// A malformed line, or every allocation failure.
    pub fn read(alloc: Alloc<'a>, text: &str) -> Result<Self, ReadError> {
        let mut recorder = Self::new(alloc);
        for line in text.lines() {
            let (sensor, value) = line.split_once(' ').ok_or(ReadError::Line)?;
            let (Ok(sensor), Ok(value)) = (sensor.parse(), value.parse()) else {
                return Err(ReadError::Line);
            };
            recorder.record(sensor, value)?;
        }
        Ok(recorder)
    }

    /// The mean of a sensor's readings; `None` when it has none.
    pub fn mean(&self, sensor: u32) -> Option<f64> {
        let values = self.readings.get(&sensor).filter(|values| !values.is_empty())?;
        let (sum, count) = values.iter().fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        Some(sum / count)
    }
}

/// Why a text has no readings.
#[derive(Debug, PartialEq)]
pub enum ReadError {
    /// A line is not a sensor and a value.
    Line,
    /// An allocation failed.
    Memory(MemoryError),
}

impl From<MemoryError> for ReadError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line => write!(f, "not a sensor and a value"),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

fn main() {
    let system = gitmind::memory::System::new();
    let mut recorder = Recorder::new(Alloc::new(&system));
    recorder.record(7, 20.5).expect("this holds because the system has sixteen bytes");
    assert_eq!(recorder.mean(7), Some(20.5));
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind::memory::testing::{Sweep, assert_no_leaks, contract, sweep, with_budget};
    use gitmind::memory::{Budgeted, ErrorKind, System};
    use gitmind::units::Bytes;
    use std::cell::Cell;

    fn a_day(alloc: Alloc<'_>) -> Result<Option<f64>, MemoryError> {
        let mut recorder = Recorder::new(alloc);
        for hour in 0..24 {
            recorder.record(hour % 3, f64::from(hour))?;
        }
        Ok(recorder.mean(0))
    }

    #[test]
    fn every_allocation_failure_is_an_error_and_nothing_leaks() {
        let report = sweep(a_day);
        report.assert_propagated();
        assert!(report.call_sites() >= 2, "the map and its lists: {report}");
    }

    #[test]
    fn a_failed_record_leaves_the_other_readings() {
        let mean = Cell::new(None);
        let report = Sweep::new()
            .invariant(|| match mean.take() {
                None | Some(1.0) => Ok(()),
                Some(other) => Err(format!("the mean became {other}")),
            })
            .run(|alloc| {
                let mut recorder = Recorder::new(alloc);
                recorder.record(1, 1.0)?;
                let refused = recorder.record(2, 5.0);
                mean.set(recorder.mean(1));
                refused
            });
        report.assert_propagated();
    }

    #[test]
    fn an_allocation_failure_is_not_reported_as_a_bad_line() {
        let report = Sweep::new()
            .is_memory_error(|error| matches!(error, ReadError::Memory(_)))
            .run(|alloc| Recorder::read(alloc, "7 20.5\n7 21.5\n8 3.0").map(drop));
        report.assert_propagated();
        let system = System::new();
        let bad = Recorder::read(Alloc::new(&system), "7 warm");
        assert_eq!(bad.map(|_| ()), Err(ReadError::Line));
    }

    #[test]
    fn a_day_of_readings_is_freed() {
        assert_eq!(assert_no_leaks(a_day), Ok(Some(10.5)));
    }

    #[test]
    fn a_day_fits_a_kibibyte_and_not_a_hundred_bytes() {
        let (mean, peak) = with_budget(Bytes::new(1024), a_day);
        assert_eq!(mean, Ok(Some(10.5)));
        assert!(peak <= Bytes::new(1024), "{peak}");
        let (refused, _) = with_budget(Bytes::new(100), a_day);
        assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::OverBudget));
    }

    #[test]
    fn a_port_keeps_the_contract() {
        // With a port of yours in place of this one.
        contract::check(|| Budgeted::new(System::new(), Bytes::from_mib(64)));
    }
}
