//! Call sites: which line of the program asked for memory.
//!
//! `#[track_caller]` cannot tell: a container asks through the `Allocator` trait, so the location
//! it reports is inside the container. A call site is therefore the stack of return addresses, and
//! its identity is their hash: cheap to take, the same in debug and release, no symbols needed.
//! Names are looked up only when a report is printed.
//!
//! Nothing here takes memory from a port. Unwinding takes none from the heap either; looking up
//! names does, from the process's own heap.

use std::cell::Cell;
use std::ffi::c_void;
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

thread_local! {
    /// The stack pointer above which frames are the same for every call, or zero.
    static ROOT: Cell<usize> = const { Cell::new(0) };
}

impl CallStack {
    /// The stack of the caller; inside a sweep, up to the closure that is swept.
    #[inline(never)]
    pub fn capture() -> Self {
        let mut stack = Self { frames: [0; FRAMES_MAX], len: 0 };
        let root = ROOT.with(Cell::get);
        trace(|frame| {
            if root != 0 && frame.sp().addr() > root {
                return false;
            }
            stack.frames[usize::from(stack.len)] = frame.ip().addr();
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

/// Runs `body` so that stacks captured inside it end here.
#[inline(never)]
pub(super) fn rooted<T>(body: impl FnOnce() -> T) -> T {
    let end = stack_pointer();
    let _restore = Restore(ROOT.with(|root| root.replace(end)));
    body()
}

/// Where the stack of the caller ends, which is where the frames of what it calls begin.
///
/// The unwinder's word rather than the address of a local variable, which AddressSanitizer may
/// keep elsewhere. Zero when the unwinder does not know this function.
#[inline(never)]
fn stack_pointer() -> usize {
    let own = (stack_pointer as fn() -> usize as *const ()).addr();
    let mut end = 0;
    trace(|frame| {
        let is_own = function_start(frame.ip()) == own;
        if is_own {
            end = frame.sp().addr();
        }
        !is_own
    });
    end
}

/// Visits the frames of the caller.
#[cfg(not(windows))]
fn trace(visit: impl FnMut(&backtrace::Frame) -> bool) {
    // SAFETY: what `backtrace::trace` locks against is dbghelp of Windows, which one thread may use
    // at a time; the unwinders of other systems serve any number of threads.
    unsafe { backtrace::trace_unsynchronized(visit) }
}

#[cfg(windows)]
use backtrace::trace;

struct Restore(usize);

impl Drop for Restore {
    fn drop(&mut self) {
        ROOT.with(|root| root.set(self.0));
    }
}

/// A place in the source, as far as the binary's symbols tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
            "gitmind_memory::",
            "allocator_api2::",
            "hashbrown::",
            "bumpalo::",
            "backtrace::",
            "core::",
            "alloc::",
            "std::",
        ];
        let path = self.function.trim_start_matches(['<', '&']);
        let tests = path.contains("::tests::");
        !tests && PREFIXES.iter().any(|prefix| path.starts_with(prefix))
    }
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
    let mut sites = Vec::new();
    // The call is just before the address it returns to.
    let call = std::ptr::without_provenance_mut::<c_void>(return_address.saturating_sub(1));
    let start = function_start(call);
    backtrace::resolve(call, |symbol| {
        let function = symbol.name().map(|name| format!("{name:#}"));
        let file = symbol.filename().map(|file| file.to_string_lossy().into_owned());
        sites.push(Site {
            function: function.unwrap_or_else(|| format!("{call:p}")),
            place: file
                .zip(symbol.lineno())
                .map(|(file, line)| (file, line, symbol.colno().unwrap_or(0))),
            offset_bytes: call.addr().saturating_sub(start),
        });
    });
    sites
}

/// Where the function around `address` starts; inlined functions are part of it.
fn function_start(address: *mut c_void) -> usize {
    unsafe extern "C" {
        // Of the unwinder that std itself links.
        safe fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
    }
    _Unwind_FindEnclosingFunction(address).addr()
}
