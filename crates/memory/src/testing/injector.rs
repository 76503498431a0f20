//! A port that fails requests by call site.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::callsite::{CallSiteId, CallStack};
use crate::error::{ErrorKind, MemoryError};
use crate::gate::{Gate, Gated};
use crate::op::OpTag;
use crate::units::Bytes;

/// Failures of one run after which its code is taken to retry for ever.
pub(super) const FAILURES_MAX: u64 = 10_000;

/// What the panic of a run says that would retry for ever.
pub(super) const RETRIES_FOREVER: &str = "a failed request was repeated without end";

/// Which requests of a run fail: the first of each call site in turn, and after the last of
/// them every later request too when `forever`.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) sites: Vec<CallSiteId>,
    pub(super) forever: bool,
}

/// What [`Sites`] have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The first request of each call site, in order, and how many failed before it.
    pub(super) sites: Vec<(CallStack, u64)>,
    /// Requests that failed.
    pub(super) failed: u64,
    /// How often the last site of the plan asked again after it failed.
    pub(super) asked_again: u64,
    known: hashbrown::HashSet<CallSiteId, foldhash::fast::FixedState>,
}

/// A port that carries out a [`Plan`] over the one below.
pub(super) type Injector<P> = Gated<P, Sites>;

/// Fails call sites as its plan says. A run that would fail for the 10 000th time is ended
/// by a panic.
#[derive(Debug)]
pub(super) struct Sites {
    plan: Plan,
    seen: Mutex<Seen>,
}

impl Sites {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, seen: Mutex::default() }
    }

    /// What was seen.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A run that retries for ever is ended by a panic, after which the list is still right.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for Sites {
    #[inline(never)]
    fn admit(&self, size: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        let stack = CallStack::capture();
        let site = stack.id();
        let mut seen = self.seen();
        let before = seen.failed;
        if seen.known.insert(site) {
            seen.sites.push((stack, before));
        }
        let done = usize::try_from(before).unwrap_or(usize::MAX);
        let is_next = self.plan.sites.get(done) == Some(&site);
        let is_over = done >= self.plan.sites.len();
        if is_over && self.plan.sites.last() == Some(&site) {
            seen.asked_again += 1;
        }
        if !(is_next || is_over && self.plan.forever && !self.plan.sites.is_empty()) {
            return Ok(());
        }
        seen.failed += 1;
        assert!(seen.failed < FAILURES_MAX, "{RETRIES_FOREVER}");
        Err(MemoryError::new(ErrorKind::Injected, op.op(), size))
    }

    fn refused(&self) -> u64 {
        self.seen().failed
    }
}
