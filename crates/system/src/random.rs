//! The system's random bytes.

pub use gitmind_ports::random::{CountingRandom, Random, RandomError};

use std::io;

/// The system's random bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        let mut left = bytes;
        while !left.is_empty() {
            let flags = rustix::rand::GetRandomFlags::empty();
            let filled = rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut *left, flags));
            let filled = filled.map_err(io::Error::from)?;
            left = &mut left[filled..];
        }
        Ok(())
    }
}
