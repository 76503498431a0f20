//! Jobs in their order, done ahead by worker threads within a window.
//!
//! Whoever needs the next output does jobs as well while it is not ready, so that without workers
//! this is the plain loop. The window bounds the memory: outputs are used again.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use gitmind_memory::Alloc;

/// Outputs that are made ahead of the one in use. At first there is one, then as many as were
/// taken and one: whoever takes few has not had many made.
const WINDOW: usize = 8;
/// More workers than this only wait for whoever takes their outputs.
const WORKERS_MAX: usize = 7;

/// What is done for each job.
pub trait Work: Sync {
    /// A piece of the work.
    type Job: Send;
    /// What comes of it.
    type Output: Send;
    /// Why nothing came of it.
    type Error: Send;
    /// What a thread has for itself.
    type Tools: Default;

    /// Does `job`; an earlier output may be used again.
    ///
    /// # Errors
    /// Whatever the work can meet.
    fn run(
        &self,
        job: Self::Job,
        old: Option<Self::Output>,
        tools: &mut Self::Tools,
    ) -> Result<Self::Output, Self::Error>;
}

/// Threads that can help the one that calls: one for each other core, as far as they are of use.
pub fn workers() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    cores.saturating_sub(1).min(WORKERS_MAX)
}

/// Has `workers` threads do `jobs` while `take` takes the outputs. They end with it.
pub fn pipeline<W: Work, J: Iterator<Item = W::Job> + Send, T>(
    work: &W,
    jobs: J,
    alloc: Alloc<'_>,
    workers: usize,
    take: impl FnOnce(&Pipeline<'_, W, J>) -> T,
) -> T {
    let slots = [const { Slot::Free(None) }; WINDOW];
    let state = State { slots, finding: Finding::Nobody, next: 0, current: 0, is_over: false };
    let (jobs, state, changed) = (Mutex::new(jobs), Mutex::new(state), Condvar::new());
    let pipeline = Pipeline { work, alloc, jobs, state, changed };
    thread::scope(|scope| {
        let _ending = Ending(&pipeline);
        for _ in 0..workers {
            // A thread that cannot be had is one less that helps.
            let _ = thread::Builder::new().spawn_scoped(scope, || {
                // One that panics ends the others, and the scope passes the panic on.
                let _ending = Ending(&pipeline);
                pipeline.work();
            });
        }
        take(&pipeline)
    })
}

/// Jobs under way.
pub struct Pipeline<'p, W: Work, J> {
    work: &'p W,
    alloc: Alloc<'p>,
    /// Of the one thread that looks for a job, as the state says.
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
    finding: Finding,
    /// The number of the job that nobody has claimed.
    next: u64,
    /// The output that is in use, or the next to be.
    current: u64,
    is_over: bool,
}

/// Who looks for the next job.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    Nobody,
    Somebody,
    /// There is none.
    Ended,
}

enum Slot<W: Work> {
    Free(Option<W::Output>),
    Claimed,
    Ready(Result<W::Output, W::Error>),
}

/// A job that one thread does.
struct Claim<W: Work> {
    slot: usize,
    job: W::Job,
    old: Option<W::Output>,
}

impl<W: Work, J: Iterator<Item = W::Job> + Send> Pipeline<'_, W, J> {
    /// The next output, made here if nobody does; `None` after the last one. It is given back by
    /// [`Pipeline::done`] before the next is asked for.
    pub fn next(&self, tools: &mut W::Tools) -> Option<Result<W::Output, W::Error>> {
        loop {
            let mut state = self.lock();
            loop {
                if let Some(output) = state.take() {
                    return Some(output);
                }
                if state.is_over || state.finding == Finding::Ended && state.current == state.next {
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

    /// Gives the output back that [`Pipeline::next`] returned last.
    pub fn done(&self, output: W::Output) {
        let mut state = self.lock();
        let slot = slot_of(state.current);
        state.slots[slot] = Slot::Free(Some(output));
        state.current += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Does jobs until the pipeline ends.
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

    /// Does the next job, if nobody else has claimed the last one that there is room for.
    fn run(&self, tools: &mut W::Tools) {
        let Some(Claim { slot, job, old }) = self.claim() else { return };
        let output = self.work.run(job, old, tools);
        self.lock().slots[slot] = Slot::Ready(output);
        self.changed.notify_all();
    }

    /// Takes the next job of the window. One thread looks for it, which may take a while.
    fn claim(&self) -> Option<Claim<W>> {
        {
            let mut state = self.lock();
            if !state.can_claim() {
                return None;
            }
            state.finding = Finding::Somebody;
        }
        let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
        let mut state = self.lock();
        state.finding = if job.is_some() { Finding::Nobody } else { Finding::Ended };
        self.changed.notify_all();
        let job = job?;
        let slot = slot_of(state.next);
        state.next += 1;
        match std::mem::replace(&mut state.slots[slot], Slot::Claimed) {
            Slot::Free(old) => Some(Claim { slot, job, old }),
            Slot::Claimed | Slot::Ready(_) => {
                unreachable!("it was free, and nobody else was looking for a job")
            }
        }
    }
}

impl<W: Work, J> Pipeline<'_, W, J> {
    /// Nothing is half done when a thread panics: a slot stays claimed.
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Work> State<W> {
    /// Whether there may be a job, and room for what comes of it.
    fn can_claim(&self) -> bool {
        let is_free = matches!(self.slots[slot_of(self.next)], Slot::Free(_));
        let window = (self.current + 2).min(WINDOW as u64);
        let is_in_window = self.next < self.current + window;
        self.finding == Finding::Nobody && is_free && is_in_window && !self.is_over
    }

    /// The current output, once it is ready.
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

/// Ends the threads when it is dropped, whatever the reason.
struct Ending<'e, 'p, W: Work, J>(&'e Pipeline<'p, W, J>);

impl<W: Work, J> Drop for Ending<'_, '_, W, J> {
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

    /// Squares numbers, and refuses one of them.
    struct Squares {
        refused: u64,
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
            if job == self.refused {
                return Err(job);
            }
            let mut output = old.unwrap_or_default();
            output.clear();
            output.push(job * job);
            Ok(output)
        }
    }

    fn squares(jobs: u64, workers: usize, refused: u64) -> (Vec<u64>, Option<u64>, usize) {
        let (work, system) = (Squares { refused, reused: AtomicUsize::new(0) }, System::new());
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
            assert!(pipeline.next(&mut done).is_none(), "it stays at its end");
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
    fn what_is_made_ahead_is_no_more_than_what_was_taken_and_one() {
        // As much as the window has room for was made for whoever took one output.
        let work = Squares { refused: u64::MAX, reused: AtomicUsize::new(0) };
        let system = System::new();
        for taken in 0..4 {
            let made = pipeline(&work, 0..1000, Alloc::new(&system), 3, |pipeline| {
                let mut done = 0;
                for _ in 0..taken {
                    let output = pipeline.next(&mut done).expect("there are jobs");
                    pipeline.done(output.expect("none is refused"));
                }
                let is_going_on = |state: &mut State<Squares>| {
                    state.can_claim() || state.finding == Finding::Somebody
                };
                let state = pipeline.changed.wait_while(pipeline.lock(), is_going_on);
                state.unwrap_or_else(PoisonError::into_inner).next
            });
            assert_eq!(made, 2 * taken + 2);
        }
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn whoever_takes_outputs_does_not_wait_for_a_thread_that_panicked() {
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
    fn an_error_comes_in_its_turn_and_whoever_takes_it_may_stop_there() {
        for workers in [0, 1, 3] {
            let (outputs, error, _) = squares(1000, workers, 20);
            assert_eq!((outputs.len(), error), (20, Some(20)));
        }
    }
}
