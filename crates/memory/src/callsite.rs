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

use std::fmt;
use std::hash::BuildHasher;

/// Return addresses that are kept; of a deeper stack, the innermost.
const FRAMES_MAX: usize = 48;

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

/// The return addresses of a call, innermost first.
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

    /// Looks up that frame and those that called it, `max` at most.
    pub fn sites(&self, max: usize) -> Vec<Site> {
        let frames = self.addresses().iter().flat_map(|address| resolve(*address));
        frames.filter(|frame| !frame.is_plumbing()).take(max).collect()
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

    fn addresses(&self) -> &[usize] {
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

/// A place in the source, as far as the binary's symbols tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Site {
    /// The function, or its address when symbols are stripped.
    pub function: String,
    /// The file, line and column, when the binary has line tables.
    pub place: Option<(String, u32, u32)>,
    /// How far behind the function's start the call is; tells calls apart without line tables.
    pub offset_bytes: usize,
}

impl Site {
    fn unknown(address: Option<usize>) -> Self {
        let function = address.map_or_else(|| "unknown".into(), |address| format!("{address:#x}"));
        Self { function, place: None, offset_bytes: 0 }
    }

    /// Whether its file has `part` in its path.
    fn is_in(&self, part: &str) -> bool {
        self.place.as_ref().is_some_and(|(file, ..)| file.contains(part))
    }

    /// Whether the frame only passes a request on: this layer, containers, std.
    fn is_plumbing(&self) -> bool {
        const PREFIXES: [&str; 10] = [
            concat!(env!("CARGO_CRATE_NAME"), "::"),
            "allocator_api2::",
            "hashbrown::",
            "bumpalo::",
            "backtrace::",
            "core::",
            "alloc::",
            "std::",
            "__rustc::",
            "__rust_",
        ];
        const DIRECTORIES: [&str; 7] = [
            file!().split_at(file!().len() - "callsite.rs".len()).0,
            "/allocator-api2-",
            "/hashbrown-",
            "/bumpalo-",
            "/backtrace-",
            "/rustc/",
            "rustlib/src/rust/library/",
        ];
        // Line tables alone name inlined functions without their paths; their files remain.
        if !without_generics(&self.function).contains("::") && self.place.is_some() {
            // `#[global_allocator]` puts the allocator's symbols into a file of the program's.
            return self.function.starts_with("__rust_")
                || DIRECTORIES.iter().any(|directory| self.is_in(directory));
        }
        let is_ours = |path: &str| PREFIXES.iter().any(|prefix| path.starts_with(prefix));
        // Types without a path (primitives, slices, tuples, pointers) are core's own.
        let is_ours_type = |of: &str| {
            let of = of.trim_start_matches("dyn ");
            of.starts_with(['[', '(', '*']) || !is_path(of) || is_ours(of)
        };
        let of = self.function.strip_prefix('<');
        let of = of.map(|of| of.trim_start_matches(['<', '&']).trim_start_matches("mut "));
        let is_ours_in = match (of, impl_trait(&self.function)) {
            // `<core::option::Option<u64> as mine::Encode>::encode` is the program's own function.
            (Some(of), Some(by)) => is_ours(by) && is_ours_type(of),
            (Some(of), None) => is_ours_type(of),
            (None, _) => is_ours(&self.function),
        };
        !self.function.contains("::tests::") && is_ours_in
    }
}

/// Whether the first name of a type has a path, which primitives have not.
fn is_path(of: &str) -> bool {
    of.trim_start_matches(|each: char| each.is_alphanumeric() || each == '_').starts_with("::")
}

/// A path without what stands between angle brackets.
fn without_generics(path: &str) -> String {
    let mut depth = 0_usize;
    let is_outside = |character: &char| {
        let closes = *character == '>';
        depth += usize::from(*character == '<');
        let is_outside = depth == 0;
        depth = depth.saturating_sub(usize::from(closes));
        is_outside
    };
    path.chars().filter(is_outside).collect()
}

/// The trait in `<Type as Trait>::function`.
fn impl_trait(function: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, byte) in function.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if function[..at].ends_with('-') => {}
            b'>' => depth = depth.saturating_sub(1),
            b' ' if depth == 1
                && function.starts_with('<')
                && function[at..].starts_with(" as ") =>
            {
                return function.get(at + 4..);
            }
            _ => {}
        }
    }
    None
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, line, column)) => write!(f, "{} ({file}:{line}:{column})", self.function),
            None => write!(f, "{}+{:#x}", self.function, self.offset_bytes),
        }
    }
}

/// The functions at a return address, inlined ones first.
fn resolve(return_address: usize) -> Vec<Site> {
    #[cfg(feature = "backtrace")]
    return unwind::resolve(return_address);
    #[cfg(not(feature = "backtrace"))]
    vec![Site::unknown(Some(return_address))]
}

#[cfg(test)]
mod names {
    use super::Site;

    #[test]
    fn functions_of_std_and_of_this_layer_are_told_from_the_programs() {
        let is_plumbing = |function: &str| {
            Site { function: function.into(), ..Site::unknown(None) }.is_plumbing()
        };
        for passes_on in [
            "alloc::vec::Vec<mine::T>::try_reserve",
            "<alloc::vec::Vec<mine::T>>::try_reserve::<mine::U>",
            "<bool>::then::<*mut u8, mine::f::{closure#0}>",
            "<[mine::T]>::to_vec",
            "<*mut mine::T>::read",
            "<u8 as alloc::vec::spec_from_elem::SpecFromElem>::from_elem",
            "<[mine::T] as alloc::borrow::ToOwned>::to_owned",
            "<alloc::vec::Vec<T,A> as core::clone::Clone>::clone",
            "__rustc::__rust_alloc",
        ] {
            assert!(is_plumbing(passes_on), "{passes_on}");
        }
        for own in [
            "mine::f",
            "mine::f::{closure#0}",
            "<mine::T>::read",
            "<mine::T as core::clone::Clone>::clone",
            "<&mine::T as core::iter::IntoIterator>::into_iter",
            "<core::option::Option<u64> as mine::Encode>::encode",
            "<u64 as mine::Encode>::encode",
            "<dyn mine::Encode>::encode_all",
        ] {
            assert!(!is_plumbing(own), "{own}");
        }
    }
}
