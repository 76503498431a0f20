//! The sweep: every call site of a closure fails, once, then persistently.
//!
//! A clean run lists the call sites. Then each fails in runs of its own: its first request
//! alone, and its first request with all that follow. Requests that only appear after a failure
//! (a fallback, a report of the error) fail in turn, up to a chain of [`CHAIN_MAX`]. Each
//! plan runs twice and must end the same way both times. It ends when no new call site appears.
//!
//! A call site is a stack of return addresses (see [`CallStack`]), so the sweep finds the same one
//! again although sizes, counts and the order of threads differ. A last clean run shows that
//! nothing was damaged on the way.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::injector::{Injector, Plan, RETRIES_FOREVER, Seen, Sites};
use super::report::{Case, Outcome, Repeat, SweepReport};
use crate::alloc::Alloc;
use crate::callsite::{CallSiteId, CallStack, unwind};
use crate::system::System;
use crate::traced::{Trace, TraceReport, Traced};

/// Failures in one run that lead to the next call site.
const CHAIN_MAX: usize = 4;

/// Sweeps `body` with the defaults of [`Sweep`].
///
/// ```
/// use gitmind_memory::{MemoryError, Vec, testing};
/// let report = testing::sweep(|alloc| {
///     let mut squares = Vec::try_with_capacity(2, alloc)?;
///     squares.try_extend((0..100_u64).map(|n| n * n))?;
///     Ok::<_, MemoryError>(())
/// });
/// report.assert_propagated();
/// assert!(report.call_stacks() >= 2);
/// ```
pub fn sweep<T, E: std::fmt::Display>(body: impl FnMut(Alloc<'_>) -> Result<T, E>) -> SweepReport {
    Sweep::new().run(body)
}

/// A sweep with what must hold after each failure.
pub struct Sweep<'s, E> {
    stacks_max: usize,
    invariant: Box<dyn FnMut() -> Result<(), String> + 's>,
    is_memory_error: Box<dyn Fn(&E) -> bool + 's>,
}

impl<E> std::fmt::Debug for Sweep<'_, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweep").field("stacks_max", &self.stacks_max).finish_non_exhaustive()
    }
}

impl<E> Default for Sweep<'_, E> {
    fn default() -> Self {
        Self::new()
    }
}

/// What is swept.
type Body<'b, T, E> = dyn FnMut(Alloc<'_>) -> Result<T, E> + 'b;

impl<'s, E> Sweep<'s, E> {
    /// A sweep of up to 10 000 call stacks that takes every error for one about memory.
    pub fn new() -> Self {
        Self {
            stacks_max: 10_000,
            invariant: Box::new(|| Ok(())),
            is_memory_error: Box::new(|_| true),
        }
    }

    /// Stops after `stacks_max` call stacks; the report then says that it is truncated.
    #[must_use]
    pub fn stacks_max(self, stacks_max: usize) -> Self {
        Self { stacks_max, ..self }
    }

    /// Checks `invariant` after every run: for example that a file still has its old contents, or
    /// that the next call works.
    #[must_use]
    pub fn invariant(self, invariant: impl FnMut() -> Result<(), String> + 's) -> Self {
        Self { invariant: Box::new(invariant), ..self }
    }

    /// Distinguishes errors about memory from others, which a failure must not turn into.
    #[must_use]
    pub fn is_memory_error(self, is_memory_error: impl Fn(&E) -> bool + 's) -> Self {
        Self { is_memory_error: Box::new(is_memory_error), ..self }
    }
}

impl<E: std::fmt::Display> Sweep<'_, E> {
    /// Runs `body` until every call site has failed.
    ///
    /// # Panics
    /// When a clean run, the first or the last, fails, panics, leaks or breaks the invariant: a
    /// sweep of code that does not work says nothing.
    pub fn run<T>(mut self, mut body: impl FnMut(Alloc<'_>) -> Result<T, E>) -> SweepReport {
        let mut report = SweepReport { cases: Vec::new(), runs: 0, truncated: false };
        // Not known to the compiler, so that the closure keeps a frame, which names it in reports.
        let body: &mut Body<'_, T, E> = std::hint::black_box(&mut body);
        let clean = self.clean(body);
        let mut queue: VecDeque<_> =
            clean.seen.sites.iter().map(|(stack, _)| (Vec::new(), *stack)).collect();
        let mut known: Vec<CallSiteId> = queue.iter().map(|(_, stack)| stack.id()).collect();
        let mut tried = 0;
        while let Some((before, stack)) = queue.pop_front() {
            if tried == self.stacks_max {
                report.truncated = true;
                break;
            }
            tried += 1;
            let mut sites: Vec<CallSiteId> = before;
            sites.push(stack.id());
            for repeat in [Repeat::Once, Repeat::Forever] {
                let plan = Plan { sites: sites.clone(), forever: repeat == Repeat::Forever };
                let (outcome, seen) = self.settle(body, &plan);
                report.runs += 2;
                for (stack, failed) in seen.sites {
                    // What no failure led to is reached without one.
                    let leads = if failed > 0 { sites.clone() } else { Vec::new() };
                    if leads.len() < CHAIN_MAX && !known.contains(&stack.id()) {
                        known.push(stack.id());
                        queue.push_back((leads, stack));
                    }
                }
                let (site, failed_before) = (stack.site(), sites.len() - 1);
                report.cases.push(Case { site, stack, failed_before, repeat, outcome });
            }
        }
        self.clean(body);
        report.runs += 2;
        report
    }

    /// Runs `body` without a failure.
    fn clean<T>(&mut self, body: &mut Body<'_, T, E>) -> Attempt {
        let clean = self.attempt(body, &Plan::default(), Trace::sites());
        let end = clean.end(None);
        assert_eq!(end, Outcome::Swallowed, "the run without a failure does not succeed");
        clean
    }

    /// Runs a plan twice; the outcomes must be the same.
    fn settle<T>(&mut self, body: &mut Body<'_, T, E>, plan: &Plan) -> (Outcome, Seen) {
        let first = self.attempt(body, plan, Trace::stamped());
        let mut second = self.attempt(body, plan, Trace::stamped());
        if second.leak.is_some() {
            // Call sites of blocks are dear to keep, and only what leaks is named by them.
            second = self.attempt(body, plan, Trace::sites());
        }
        let (one, two) = (first.end(Some(plan)), second.end(Some(plan)));
        let same = std::mem::discriminant(&one) == std::mem::discriminant(&two);
        let outcome = match one {
            _ if same => two,
            one => Outcome::Nondeterministic(format!("first {one}, then {two}")),
        };
        (outcome, first.seen)
    }

    /// Runs `body` once under `plan`.
    fn attempt<T>(&mut self, body: &mut Body<'_, T, E>, plan: &Plan, trace: Trace) -> Attempt {
        let traced = Traced::new(System::uncounted(), trace);
        let injector = Injector::with_gate(traced, Sites::new(plan.clone()));
        let call = || unwind::rooted(|| body(Alloc::new(&injector)).map(drop));
        let result = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(())) => Ended::Ok,
            Ok(Err(error)) if (self.is_memory_error)(&error) => Ended::MemoryError,
            Ok(Err(error)) => Ended::OtherError(error.to_string()),
            Err(panic) => Ended::Panic(message(&*panic)),
        };
        let (mut traced, sites) = injector.into_parts();
        let seen = sites.into_seen();
        let leak = traced.teardown().err();
        Attempt { result, seen, leak, broken: (self.invariant)().err() }
    }
}

/// How the closure ended.
enum Ended {
    Ok,
    MemoryError,
    OtherError(String),
    Panic(String),
}

/// One run and what was left of it.
struct Attempt {
    result: Ended,
    seen: Seen,
    leak: Option<Box<TraceReport>>,
    broken: Option<String>,
}

impl Attempt {
    /// What became of the failures of `plan`, the worst first. A clean run is `Swallowed`.
    fn end(&self, plan: Option<&Plan>) -> Outcome {
        let asked_again = self.seen.asked_again;
        match &self.result {
            Ended::Panic(message) if message == RETRIES_FOREVER => Outcome::Retried(asked_again),
            Ended::Panic(message) => Outcome::Panicked(message.clone()),
            _ if self.leak.is_some() => {
                Outcome::Leaked(self.leak.as_ref().map_or_else(String::new, ToString::to_string))
            }
            _ if self.broken.is_some() => {
                Outcome::InvariantBroken(self.broken.clone().unwrap_or_default())
            }
            _ if plan.is_some_and(|plan| self.seen.failed < plan.sites.len() as u64) => {
                Outcome::Nondeterministic("the call site was not reached again".into())
            }
            Ended::OtherError(error) => Outcome::Misreported(error.clone()),
            _ if asked_again > 0 => Outcome::Retried(asked_again),
            Ended::Ok => Outcome::Swallowed,
            Ended::MemoryError => Outcome::Propagated,
        }
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").into()
}

/// A sweep keeps thousands of stacks.
const _: () = assert!(size_of::<CallStack>() <= 512, "thousands of stacks are kept");
