//! What the process does at a signal.

use rustix::process::Signal;

/// `SIG_IGN` (`signal(2)`), the same on every Unix.
pub(crate) const IGNORE: usize = 1;

/// Sets what happens at a signal: a function, or [`IGNORE`].
pub(crate) fn handle(signal: Signal, handler: usize) {
    unsafe extern "C" {
        #[link_name = "signal"]
        safe fn set_handler(number: i32, handler: usize) -> usize;
    }
    // It fails only for an invalid signal number.
    let _ = set_handler(signal.as_raw(), handler);
}

/// Makes an interrupt from the keyboard (SIGINT) do nothing, for the whole process. Programs that
/// were started before still get it.
pub fn ignore_interrupt() {
    handle(Signal::INT, IGNORE);
}
