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

    /// Whether the frame only passes a request on: this layer, containers, std.
    fn is_plumbing(&self) -> bool {
        const PREFIXES: [&str; 8] = [
            concat!(env!("CARGO_CRATE_NAME"), "::"),
            "allocator_api2::",
            "hashbrown::",
            "bumpalo::",
            "backtrace::",
            "core::",
            "alloc::",
            "std::",
        ];
        let is_ours = |path: &str| {
            let path = path.trim_start_matches(['<', '&', '[', '(', '*']);
            PREFIXES.iter().any(|prefix| path.starts_with(prefix))
        };
        // `<core::option::Option<u64> as mine::Encode>::encode` is the program's own function.
        let is_foreign = impl_trait(&self.function).is_some_and(|name| !is_ours(name));
        !self.function.contains("::tests::") && !is_foreign && is_ours(&self.function)
    }
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
