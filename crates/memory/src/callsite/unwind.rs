//! The unwinder: the return addresses of a call, and the names behind them.
//!
//! Nothing here allocates through a port. Unwinding does not allocate from the heap either; looking
//! up names does, from the process's own heap.

use std::cell::Cell;
use std::ffi::c_void;

use super::Site;

thread_local! {
    /// The stack pointer from which on frames are the same for every call, or zero.
    static ROOT: Cell<usize> = const { Cell::new(0) };
}

/// Visits the return addresses of the caller, innermost first; inside [`rooted`], up to its call.
#[inline(never)]
pub(super) fn return_addresses(mut visit: impl FnMut(usize) -> bool) {
    let root = ROOT.with(Cell::get);
    trace(|frame| {
        let is_above = root != 0 && frame.sp().addr() >= root;
        !is_above && visit(frame.ip().addr())
    });
}

/// Runs `body` so that stacks captured inside it end here.
#[cfg(feature = "testing")]
#[inline(never)]
pub(crate) fn rooted<T>(body: impl FnOnce() -> T) -> T {
    let end = stack_pointer();
    let _restore = Restore(ROOT.with(|root| root.replace(end)));
    body()
}

/// The stack pointer of the caller, below which are the frames of all that it calls.
///
/// The unwinder's word rather than the address of a local variable, which AddressSanitizer may
/// keep elsewhere. Zero when the unwinder does not know this function.
#[cfg(all(feature = "testing", target_os = "linux"))]
#[inline(never)]
fn stack_pointer() -> usize {
    let own = (stack_pointer as fn() -> usize as *const ()).addr();
    let (mut is_callers, mut pointer) = (false, 0);
    trace(|frame| {
        if is_callers {
            pointer = frame.sp().addr();
            return false;
        }
        is_callers = function_start(frame.ip()) == own;
        true
    });
    pointer
}

/// The same, as far as a local variable's address tells: an unwinder may not know this function.
#[cfg(all(feature = "testing", not(target_os = "linux")))]
#[inline(always)]
fn stack_pointer() -> usize {
    let local = std::hint::black_box(0_u8);
    (&raw const local).addr()
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

#[cfg(feature = "testing")]
struct Restore(usize);

#[cfg(feature = "testing")]
impl Drop for Restore {
    fn drop(&mut self) {
        ROOT.with(|root| root.set(self.0));
    }
}

/// The functions at a return address, inlined ones first.
pub(super) fn resolve(return_address: usize) -> Vec<Site> {
    let mut sites = Vec::new();
    // The call is just before the address it returns to.
    let call = std::ptr::without_provenance_mut::<c_void>(return_address.saturating_sub(1));
    let start = function_start(call);
    backtrace::resolve(call, |symbol| {
        let function = symbol.name().map(|name| format!("{name:#}"));
        let file = symbol.filename().map(|file| file.to_string_lossy().into_owned());
        sites.push(Site {
            function: function.unwrap_or_else(|| format!("{call:p}")),
            // Code of the compiler's own in an inlined function has a file and no line.
            place: file
                .map(|file| (file, symbol.lineno().unwrap_or(0), symbol.colno().unwrap_or(0))),
            offset_bytes: call.addr().saturating_sub(start),
            is_inlined: true,
        });
    });
    // The last is the function that has the code of all the others.
    if let Some(outermost) = sites.last_mut() {
        outermost.is_inlined = false;
    }
    sites
}

/// Where the function around `address` starts; inlined functions are part of it.
#[cfg(target_os = "linux")]
fn function_start(address: *mut c_void) -> usize {
    unsafe extern "C" {
        // Of the unwinder that std itself links.
        safe fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void;
    }
    _Unwind_FindEnclosingFunction(address).addr()
}

/// The address itself, where no unwinder of std tells the start: line tables tell calls apart then.
#[cfg(not(target_os = "linux"))]
fn function_start(address: *mut c_void) -> usize {
    address.addr()
}
