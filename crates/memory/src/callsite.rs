//! Call sites: which line of the program asked for memory.
//!
//! `#[track_caller]` cannot tell: a container asks through the `Allocator` trait, so the location
//! it reports is inside the container. A call site is therefore the stack of return addresses, and
//! its identity is their hash: cheap to take, the same in debug and release, no symbols needed.
//! Names are looked up only when a report is printed.
//!
//! Without the feature `backtrace`, and where there is no unwinder, a stack has no addresses: every
//! call site is the same, and no report names one.

#[cfg(feature = "backtrace")]
pub(crate) mod unwind;

mod site;

use std::fmt;
use std::hash::BuildHasher;

pub use self::site::Site;
use self::site::without_generics;

/// Return addresses that are kept; of a deeper stack, the innermost.
const FRAMES_MAX: usize = 96;

/// Callers of a call site that a message names.
const CALLERS_SHOWN: usize = 2;

/// The functions of std's that hand out blocks, or null.
#[cfg(feature = "testing")]
const ALLOCATOR: [&str; 3] = ["alloc", "alloc_zeroed", "realloc"];

/// Functions of std's that fail for other reasons, and abort without memory. The last one is below
/// those that can fail and those that abort, whose frames the optimizer may leave out.
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

    /// The stack with these return addresses, which are not more than are kept.
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

    /// How many calls it has, inlined ones not counted.
    #[cfg(feature = "testing")]
    pub(crate) fn depth(&self) -> usize {
        self.len.into()
    }

    /// Looks up the innermost frame that belongs to the program rather than to the plumbing
    /// between a container and its port.
    ///
    /// Without line tables, code that was inlined has no frame of its own; the function that it
    /// was inlined into is named then.
    pub fn site(&self) -> Site {
        let unknown = || Site::unknown(self.addresses().first().copied());
        self.sites(1).pop().unwrap_or_else(unknown)
    }

    /// Looks up all frames, the innermost first; an inlined function before the one it is part of.
    pub fn frames(&self) -> Vec<Site> {
        self.addresses().iter().flat_map(|address| resolve(*address)).collect()
    }

    /// Looks up that frame and those that called it, `max` at most.
    pub fn sites(&self, max: usize) -> Vec<Site> {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        frames.filter(|frame| !frame.is_plumbing()).take(max).collect()
    }

    /// The innermost frames of the program's own code, `max` at most; those of the libraries that
    /// it uses when it has none.
    pub(crate) fn own_sites(&self, max: usize) -> Vec<Site> {
        let sites = self.sites(usize::MAX);
        let (own, others): (Vec<_>, Vec<_>) = sites.into_iter().partition(Site::is_own);
        let sites = if own.is_empty() { others } else { own };
        sites.into_iter().take(max).collect()
    }

    /// The place that took something, as a message names it: the program's own code first.
    pub(crate) fn taken_by(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            let mut own = self.own_sites(CALLERS_SHOWN + 1).into_iter();
            let Some(site) = own.next() else {
                return f.write_str("an unknown call site");
            };
            write!(f, "{site}")?;
            let innermost = self.site();
            if innermost != site {
                write!(f, " by way of {innermost}")?;
            }
            own.try_for_each(|caller| write!(f, ", called by {caller}"))
        })
    }

    /// Whether the function of a library that the program called can report a failure: the name of
    /// one that can begins with `try_`, and all others but the allocator's own abort the process.
    #[cfg(feature = "testing")]
    pub(crate) fn is_fallible(&self) -> bool {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        frames.take_while(Site::is_plumbing).last().is_some_and(|entry| {
            let path = without_generics(&entry.function);
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
            return f.write_str("an unknown call site");
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
