//! `--plot FILE.svg`: live bytes over time, with a band and the cap of each operation.

mod draw;
mod series;

use super::report::Report;
use crate::cli::failure::Failure;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The file of the plot: a temporary file in the same directory until it is complete.
pub(super) struct PlotFile {
    path: PathBuf,
    draft: NamedTempFile,
}

impl PlotFile {
    /// Checks that the file `path` can be made, before anything is measured.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(explain(path, &error));
        }
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        // The umask clears the permissions that other users must not have.
        builder.prefix(".git-mind-plot-").permissions(Permissions::from_mode(0o666));
        let draft = builder.tempfile_in(directory.unwrap_or(Path::new(".")));
        let draft = draft.map_err(|error| explain(path, &error))?;
        Ok(Self { path: path.into(), draft })
    }

    /// Draws the report and renames the file to its path.
    pub(super) fn draw(mut self, report: &Report) -> Result<(), Failure> {
        let svg = draw::svg(report).map_err(|error| explain(&self.path, &error))?;
        self.draft.write_all(svg.as_bytes()).map_err(|error| explain(&self.path, &error))?;
        let persisted = self.draft.persist(&self.path);
        persisted.map(drop).map_err(|error| explain(&self.path, &error.error))
    }
}

fn explain(path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot write the plot {}: {error}", path.display());
    Failure::new(text).hint("name a file in an existing directory that you can write to")
}
