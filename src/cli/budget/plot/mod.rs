//! `--plot FILE.svg`: live bytes over time, a band for each operation, the lines of its cap.

mod draw;
mod series;

use super::report::Report;
use crate::cli::failure::Failure;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that will hold the plot; until then it is beside its place under another name.
pub(super) struct PlotFile {
    path: PathBuf,
    draft: NamedTempFile,
}

impl PlotFile {
    /// Makes sure that there can be a file `path`, before anything is measured.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(explain(path, &error));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        // The umask takes from it what others may not do.
        builder.prefix(".git-mind-plot-").permissions(Permissions::from_mode(0o666));
        let draft = builder.tempfile_in(folder.unwrap_or(Path::new(".")));
        let draft = draft.map_err(|error| explain(path, &error))?;
        Ok(Self { path: path.into(), draft })
    }

    /// Draws the report and puts the file in its place.
    pub(super) fn draw(mut self, report: &Report) -> Result<(), Failure> {
        let svg = draw::svg(report).map_err(|error| explain(&self.path, &error))?;
        self.draft.write_all(svg.as_bytes()).map_err(|error| explain(&self.path, &error))?;
        let persisted = self.draft.persist(&self.path);
        persisted.map(drop).map_err(|error| explain(&self.path, &error.error))
    }
}

fn explain(path: &Path, error: &io::Error) -> Failure {
    let text = format!("cannot write the plot {}: {error}", path.display());
    Failure::new(text).hint("name a file in a folder that exists and can be written to")
}
