//! Exceeding the file size limit is an error, not the end of the process.
//!
//! It is in this crate because this crate may call the C library, which needs `unsafe`.

use rustix::process::Signal;

/// `SIG_IGN` (`signal(2)`), the same on every Unix.
const IGNORE: usize = 1;

/// Makes a write beyond the file size limit (`ulimit -f`) fail with `EFBIG`, for the whole process.
/// Otherwise SIGXFSZ ends the process and its temporary files are left behind.
pub fn report_as_error() {
    unsafe extern "C" {
        safe fn signal(number: i32, handler: usize) -> usize;
    }
    // It fails only for an invalid signal number.
    let _ = signal(Signal::XFSZ.as_raw(), IGNORE);
}
