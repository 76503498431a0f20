//! Readings of sensors: a crate that uses gitmind-memory, as a user of it would write one.
//!
//! `tests/memory.rs` proves that it survives every allocation failure. `docs/memory-test-kit.md`
//! in gitmind's repository explains it.

#![forbid(unsafe_code)]

mod error;
mod median;

use gitmind_memory::{self as memory, Alloc, Map, MemoryError};

pub use self::error::ReadError;
pub use self::median::median;

/// The latest readings of each sensor, the oldest first.
#[derive(Debug)]
pub struct Recorder<'a> {
    readings: Map<'a, u32, memory::Vec<'a, f64>>,
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
        self.readings.try_get_or_insert_with(sensor, || memory::Vec::new(alloc))?.try_push(value)
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
