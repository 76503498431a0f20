//! A test of memory in one value: a peak, leaks, and every failure.

use std::convert::Infallible;
use std::fmt::Display;

use super::attempt::Ended;
use super::heap;
use super::leaks::{excess, held, traced};
use super::sweep::Sweep;
use crate::alloc::Alloc;
use crate::system::System;
use crate::units::Bytes;

/// What a test returns.
pub trait TestResult {
    /// Its error.
    type Error: Display;

    /// As a result without a value.
    ///
    /// # Errors
    /// The test's own.
    fn into_result(self) -> Result<(), Self::Error>;
}

impl TestResult for () {
    type Error = Infallible;

    fn into_result(self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl<T, E: Display> TestResult for Result<T, E> {
    type Error = E;

    fn into_result(self) -> Result<(), E> {
        self.map(drop)
    }
}

/// A test with limits for its memory; what the attribute [`test`](macro@crate::test) expands to.
///
/// ```
/// use gitmind_memory::testing::MemoryTest;
/// use gitmind_memory::{self as memory, Alloc, MemoryError};
/// use gitmind_memory::units::Bytes;
///
/// fn squares(alloc: Alloc<'_>) -> Result<(), MemoryError> {
///     memory::Vec::new(alloc).try_extend((0..100_u64).map(|n| n * n))
/// }
/// let peak = MemoryTest::new().peak_max(Bytes::new(2048)).sweep().run(squares);
/// assert_eq!(peak, Bytes::new(800));
/// ```
#[must_use = "nothing is tested before `run`"]
pub struct MemoryTest<E> {
    peak_max: Option<Bytes>,
    leaked_blocks_max: u64,
    ignored_leaks: Vec<String>,
    sweeps: bool,
    is_memory_error: Option<fn(&E) -> bool>,
}

impl<E> std::fmt::Debug for MemoryTest<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryTest").field("peak_max", &self.peak_max).finish_non_exhaustive()
    }
}

impl<E: Display + 'static> Default for MemoryTest<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Display + 'static> MemoryTest<E> {
    /// A test that must succeed and leave no block behind.
    pub fn new() -> Self {
        Self {
            peak_max: None,
            leaked_blocks_max: 0,
            ignored_leaks: Vec::new(),
            sweeps: false,
            is_memory_error: None,
        }
    }

    /// Fails when more than `peak_max` is outstanding at once, or when nothing was allocated
    /// although `peak_max` is not zero.
    pub fn peak_max(self, peak_max: Bytes) -> Self {
        Self { peak_max: Some(peak_max), ..self }
    }

    /// Lets each run of the test leave up to `blocks` behind. The default is none.
    pub fn leaks_max(self, blocks: u64) -> Self {
        Self { leaked_blocks_max: blocks, ..self }
    }

    /// Lets blocks stay that were allocated below the function whose path contains `function`.
    pub fn ignore_leaks(mut self, function: &str) -> Self {
        self.ignored_leaks.push(function.into());
        self
    }

    /// Then fails every request in turn, as [`sweep`](super::sweep()) does.
    pub fn sweep(self) -> Self {
        Self { sweeps: true, ..self }
    }

    /// Distinguishes memory errors from others. An allocation failure must be returned as a memory
    /// error.
    pub fn is_memory_error(self, is_memory_error: fn(&E) -> bool) -> Self {
        Self { is_memory_error: Some(is_memory_error), ..self }
    }

    /// Runs `body` and returns the peak of its memory.
    ///
    /// # Panics
    /// When it fails, exceeds the peak, asks for nothing that could be measured, or leaks; and
    /// when a failure of one of its requests is not propagated.
    #[track_caller]
    pub fn run<R>(self, mut body: impl FnMut(Alloc<'_>) -> R) -> Bytes
    where
        R: TestResult<Error = E>,
    {
        let peak = self.measure(|alloc| Ended::of(Ok(body(alloc).into_result()), |_| true));
        if let Some(sweep) = self.into_sweep() {
            sweep.run(|alloc| body(alloc).into_result()).assert_propagated();
        }
        peak
    }

    /// As [`Self::run`], for a `body` without a handle: its thread's heap is observed, after a
    /// run that is not. It needs that [`TestAllocator`](super::TestAllocator) is the global
    /// allocator.
    ///
    /// # Panics
    /// As [`Self::run`], and when the heap is not observed.
    #[track_caller]
    pub fn run_heap<R>(self, mut body: impl FnMut() -> R) -> Bytes
    where
        R: TestResult<Error = E>,
    {
        // What is initialized once is no leak of the run that follows.
        drop(body());
        let peak = self.measure(|alloc| {
            let finish = |result: R| Ended::of(Ok(result.into_result()), |_| true);
            heap::observe(alloc, &mut body, finish)
        });
        if let Some(sweep) = self.into_sweep() {
            sweep.run_heap(|| body().into_result()).assert_propagated();
        }
        peak
    }

    /// The run without a failure.
    #[track_caller]
    fn measure(&self, body: impl FnOnce(Alloc<'_>) -> Ended) -> Bytes {
        let mut traced = traced(System::uncounted());
        let ended = body(Alloc::new(&traced));
        let (leaked, read) = (traced.teardown().err(), traced.report().diagnostics);
        if let Ended::MemoryError(error) = ended {
            panic!("the test fails: {error}\n{}", held(&traced));
        }
        let peak = read.peak_bytes;
        if let Some(limit) = self.peak_max {
            let is_measured = read.allocations_total > 0 || limit == Bytes::ZERO;
            assert!(is_measured, "nothing was asked for, so no peak was measured");
            let bytes = peak.get();
            assert!(
                peak <= limit,
                "a peak of {peak} ({bytes} bytes) exceeds the limit of {limit}\n{}",
                held(&traced)
            );
        }
        if let Some(report) =
            leaked.and_then(|report| excess(report, &self.ignored_leaks, self.leaked_blocks_max))
        {
            panic!("{report}\n{}", held(&traced));
        }
        peak
    }

    fn into_sweep(self) -> Option<Sweep<'static, E>> {
        let with = |sweep: Sweep<'static, E>, name: &String| sweep.ignore_leaks(name);
        let sweep = Sweep::new().leaks_max(self.leaked_blocks_max);
        let sweep = self.ignored_leaks.iter().fold(sweep, with);
        let sweep = match self.is_memory_error {
            Some(is_memory_error) => sweep.is_memory_error(is_memory_error),
            None => sweep,
        };
        self.sweeps.then_some(sweep)
    }
}
