//! The system's random bytes.

pub use gitmind_ports::random::{CountingRandom, Random, RandomError};

use std::io;

/// The system's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        Ok(getrandom::fill(bytes).map_err(io::Error::from)?)
    }
}
