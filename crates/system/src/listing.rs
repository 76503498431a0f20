//! The names in an open directory, one after the other.
//!
//! On Linux nothing is allocated, so that a temporary directory is removed after a failed
//! allocation too; elsewhere the C library allocates a buffer.

use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// Bytes of directory entries that are read at once.
#[cfg(target_os = "linux")]
const BUFFER_BYTES: usize = 2048;

/// Calls `act` with each name in `directory` except `.` and `..`, until it fails. The position of
/// the descriptor moves.
pub(crate) fn each_name<E: From<Errno>>(
    directory: BorrowedFd<'_>,
    mut act: impl FnMut(&CStr) -> Result<(), E>,
) -> Result<(), E> {
    let mut unless_own = |name: &CStr| match name.to_bytes() {
        b"." | b".." => Ok(()),
        _ => act(name),
    };
    #[cfg(target_os = "linux")]
    {
        let mut buffer = [const { std::mem::MaybeUninit::uninit() }; BUFFER_BYTES];
        let mut entries = rustix::fs::RawDir::new(directory, &mut buffer);
        while let Some(entry) = entries.next() {
            unless_own(entry?.file_name())?;
        }
    }
    #[cfg(not(target_os = "linux"))]
    for entry in rustix::fs::Dir::read_from(directory)? {
        unless_own(entry?.file_name())?;
    }
    Ok(())
}
