//! What is measured: a vendored fixture, or any bare repository, prepared for a rebuild.

use crate::branch::BranchName;
use crate::cache::Report;
use crate::cli::args::{Args, BudgetArgs};
use crate::cli::failure::Failure;
use crate::cli::repository::start_directory;
use crate::cli::telemetry::Session;
use crate::fixture::{FixtureList, Journal, borrow, directory_hash, unpack};
use crate::fs::{PosixFileSystem, SafeName, TempDir};
use crate::telemetry::Level;
use std::path::{Path, PathBuf};

/// Length of the path of what is measured: paths are part of what the heap holds.
const PATH_BYTES: usize = 200;

/// Branch of a repository that is not in the list of fixtures, as `git-mind fixture make` writes
/// it.
const BRANCH: &str = "main";

/// A copy of a repository, and the expected results of its rebuild.
pub(super) struct Subject {
    pub(super) name: String,
    /// SHA-256 of the archive, or of the NAR of the directory, in hexadecimal.
    pub(super) sha256: String,
    pub(super) directory: PathBuf,
    pub(super) branch: BranchName,
    /// The expected results from the list of fixtures; `None` for other repositories.
    pub(super) pinned: Option<Journal>,
}

impl Subject {
    /// Puts the fixture that the options name into the empty `directory`.
    pub(super) fn prepare(
        args: &Args,
        options: &BudgetArgs,
        directory: &Path,
    ) -> Result<Self, Failure> {
        let start = std::path::absolute(start_directory(args).join("."))?;
        if options.fixture.contains('/') {
            return Self::of_directory(&options.fixture, &start, directory);
        }
        let list = match &options.fixtures_dir {
            Some(directory) => FixtureList::read(&start.join(directory)),
            None => FixtureList::find(&start, std::env::current_exe().ok().as_deref()),
        };
        let list = list?;
        let fixture = list.get(&options.fixture)?;
        unpack(&list, fixture, directory)?;
        let [journal, ..] = &fixture.journals[..] else {
            return Err(Failure::new(format!("fixture `{}` lists no journal", fixture.name)));
        };
        Ok(Self {
            name: fixture.name.clone(),
            sha256: fixture.sha256.clone(),
            directory: directory.into(),
            branch: BranchName::new(&journal.branch)?,
            pinned: Some(journal.clone()),
        })
    }

    fn of_directory(name: &str, start: &Path, directory: &Path) -> Result<Self, Failure> {
        let original = start.join(name);
        let sha256 = directory_hash(&original)?;
        borrow(&original, directory)?;
        let (branch, directory) = (BranchName::new(BRANCH)?, directory.into());
        Ok(Self { name: name.into(), sha256, directory, branch, pinned: None })
    }

    /// Fails when a rebuild has other results than the pinned ones: the measurement would be of
    /// other work.
    pub(super) fn check_rebuild(&self, report: &Report) -> Result<(), Failure> {
        let Some(journal) = &self.pinned else { return Ok(()) };
        self.check("journal tip", report.meta.journal_tip.to_string(), journal.tip.clone())?;
        self.check("edges", report.meta.edges, journal.edges)?;
        self.check("commits", report.meta.commits, journal.commits)?;
        let shards_tree = journal.shards_tree_oldest_first.clone();
        self.check("shards tree", report.shards_tree.to_string(), shards_tree)
    }

    /// Fails when a measured value is not the expected one.
    pub(super) fn check<T: PartialEq + std::fmt::Display>(
        &self,
        what: &str,
        actual: T,
        expected: T,
    ) -> Result<(), Failure> {
        if actual == expected {
            return Ok(());
        }
        let (name, list) = (&self.name, if self.pinned.is_some() { "list" } else { "journal" });
        Err(Failure::new(format!(
            "fixture `{name}` gave {what} {actual}, the {list} says {expected}"
        )))
    }
}

/// An empty temporary directory for the fixture; stale ones of earlier runs are removed and logged.
pub(super) fn temp_directory<'f, 's: 'f>(
    fs: &'f PosixFileSystem,
    session: &Session<'s>,
) -> Result<TempDir<'f>, Failure> {
    let (scope, label) = (SafeName::new("budget")?, SafeName::new("fixture")?);
    let directory = TempDir::create(fs, &scope, &label, session.memory.alloc())?;
    let swept = directory.swept();
    let level = if swept.failed > 0 { Level::Warn } else { Level::Info };
    if swept.removed > 0 || swept.failed > 0 {
        session.telemetry.log(level, "fs", "temp_swept", |event| {
            event.number("removed", swept.removed.into())?;
            event.number("failed", swept.failed.into())
        });
    }
    Ok(directory)
}

/// A directory below `directory` whose path has the same length on every machine, unless that of
/// `directory` is almost as long.
pub(super) fn of_fixed_length(directory: &Path) -> Result<PathBuf, Failure> {
    let missing = PATH_BYTES.saturating_sub(directory.as_os_str().len() + "/".len());
    let directory = directory.join("x".repeat(missing.max(1)));
    std::fs::create_dir(&directory)?;
    Ok(directory)
}
