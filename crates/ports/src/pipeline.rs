//! An ordered pipeline: worker threads run jobs ahead, and the outputs come in the order of the
//! jobs.
//!
//! The consumer runs jobs too while the next output is not ready, so that without workers the
//! pipeline is a plain loop. The window bounds the memory: output buffers are reused.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use gitmind_memory::Alloc;

/// Largest number of outputs in the pipeline. The window starts with 2 and grows by 1 with each
/// consumed output, so that a consumer that stops early wastes little work.
const WINDOW: usize = 8;
/// Largest number of workers: with the consumer, one thread for each output of the window.
const WORKERS_MAX: usize = 7;

/// The work of a pipeline.
pub trait Work: Sync {
    /// The input of a unit of work.
    type Job: Send;
    /// The output of a job; its buffers are reused.
    type Output: Send;
    /// Why a job failed.
    type Error: Send;
    /// State of each thread, such as a decoder.
    type Tools: Default;

    /// Runs `job`; `old` is an earlier output whose buffers can be reused.
    ///
    /// # Errors
    /// Any error of the work.
    fn run(
        &self,
        job: Self::Job,
        old: Option<Self::Output>,
        tools: &mut Self::Tools,
    ) -> Result<Self::Output, Self::Error>;
}

/// The number of useful workers: one for each core but the caller's, up to the limit.
pub fn workers() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores.saturating_sub(1).min(WORKERS_MAX)
}

/// Runs `jobs` on `workers` threads while `consume` takes the outputs; the threads end with it.
pub fn pipeline<W: Work, J: Iterator<Item = W::Job> + Send, T>(
    work: &W,
    jobs: J,
    alloc: Alloc<'_>,
    workers: usize,
    consume: impl FnOnce(&Pipeline<'_, W, J>) -> T,
) -> T {
    let slots = [const { Slot::Free(None) }; WINDOW];
    let state = State { slots, source: JobSource::Unclaimed, next: 0, current: 0, is_over: false };
    let (jobs, state, changed) = (Mutex::new(jobs), Mutex::new(state), Condvar::new());
    let pipeline = Pipeline { work, alloc, jobs, state, changed };
    thread::scope(|scope| {
        let _stop = StopOnDrop(&pipeline);
        for _ in 0..workers {
            // Without this thread there is less parallelism, with the same result.
            let _ = thread::Builder::new().spawn_scoped(scope, || {
                // A panic stops the other threads, and the scope propagates it.
                let _stop = StopOnDrop(&pipeline);
                pipeline.work();
            });
        }
        consume(&pipeline)
    })
}

/// A running pipeline.
pub struct Pipeline<'p, W: Work, J> {
    work: &'p W,
    alloc: Alloc<'p>,
    /// Locked only by the thread that claimed the iterator in `State::source`.
    jobs: Mutex<J>,
    state: Mutex<State<W>>,
    changed: Condvar,
}

impl<W: Work, J> fmt::Debug for Pipeline<'_, W, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

struct State<W: Work> {
    /// Output number N is in slot N modulo the window.
    slots: [Slot<W>; WINDOW],
    source: JobSource,
    /// The number of the next job.
    next: u64,
    /// The number of the output that the consumer has, or will get next.
    current: u64,
    is_over: bool,
}

/// The state of the iterator over the jobs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JobSource {
    /// The next thread may call the iterator.
    Unclaimed,
    /// A thread is calling the iterator.
    Claimed,
    /// The iterator has ended.
    Exhausted,
}

/// A place for an output in the window.
enum Slot<W: Work> {
    /// Holds an earlier output for reuse.
    Free(Option<W::Output>),
    /// A thread is running the job, or the consumer has the output.
    Claimed,
    Ready(Result<W::Output, W::Error>),
}

/// A job that one thread runs.
struct Claim<W: Work> {
    slot: usize,
    job: W::Job,
    old: Option<W::Output>,
}

impl<W: Work, J: Iterator<Item = W::Job> + Send> Pipeline<'_, W, J> {
    /// The next output; `None` after the last one. Runs jobs on this thread until it is ready. The
    /// consumer must return it with [`Pipeline::done`] before it calls this again.
    pub fn next(&self, tools: &mut W::Tools) -> Option<Result<W::Output, W::Error>> {
        loop {
            let mut state = self.lock();
            loop {
                if let Some(output) = state.take() {
                    return Some(output);
                }
                if state.is_over
                    || state.source == JobSource::Exhausted && state.current == state.next
                {
                    return None;
                }
                if state.can_claim() {
                    break;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            drop(state);
            self.run(tools);
        }
    }

    /// Returns the last output of [`Pipeline::next`] to the pipeline, for reuse.
    pub fn done(&self, output: W::Output) {
        let mut state = self.lock();
        let slot = slot_of(state.current);
        state.slots[slot] = Slot::Free(Some(output));
        state.current += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Runs jobs until the pipeline ends.
    fn work(&self) {
        let _entered = self.alloc.enter();
        let mut tools = W::Tools::default();
        loop {
            let is_idle = |state: &mut State<W>| !state.is_over && !state.can_claim();
            let waited = self.changed.wait_while(self.lock(), is_idle);
            if waited.unwrap_or_else(PoisonError::into_inner).is_over {
                return;
            }
            self.run(&mut tools);
        }
    }

    /// Runs the next job, unless another thread claimed it first or the window is full.
    fn run(&self, tools: &mut W::Tools) {
        let Some(Claim { slot, job, old }) = self.claim() else { return };
        let output = self.work.run(job, old, tools);
        self.lock().slots[slot] = Slot::Ready(output);
        self.changed.notify_all();
    }

    /// Claims the next job. Only one thread calls the iterator, without the lock of the state,
    /// since that may take long.
    fn claim(&self) -> Option<Claim<W>> {
        {
            let mut state = self.lock();
            if !state.can_claim() {
                return None;
            }
            state.source = JobSource::Claimed;
        }
        let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        let mut state = self.lock();
        state.source = if job.is_some() { JobSource::Unclaimed } else { JobSource::Exhausted };
        self.changed.notify_all();
        let job = job?;
        let slot = slot_of(state.next);
        state.next += 1;
        match std::mem::replace(&mut state.slots[slot], Slot::Claimed) {
            Slot::Free(old) => Some(Claim { slot, job, old }),
            Slot::Claimed | Slot::Ready(_) => {
                unreachable!("the slot was free, and only this thread claims slots now")
            }
        }
    }
}

impl<W: Work, J> Pipeline<'_, W, J> {
    /// Ignores poisoning: the state is consistent after a panic, with a slot that stays claimed.
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> State<W> {
    /// Whether a thread may claim a job: the iterator and a slot of the window are free.
    fn can_claim(&self) -> bool {
        let is_free = matches!(self.slots[slot_of(self.next)], Slot::Free(_));
        let window = (self.current + 2).min(WINDOW as u64);
        let is_in_window = self.next < self.current + window;
        self.source == JobSource::Unclaimed && is_free && is_in_window && !self.is_over
    }

    /// The current output, if it is ready.
    fn take(&mut self) -> Option<Result<W::Output, W::Error>> {
        let slot = &mut self.slots[slot_of(self.current)];
        if !matches!(slot, Slot::Ready(_)) {
            return None;
        }
        match std::mem::replace(slot, Slot::Claimed) {
            Slot::Ready(output) => Some(output),
            Slot::Free(_) | Slot::Claimed => None,
        }
    }
}

/// Stops all threads on drop, also on a panic.
struct StopOnDrop<'e, 'p, W: Work, J>(&'e Pipeline<'p, W, J>);

impl<W: Work, J> Drop for StopOnDrop<'_, '_, W, J> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

fn slot_of(number: u64) -> usize {
    usize::try_from(number % WINDOW as u64).expect("it fits because the window is small")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::System;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// Squares numbers, and fails on one of them.
    struct Squares {
        failing: u64,
        reused: AtomicUsize,
    }

    impl Work for Squares {
        type Job = u64;
        type Output = Vec<u64>;
        type Error = u64;
        type Tools = u64;

        fn run(&self, job: u64, old: Option<Vec<u64>>, done: &mut u64) -> Result<Vec<u64>, u64> {
            *done += 1;
            self.reused.fetch_add(usize::from(old.is_some()), Relaxed);
            if job == self.failing {
                return Err(job);
            }
            let mut output = old.unwrap_or_default();
            output.clear();
            output.push(job * job);
            Ok(output)
        }
    }

    fn squares(jobs: u64, workers: usize, failing: u64) -> (Vec<u64>, Option<u64>, usize) {
        let (work, system) = (Squares { failing, reused: AtomicUsize::new(0) }, System::new());
        let mut squares = vec![];
        let error = pipeline(&work, 0..jobs, Alloc::new(&system), workers, |pipeline| {
            let mut done = 0;
            while let Some(output) = pipeline.next(&mut done) {
                match output {
                    Ok(output) => {
                        squares.extend_from_slice(&output);
                        pipeline.done(output);
                    }
                    Err(error) => return Some(error),
                }
            }
            assert!(pipeline.next(&mut done).is_none(), "it has ended");
            None
        });
        (squares, error, work.reused.into_inner())
    }

    #[test]
    fn outputs_come_in_the_order_of_jobs_with_any_number_of_workers() {
        for workers in [0, 1, 2, 7] {
            for jobs in [0, 1, 7, 8, 9, 1000] {
                let (outputs, error, reused) = squares(jobs, workers, u64::MAX);
                assert_eq!(error, None);
                assert!(outputs.into_iter().eq((0..jobs).map(|job| job * job)));
                let firsts = WINDOW.min(usize::try_from(jobs).expect("few jobs"));
                assert_eq!(reused, usize::try_from(jobs).expect("few jobs") - firsts);
            }
        }
    }

    #[test]
    fn the_window_grows_with_the_consumed_outputs() {
        // Regression: a full window was computed for a consumer that took a single output.
        let work = Squares { failing: u64::MAX, reused: AtomicUsize::new(0) };
        let system = System::new();
        for consumed in 0..4 {
            let claimed = pipeline(&work, 0..1000, Alloc::new(&system), 3, |pipeline| {
                let mut done = 0;
                for _ in 0..consumed {
                    let output = pipeline.next(&mut done).expect("there are jobs");
                    pipeline.done(output.expect("no job fails"));
                }
                let is_active = |state: &mut State<Squares>| {
                    state.can_claim() || state.source == JobSource::Claimed
                };
                let state = pipeline.changed.wait_while(pipeline.lock(), is_active);
                state.unwrap_or_else(PoisonError::into_inner).next
            });
            assert_eq!(claimed, 2 * consumed + 2);
        }
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn the_consumer_does_not_wait_for_a_worker_that_panicked() {
        struct Panics;
        impl Work for Panics {
            type Job = u64;
            type Output = u64;
            type Error = u64;
            type Tools = u64;

            fn run(&self, job: u64, _: Option<u64>, _: &mut u64) -> Result<u64, u64> {
                let is_worker = thread::current().name().is_none();
                assert!(!is_worker, "planted");
                Ok(job)
            }
        }
        let system = System::new();
        pipeline(&Panics, 0.., Alloc::new(&system), 1, |pipeline| {
            while let Some(Ok(output)) = pipeline.next(&mut 0) {
                pipeline.done(output);
            }
        });
    }

    #[test]
    fn an_error_comes_in_the_order_of_jobs_and_the_consumer_may_stop_there() {
        for workers in [0, 1, 3] {
            let (outputs, error, _) = squares(1000, workers, 20);
            assert_eq!((outputs.len(), error), (20, Some(20)));
        }
    }
}
