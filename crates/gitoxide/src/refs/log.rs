//! The log of a ref (`git help reflog`), by which an earlier value can be found again.

use super::ref_file::remove_empty;
use crate::shared_mode::SharedMode;
use gitmind_git::oid::Oid;
use gitmind_git::{Error, Identity, RefUpdate};
use gitmind_memory::{Alloc, Vec};
use gitmind_system::calls;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Whether and by whom updates of refs are logged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RefLog<'l> {
    /// Whether a log is made: `core.logAllRefUpdates` is `always`. A log that exists is always
    /// continued, as by git.
    pub(crate) is_made: bool,
    pub(crate) committer: &'l Identity,
    pub(crate) shared_mode: SharedMode,
    pub(crate) alloc: Alloc<'l>,
}

impl RefLog<'_> {
    /// Appends the entry of an update that is about to be made.
    pub(super) fn append(&self, common_dir: &Path, update: RefUpdate<'_>) -> Result<(), Error> {
        let RefUpdate { name, expected, new, time, reason } = update;
        let path = common_dir.join("logs").join(name);
        let fail = Error::io("write the log", &path);
        if !self.is_made && path.symlink_metadata().is_err() {
            return Ok(());
        }
        let ids = [expected.unwrap_or(Oid::ZERO).to_hex(), new.to_hex()];
        let mut before = [b' '; 2 * (Oid::HEX_LEN + 1)];
        for (id, part) in ids.iter().zip(before.chunks_mut(Oid::HEX_LEN + 1)) {
            part[..Oid::HEX_LEN].copy_from_slice(id);
        }
        let (after, mut line) = (format!("\t{reason}"), Vec::new(self.alloc));
        self.committer.encode(&before, time, after.as_bytes(), &mut line)?;
        // In one call, so that entries of two processes do not mix.
        let written = self.open(&path).and_then(|file| match file {
            Some(mut file) => file.write_all(&line),
            None => Ok(()),
        });
        written.map_err(fail)
    }

    /// Opens the log at `path`; `None` when it does not exist and is not to be made.
    fn open(&self, path: &Path) -> io::Result<Option<File>> {
        let mut flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        if self.is_made {
            calls::create_directories(path.parent().unwrap_or(Path::new(".")))?;
            flags |= OFlags::CREATE;
        }
        let mode = Mode::from_raw_mode(0o666);
        let open = || calls::openat(CWD, path, flags, mode);
        let opened = match open() {
            // git removes directories that are left where a log is to be.
            Err(Errno::ISDIR) if self.is_made => {
                remove_empty(path)?;
                open()
            }
            opened => opened,
        };
        let file = match opened.map_err(io::Error::from) {
            Ok(file) => File::from(file),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::IsADirectory if !self.is_made => {
                    return Ok(None);
                }
                _ => return Err(error),
            },
        };
        if !calls::retried(|| file.metadata())?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        self.shared_mode.adjust(&file)?;
        Ok(Some(file))
    }
}
