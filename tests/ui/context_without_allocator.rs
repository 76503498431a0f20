//! A context cannot be made without an allocator.

use gitmind::clock::{SystemClock, Zone};
use gitmind::context::Context;
use gitmind::git::fake::FakeRepository;
use gitmind::progress::Silent;

fn main() {
    let (repository, clock) = (FakeRepository::default(), SystemClock::start(Zone::default()));
    let _ = Context { repository: &repository, clock: &clock, progress: &Silent };
}
