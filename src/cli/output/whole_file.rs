//! A file that appears under its name when it is complete.

use crate::cli::failure::Failure;
use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A temporary file in the same directory until it is complete.
pub(in crate::cli) struct WholeFile {
    path: PathBuf,
    /// What is written, for messages.
    what: &'static str,
    draft: BufWriter<NamedTempFile>,
}

impl WholeFile {
    /// Checks that the file `path` can be made, before there is anything to write.
    pub(in crate::cli) fn create(path: &Path, what: &'static str) -> Result<Self, Failure> {
        if path.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(explain(path, what, &error));
        }
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        // The umask clears the permissions that other users must not have.
        builder.prefix(".git-mind-draft-").permissions(Permissions::from_mode(0o666));
        let draft = builder.tempfile_in(directory.unwrap_or(Path::new(".")));
        let draft = draft.map_err(|error| explain(path, what, &error))?;
        Ok(Self { path: path.into(), what, draft: BufWriter::new(draft) })
    }

    /// Renames the file to its path.
    pub(in crate::cli) fn finish(self) -> Result<(), Failure> {
        let Self { path, what, draft } = self;
        let draft = draft.into_inner().map_err(|error| explain(&path, what, error.error()))?;
        draft.persist(&path).map(drop).map_err(|error| explain(&path, what, &error.error))
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.draft.write(bytes).map_err(|error| {
            io::Error::new(error.kind(), explain(&self.path, self.what, &error).text())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

fn explain(path: &Path, what: &str, error: &io::Error) -> Failure {
    let text = format!("cannot write the {what} {}: {error}", path.display());
    Failure::new(text).hint("name a file in an existing directory that you can write to")
}
