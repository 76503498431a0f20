//! A file that passes the limit of its size is an error, not the end of the process.
//!
//! Nothing else here is about memory: this is where the program may call the C library.

use rustix::process::Signal;

/// `SIG_IGN` (`signal(2)`), the same on every Linux.
const IGNORE: usize = 1;

/// Makes a write past the limit of a file's size (`ulimit -f`) fail, for the whole process.
/// Otherwise a signal ends the process there, and what it was writing stays.
pub fn report_as_error() {
    unsafe extern "C" {
        safe fn signal(number: i32, handler: usize) -> usize;
    }
    // It fails for a number that is no signal.
    let _ = signal(Signal::XFSZ.as_raw(), IGNORE);
}
