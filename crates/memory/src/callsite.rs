//! Call sites: which line of the program requested memory.
//!
//! `#[track_caller]` cannot identify one: a container allocates through the `Allocator` trait, so
//! the location is inside the container. A call site is therefore the stack of return addresses,
//! and its identity is their hash: cheap to compute, the same method in debug and release, without
//! symbols. Names are resolved only when a report is printed.
//!
//! Without the feature `backtrace`, and where there is no unwinder, a stack has no addresses: every
//! call site is the same, and no report names one.

#[cfg(feature = "backtrace")]
pub(crate) mod unwind;

mod site;

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasher;

pub use self::site::Site;

/// Most return addresses of a stack; of a deeper one, the innermost.
const FRAMES_MAX: usize = 96;

/// Callers of a call site that a message names.
const CALLERS_SHOWN: usize = 2;

/// The functions of std that return a block, or null.
#[cfg(feature = "testing")]
const ALLOCATOR: [&str; 3] = ["alloc", "alloc_zeroed", "realloc"];

/// Functions of std whose names look fallible but that abort without memory. The last one is called
/// by fallible functions and by those that abort, and the optimizer may omit the frames of its
/// callers.
#[cfg(feature = "testing")]
const INFALLIBLE: [&str; 7] = [
    "try_from",
    "try_into",
    "try_send",
    "try_fold",
    "try_rfold",
    "try_for_each",
    "try_allocate_in",
];

/// The return addresses of a call, innermost first, 96 of them at most.
#[derive(Clone, Copy)]
pub struct CallStack {
    frames: [usize; FRAMES_MAX],
    len: u8,
}

const _: () = assert!(FRAMES_MAX <= u8::MAX as usize, "the length must fit");

impl CallStack {
    /// The stack of the caller; inside a sweep, up to the closure that is swept.
    #[inline(never)]
    pub(crate) fn capture() -> Self {
        #[cfg_attr(not(feature = "backtrace"), expect(unused_mut, reason = "it stays empty"))]
        let mut stack = Self { frames: [0; FRAMES_MAX], len: 0 };
        #[cfg(feature = "backtrace")]
        unwind::return_addresses(|address| {
            stack.frames[usize::from(stack.len)] = address;
            stack.len += 1;
            usize::from(stack.len) < FRAMES_MAX
        });
        stack
    }

    /// The stack with these return addresses, at most the maximum.
    pub(crate) fn of(addresses: &[usize]) -> Self {
        let mut stack = Self { frames: [0; FRAMES_MAX], len: 0 };
        for (frame, address) in stack.frames.iter_mut().zip(addresses) {
            *frame = *address;
            stack.len += 1;
        }
        stack
    }

    /// The identity of the call site within this process.
    pub fn id(&self) -> CallSiteId {
        CallSiteId(foldhash::quality::FixedState::with_seed(0).hash_one(self.addresses()))
    }

    /// The number of its calls, without inlined ones.
    #[cfg(feature = "testing")]
    pub(crate) fn depth(&self) -> usize {
        self.len.into()
    }

    /// Resolves the innermost frame of the program, past those of std, containers and ports.
    ///
    /// Without line tables, inlined code has no frame of its own; the result is the function that
    /// it was inlined into.
    pub fn site(&self) -> Site {
        let unknown = || Site::unknown(self.addresses().first().copied());
        self.sites(1).pop().unwrap_or_else(unknown)
    }

    /// Resolves all frames, the innermost first; an inlined function precedes the one that it is
    /// part of.
    pub fn frames(&self) -> Vec<Site> {
        self.addresses().iter().flat_map(|address| resolve(*address)).collect()
    }

    /// Resolves that frame and its callers, `max` frames at most.
    pub fn sites(&self, max: usize) -> Vec<Site> {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        frames.filter(|frame| !frame.is_plumbing()).take(max).collect()
    }

    /// Whether the library function that the program called can report a failed allocation. The
    /// names of such functions begin with `try_`; all others, except the allocator's own, abort the
    /// process.
    #[cfg(feature = "testing")]
    pub(crate) fn is_fallible(&self) -> bool {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        frames.take_while(Site::is_plumbing).last().is_some_and(|entry| {
            let path = site::without_generics(&entry.function);
            let is_allocator = match path.strip_prefix("alloc::alloc::") {
                Some(name) => ALLOCATOR.contains(&name),
                None => ALLOCATOR.contains(&path.as_str()) && entry.is_in("/alloc/src/alloc.rs"),
            };
            let is_fallible = |name: &str| name.starts_with("try_") && !INFALLIBLE.contains(&name);
            is_allocator || path.split("::").any(is_fallible)
        })
    }

    pub(crate) fn addresses(&self) -> &[usize] {
        &self.frames[..usize::from(self.len)]
    }
}

/// A cache of the names of frames, for many stacks of one program: each address is resolved once.
#[derive(Clone, Debug, Default)]
pub struct FrameNames(HashMap<usize, Vec<Site>>);

impl FrameNames {
    /// The frames of `stack`, as [`CallStack::frames`] gives them.
    ///
    /// ```
    /// use gitmind_memory::{Alloc, FrameNames, System, Trace, Traced};
    /// let traced = Traced::new(System::new(), Trace::sites());
    /// drop(Alloc::new(&traced).try_box(7_u8)?);
    /// let mut names = FrameNames::default();
    /// for holder in traced.profile().expect("sites are kept").holders {
    ///     assert!(names.frames(&holder.stack).eq(&holder.stack.frames()));
    /// }
    /// # Ok::<(), gitmind_memory::MemoryError>(())
    /// ```
    pub fn frames(&mut self, stack: &CallStack) -> impl Iterator<Item = &Site> {
        for address in stack.addresses() {
            self.0.entry(*address).or_insert_with(|| resolve(*address));
        }
        let addresses = stack.frames.into_iter().take(usize::from(stack.len));
        addresses.filter_map(|address| self.0.get(&address)).flatten()
    }

    /// The innermost frames of the program's own code, or of its libraries when there are none.
    pub(crate) fn own(&mut self, stack: &CallStack) -> Vec<&Site> {
        let sites = self.frames(stack).filter(|site| !site.is_plumbing());
        let (own, others): (Vec<_>, Vec<_>) = sites.partition(|site| site.is_own());
        if own.is_empty() { others } else { own }
    }

    /// The call site as a message names it: the program's own code first.
    pub(crate) fn allocated_by(&mut self, stack: &CallStack) -> String {
        let innermost = self.frames(stack).find(|site| !site.is_plumbing()).cloned();
        let own = self.own(stack);
        let Some(site) = own.first() else { return UNKNOWN.into() };
        let mut text = site.to_string();
        if let Some(innermost) = innermost.filter(|innermost| innermost != *site) {
            text.push_str(&format!(" by way of {innermost}"));
        }
        for caller in own.iter().skip(1).take(CALLERS_SHOWN) {
            text.push_str(&format!(", called by {caller}"));
        }
        text
    }
}

/// The text of a report for a stack without addresses.
const UNKNOWN: &str = "an unknown call site";

impl fmt::Debug for CallStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        f.debug_list().entries(frames.map(|frame| frame.to_string())).finish()
    }
}

/// The site and its callers, as a message names them.
impl fmt::Display for CallStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.addresses().is_empty() {
            return f.write_str(UNKNOWN);
        }
        write!(f, "{}", self.site())?;
        self.sites(CALLERS_SHOWN + 1)
            .iter()
            .skip(1)
            .try_for_each(|caller| write!(f, ", called by {caller}"))
    }
}

/// The identity of a call site within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallSiteId(u64);

/// The functions at a return address, inlined ones first.
fn resolve(return_address: usize) -> Vec<Site> {
    #[cfg(feature = "backtrace")]
    return unwind::resolve(return_address);
    #[cfg(not(feature = "backtrace"))]
    vec![Site::unknown(Some(return_address))]
}
