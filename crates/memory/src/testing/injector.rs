//! A port that fails requests by call site and by number.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use foldhash::fast::FixedState;

use crate::callsite::{CallSiteId, CallStack};
use crate::error::{ErrorKind, MemoryError};
use crate::gate::{Gate, Gated};
use crate::op::OpTag;
use crate::units::Bytes;

/// Failures after which a run counts as retrying without end.
pub(super) const FAILURES_MAX: u64 = 10_000;

/// The message of the panic that ends a run that retries without end.
pub(super) const RETRIES_FOREVER: &str = "a failed request was repeated without end";

/// Which requests of a run fail: one of the first call site, then the next of each other call site
/// in turn, and after the last of them every later request too when `forever`.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) sites: Vec<CallSiteId>,
    /// Requests of the first call site that come before the one that fails.
    pub(super) skip: u64,
    /// The number of the failing request among all requests, from zero. Before it no stack is
    /// captured, so it applies to a single thread only.
    pub(super) number: Option<u64>,
    pub(super) forever: bool,
    /// Whether only requests that can report a failure fail, as for the heap of code without a
    /// handle.
    pub(super) on_heap: bool,
}

/// A call site and the requests that it made in a run.
#[derive(Debug)]
pub(super) struct SeenSite {
    pub(super) stack: CallStack,
    /// The number of requests that had failed before its first.
    pub(super) failed_before: u64,
    /// The numbers of its requests among all of the run, from zero.
    pub(super) numbers: Vec<u64>,
}

/// The requests that [`Sites`] have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The call sites, in the order of their first requests.
    pub(super) sites: Vec<SeenSite>,
    /// The number of requests, including those without a captured stack.
    pub(super) requests: u64,
    /// Requests that failed.
    pub(super) failed: u64,
    /// Requests of the last site of the plan, on its thread, after it failed.
    pub(super) asked_again: u64,
    /// Whether more than one thread made requests.
    pub(super) has_threads: bool,
    thread: Option<ThreadId>,
    failed_on: Option<ThreadId>,
    known: hashbrown::HashMap<CallSiteId, usize, FixedState>,
}

/// A port that carries out a [`Plan`], on top of another port.
pub(super) type Injector<P> = Gated<P, Sites>;

/// Fails call sites as its plan says. At the 10 000th failure it ends the run by a panic.
#[derive(Debug)]
pub(super) struct Sites {
    plan: Plan,
    seen: Mutex<Seen>,
}

impl Sites {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, seen: Mutex::default() }
    }

    /// The requests seen so far.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A run that retries without end is ended by a panic, after which the list is still right.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Records request `number`; returns how many the call site made before.
    fn note(&mut self, stack: CallStack, number: u64) -> u64 {
        let index = *self.known.entry(stack.id()).or_insert(self.sites.len());
        if index == self.sites.len() {
            let failed_before = self.failed;
            self.sites.push(SeenSite { stack, failed_before, numbers: Vec::new() });
        }
        let numbers = &mut self.sites[index].numbers;
        numbers.push(number);
        numbers.len() as u64 - 1
    }
}

/// Whether a request of the heap can fail without ending the process. Resolving names is slow, so
/// the result is cached for later runs.
pub(super) fn is_fallible(stack: &CallStack) -> bool {
    type Known = hashbrown::HashMap<CallSiteId, bool, FixedState>;
    static KNOWN: Mutex<Known> = Mutex::new(Known::with_hasher(FixedState::with_seed(0)));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    *known.entry(stack.id()).or_insert_with(|| stack.is_fallible())
}

impl Gate for Sites {
    #[inline(never)]
    fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        let mut seen = self.seen();
        let number = seen.requests;
        seen.requests += 1;
        if seen.failed == 0 && self.plan.number.is_some_and(|fails| number < fails) {
            return Ok(());
        }
        let stack = CallStack::capture();
        let (site, thread) = (stack.id(), std::thread::current().id());
        seen.has_threads |= *seen.thread.get_or_insert(thread) != thread;
        let before = seen.note(stack, number);
        let done = usize::try_from(seen.failed).unwrap_or(usize::MAX);
        let is_turn =
            done > 0 || self.plan.number.map_or(before == self.plan.skip, |n| n == number);
        let is_next = is_turn && self.plan.sites.get(done) == Some(&site);
        let is_over = done >= self.plan.sites.len();
        if is_over && self.plan.sites.last() == Some(&site) && seen.failed_on == Some(thread) {
            seen.asked_again += 1;
        }
        if !(is_next || is_over && self.plan.forever && !self.plan.sites.is_empty()) {
            return Ok(());
        }
        if self.plan.on_heap && !is_fallible(&stack) {
            return Ok(());
        }
        if is_next {
            seen.failed_on = Some(thread);
        }
        seen.failed += 1;
        assert!(seen.failed < FAILURES_MAX, "{RETRIES_FOREVER}");
        Err(MemoryError::new(ErrorKind::Injected, op.op(), size))
    }

    fn refused(&self) -> u64 {
        self.seen().failed
    }
}
