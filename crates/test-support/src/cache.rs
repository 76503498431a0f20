//! Rebuilds at a fixed time, and what is in a cache.

use gitmind_cache::{Rebuild, RebuildError, RebuildOptions, Report, decode_bitmap};
use gitmind_git::Repository;
use gitmind_git::branch::BranchName;
use gitmind_journal::EdgeOrder;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable, Pooling, System, Zeroing};
use gitmind_ports::progress::Silent;
use gitmind_system::clock::{FixedClock, Timestamp};

/// Rebuilds at a fixed time, whether the cache is current or not.
pub fn rebuild(
    repository: &dyn Repository,
    branch: &str,
    edge_order: EdgeOrder,
) -> Result<Report, RebuildError> {
    rebuild_with(repository, branch, RebuildOptions { edge_order, force: true, strict: false })
}

pub fn rebuild_with(
    repository: &dyn Repository,
    branch: &str,
    options: RebuildOptions,
) -> Result<Report, RebuildError> {
    let system = System::new();
    rebuild_in(Alloc::new(&system), repository, branch, options)
}

/// The same on memory of the caller's.
pub fn rebuild_in(
    alloc: Alloc<'_>,
    repository: &dyn Repository,
    branch: &str,
    options: RebuildOptions,
) -> Result<Report, RebuildError> {
    let clock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });
    let mut arena = arena(alloc);
    let (clock, progress) = (&clock, &Silent);
    let texts = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let texts = &texts;
    let rebuild = Rebuild { alloc, repository, clock, progress, disk: None, workers: 1, texts };
    rebuild.run(&mut arena, &BranchName::new(branch).expect("tests name branches well"), options)
}

/// An arena that tests do not fill.
pub fn arena(alloc: Alloc<'_>) -> Arena<'_> {
    Arena::begin(alloc, Bytes::from_mib(1), Bytes::from_mib(256))
}

/// The ids of a bitmap file.
pub fn ids_of(file: &[u8]) -> Vec<u32> {
    let system = System::new();
    decode_bitmap(Alloc::new(&system), file).expect("a bitmap").to_vec()
}
