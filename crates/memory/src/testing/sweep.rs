//! The sweep: every call site of a closure fails, once, then persistently, at each of its requests.
//!
//! A clean run lists the call sites and their requests. Then each call site fails in runs of its
//! own: its first request alone, and its first request with all that follow; these plans run
//! twice and must end the same way both times. After that its later requests fail in the same way,
//! each in one run, which is repeated when its outcome is not the expected one: see
//! [`Sweep::later_requests_max`]. Requests that only appear after a failure (a fallback, a report
//! of the error) fail in turn, up to a chain of [`CHAIN_MAX`]. A last clean run shows that nothing
//! was damaged on the way.
//!
//! A call site is a stack of return addresses (see [`CallStack`]), so the sweep finds the same one
//! again although sizes, counts and the order of threads differ. While one thread makes all
//! requests, a request is found again by its number, and a run captures no stack before it; with
//! more threads, or when another call site has the number, by its call site and the number there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::BuildHasher;

use super::attempt::{Attempt, Ended};
use super::heap;
use super::injector::{Injector, Plan, Seen, SeenSite, Sites, is_fallible};
use super::leaks::excess;
use super::progress::Progress;
use super::quiet::{self, catch_quietly};
use super::report::{Case, Outcome, Repeat, SweepReport};
use crate::alloc::Alloc;
use crate::callsite::{CallSiteId, CallStack, Site, unwind};
use crate::system::System;
use crate::traced::{Trace, Traced};

/// Failures in one run that lead to the next call site.
const CHAIN_MAX: usize = 4;

/// The largest number of requests of a run for which each of them fails.
const ALL_REQUESTS_MAX: u64 = 256;

/// Sweeps `body` with the defaults of [`Sweep`].
///
/// ```
/// use gitmind_memory::{self as memory, MemoryError, testing};
/// let report = testing::sweep(|alloc| {
///     let mut squares = memory::Vec::try_with_capacity(2, alloc)?;
///     squares.try_extend((0..100_u64).map(|n| n * n))?;
///     Ok::<_, MemoryError>(())
/// });
/// report.assert_propagated();
/// assert!(report.call_stacks() >= 2);
/// ```
pub fn sweep<T, E: std::fmt::Display>(body: impl FnMut(Alloc<'_>) -> Result<T, E>) -> SweepReport {
    Sweep::new().run(body)
}

/// Sweeps `body`, which has no handle, with the defaults of [`Sweep`]: see [`Sweep::run_heap`].
#[track_caller]
pub fn sweep_heap<T, E: std::fmt::Display>(body: impl FnMut() -> Result<T, E>) -> SweepReport {
    Sweep::new().run_heap(body)
}

/// A sweep, with the conditions that must hold after each failure.
pub struct Sweep<'s, E> {
    stacks_max: usize,
    later_requests_max: u64,
    shard: Option<(usize, usize)>,
    benign: Vec<String>,
    ignored_leaks: Vec<String>,
    leaked_blocks_max: u64,
    on_heap: bool,
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

/// The code that is swept.
type Body<'b, T, E> = dyn FnMut(Alloc<'_>) -> Result<T, E> + 'b;

impl<'s, E> Sweep<'s, E> {
    /// A sweep of up to 10 000 call stacks that takes every error for a memory error.
    pub fn new() -> Self {
        Self {
            stacks_max: 10_000,
            later_requests_max: 3,
            shard: None,
            benign: Vec::new(),
            ignored_leaks: Vec::new(),
            leaked_blocks_max: 0,
            on_heap: false,
            invariant: Box::new(|| Ok(())),
            is_memory_error: Box::new(|_| true),
        }
    }

    /// Stops after `stacks_max` call stacks; the report then says that it is truncated.
    #[must_use]
    pub fn stacks_max(self, stacks_max: usize) -> Self {
        Self { stacks_max, ..self }
    }

    /// In a run of more than 256 requests, fails at most `later_requests_max` requests of each call
    /// site besides the first: the last, and others chosen with a fixed seed. The default is 3;
    /// `u64::MAX` means every request. In a run of fewer requests, every request fails, unless this
    /// is zero.
    #[must_use]
    pub fn later_requests_max(self, later_requests_max: u64) -> Self {
        Self { later_requests_max, ..self }
    }

    /// Tries part `index` of `count` of the call stacks, for machines that share a sweep.
    ///
    /// # Panics
    /// When `index` is not below `count`.
    #[must_use]
    #[track_caller]
    pub fn shard(self, index: usize, count: usize) -> Self {
        assert!(index < count, "part {index} of {count}: the first part is 0");
        Self { shard: Some((index, count)), ..self }
    }

    /// Permits code to continue after a failure below a function whose path contains `function`,
    /// for example of an optional cache. Such failures are counted separately.
    #[must_use]
    pub fn benign(mut self, function: &str) -> Self {
        self.benign.push(function.into());
        self
    }

    /// Permits blocks to stay that were allocated below a function whose path contains `function`,
    /// such as a cache of the program.
    #[must_use]
    pub fn ignore_leaks(mut self, function: &str) -> Self {
        self.ignored_leaks.push(function.into());
        self
    }

    /// Permits each run to leave up to `blocks` blocks.
    pub(super) fn leaks_max(self, blocks: u64) -> Self {
        Self { leaked_blocks_max: blocks, ..self }
    }

    /// Checks `invariant` after every run: for example that a file still has its old contents, or
    /// that the next call works.
    #[must_use]
    pub fn invariant(self, invariant: impl FnMut() -> Result<(), String> + 's) -> Self {
        Self { invariant: Box::new(invariant), ..self }
    }

    /// Distinguishes memory errors from others; a failed allocation must not become another error.
    #[must_use]
    pub fn is_memory_error(self, is_memory_error: impl Fn(&E) -> bool + 's) -> Self {
        Self { is_memory_error: Box::new(is_memory_error), ..self }
    }
}

/// A request that is to fail.
struct Target {
    /// The call sites that fail before it, because only they lead to it.
    before: Vec<CallSiteId>,
    stack: CallStack,
    /// The requests of its call site that come before it.
    skip: u64,
    /// Its number among all requests, unless threads make it differ from run to run.
    number: Option<u64>,
    /// Requests of its call site in a clean run.
    requests: u64,
}

impl<E: std::fmt::Display> Sweep<'_, E> {
    /// Runs `body` until every call site has failed.
    ///
    /// # Panics
    /// When the first or the last clean run fails, panics, leaks or breaks the invariant: a sweep
    /// of code that does not work proves nothing.
    #[track_caller]
    pub fn run<T>(mut self, mut body: impl FnMut(Alloc<'_>) -> Result<T, E>) -> SweepReport {
        self.swept(&mut body)
    }

    /// As [`Self::run`], for a `body` that takes no handle: the heap requests of its thread fail,
    /// after one run that is not observed. [`TestAllocator`](super::TestAllocator) must be the
    /// global allocator.
    ///
    /// Only requests whose failure can be reported fail: those of `try_` functions of std and of
    /// other libraries, and direct calls of the allocator. Other call sites are
    /// [`Outcome::NotTried`], unless they are [`Self::benign`]. The sweep recognizes them by name,
    /// so it needs line tables.
    ///
    /// # Panics
    /// As [`Self::run`], and when the heap is not observed.
    #[track_caller]
    pub fn run_heap<T>(mut self, mut body: impl FnMut() -> Result<T, E>) -> SweepReport {
        self.on_heap = true;
        // What is initialized once is no leak of the runs that follow.
        drop(body());
        self.swept(&mut |_| body())
    }

    #[track_caller]
    fn swept<T>(&mut self, body: &mut Body<'_, T, E>) -> SweepReport {
        // Not known to the compiler, so that the closure keeps a frame, which names it in reports.
        let body: &mut Body<'_, T, E> = std::hint::black_box(body);
        let clean = self.clean(body);
        let mut report = SweepReport {
            cases: Vec::new(),
            runs: 0,
            requests: clean.requests,
            requests_tried: 0,
            truncated: clean.sites.len() > self.stacks_max,
            shard: self.shard,
        };
        let mut known: BTreeSet<_> = clean.sites.iter().map(|site| site.stack.id()).collect();
        let mut queue = self.targets(&clean);
        // Names are dear to look up, and a call site has many requests.
        let mut names: BTreeMap<CallSiteId, Site> = BTreeMap::new();
        let mut progress = Progress::new();
        let mut stacks_left = self.stacks_max.saturating_sub(clean.sites.len());
        while let Some(target) = queue.pop_front() {
            progress.show(report.cases.len(), queue.len());
            if self.on_heap && !is_fallible(&target.stack) {
                if target.skip == 0 {
                    let (site, outcome) = (target.stack.site(), Outcome::NotTried);
                    report.cases.push(self.case(&target, site, Repeat::Once, outcome));
                }
                continue;
            }
            let mut sites = target.before.clone();
            sites.push(target.stack.id());
            let mut is_tried = target.before.is_empty() && target.requests > 0;
            for repeat in [Repeat::Once, Repeat::Forever] {
                let forever = repeat == Repeat::Forever;
                let plan = Plan {
                    sites: sites.clone(),
                    skip: target.skip,
                    number: target.number,
                    forever,
                    on_heap: self.on_heap,
                };
                let (outcome, seen) = self.settle(body, &plan, &mut report.runs);
                for site in &seen.sites {
                    // What no failure led to is reached without one.
                    let leads = site.failed_before > 0;
                    let before = if leads { sites.clone() } else { Vec::new() };
                    if before.len() < CHAIN_MAX && known.insert(site.stack.id()) {
                        report.truncated |= stacks_left == 0;
                        if stacks_left > 0 {
                            stacks_left -= 1;
                            let stack = site.stack;
                            queue.push_back(Target {
                                before,
                                stack,
                                skip: 0,
                                number: None,
                                requests: 0,
                            });
                        }
                    }
                }
                // A call site may make fewer requests when blocks lie elsewhere.
                let is_missing = target.skip > 0 && seen.failed == 0;
                is_tried &= !is_missing;
                if !is_missing {
                    let site = names.entry(target.stack.id());
                    let site = site.or_insert_with(|| target.stack.site()).clone();
                    report.cases.push(self.case(&target, site, repeat, outcome));
                }
            }
            report.requests_tried += u64::from(is_tried);
        }
        progress.end();
        self.clean(body);
        report.runs += 2;
        report
    }

    /// The requests to fail, from a clean run: the first of each call site, then later ones.
    fn targets(&self, clean: &Seen) -> VecDeque<Target> {
        let (index, count) = self.shard.unwrap_or((0, 1));
        let mut sites: Vec<&SeenSite> = clean.sites.iter().take(self.stacks_max).collect();
        if clean.has_threads && count > 1 {
            // Their order differs from run to run, and addresses from process to process.
            sites.sort_by_cached_key(|site| site.stack.sites(usize::MAX));
        }
        let sites = sites.into_iter().skip(index).step_by(count);
        let target = |site: &SeenSite, skip: u64| {
            let number =
                usize::try_from(skip).ok().and_then(|skip| site.numbers.get(skip).copied());
            let number = number.filter(|_| !clean.has_threads);
            let requests = site.numbers.len() as u64;
            Target { before: Vec::new(), stack: site.stack, skip, number, requests }
        };
        let mut targets: VecDeque<_> = sites.clone().map(|site| target(site, 0)).collect();
        for (seed, site) in sites.enumerate() {
            let later = self.later(site.numbers.len() as u64, seed, clean.requests);
            targets.extend(later.into_iter().map(|skip| target(site, skip)));
        }
        targets
    }

    /// Which requests of a call site besides its first fail.
    fn later(&self, requests: u64, seed: usize, requests_of_all: u64) -> BTreeSet<u64> {
        let is_every = requests_of_all <= ALL_REQUESTS_MAX || self.later_requests_max >= requests;
        if requests < 2 || self.later_requests_max == 0 {
            return BTreeSet::new();
        }
        if is_every {
            return (1..requests).collect();
        }
        let hash = foldhash::fast::FixedState::with_seed(0);
        let seeded =
            (1..self.later_requests_max).map(|n| 1 + hash.hash_one((seed, n)) % (requests - 1));
        seeded.chain([requests - 1]).collect()
    }

    fn case(&self, target: &Target, site: Site, repeat: Repeat, outcome: Outcome) -> Case {
        let went_on =
            matches!(outcome, Outcome::Swallowed | Outcome::Retried(_) | Outcome::NotTried);
        let is_below = |site: &Site| self.benign.iter().any(|name| site.function.contains(name));
        let is_benign = went_on
            && !self.benign.is_empty()
            && target.stack.sites(usize::MAX).iter().any(is_below);
        Case {
            site,
            stack: target.stack,
            request: target.skip + 1,
            requests: target.requests,
            failed_before: target.before.len(),
            repeat,
            outcome,
            is_benign,
        }
    }

    /// Runs `body` without a failure.
    #[track_caller]
    fn clean<T>(&mut self, body: &mut Body<'_, T, E>) -> Seen {
        let clean = self.attempt(body, &Plan::default(), Trace::sites());
        if let Ended::MemoryError(error) = &clean.result {
            panic!("the run without a failure fails: {error}");
        }
        let end = clean.end(None);
        assert_eq!(end, Outcome::Swallowed, "the run without a failure does not succeed");
        clean.seen
    }

    /// Runs a plan, and again when it is the first of its call site or ends unexpectedly; the
    /// outcomes must be the same.
    fn settle<T>(
        &mut self,
        body: &mut Body<'_, T, E>,
        plan: &Plan,
        runs: &mut u64,
    ) -> (Outcome, Seen) {
        // Which leaks are to be ignored is known by their call sites alone.
        let stamped = if self.ignored_leaks.is_empty() { Trace::stamped() } else { Trace::sites() };
        let mut first = self.attempt(body, plan, stamped);
        *runs += 1;
        let by_site = Plan { number: None, ..plan.clone() };
        let is_elsewhere = plan.number.is_some() && first.seen.failed == 0;
        let plan = if is_elsewhere { &by_site } else { plan };
        if is_elsewhere {
            // What comes before it depends on something else: addresses, for example.
            first = self.attempt(body, plan, stamped);
            *runs += 1;
        }
        let one = first.end(Some(plan));
        if plan.skip > 0 && one.is_expected() {
            return (one, first.seen);
        }
        let mut second = self.attempt(body, plan, stamped);
        *runs += 1;
        if second.leak.is_some() {
            // Call sites of blocks are dear to keep, and only what leaks is named by them.
            second = self.attempt(body, plan, Trace::sites());
            *runs += 1;
        }
        let two = second.end(Some(plan));
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
        let alloc = Alloc::new(&injector);
        let mut call = || unwind::rooted(|| body(alloc).map(drop));
        let is_memory_error = &self.is_memory_error;
        let classify = |result| Ended::of(result, is_memory_error);
        let result = if self.on_heap {
            quiet::install();
            let body = || catch_quietly(|| heap::rethrowing(call));
            heap::observe(alloc, body, classify)
        } else {
            classify(catch_quietly(&mut call))
        };
        let (mut traced, sites) = injector.into_parts();
        let seen = sites.into_seen();
        let leak = traced.teardown().err();
        let leak =
            leak.and_then(|report| excess(report, &self.ignored_leaks, self.leaked_blocks_max));
        Attempt { result, seen, leak, broken: (self.invariant)().err() }
    }
}

/// The size of a stack matters: a sweep stores thousands.
const _: () = assert!(size_of::<CallStack>() <= 1024, "thousands of stacks are kept");
