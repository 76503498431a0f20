//! What is measured: a vendored fixture, or any folder with a repository, made ready to be rebuilt.

use crate::branch::BranchName;
use crate::cache::Report;
use crate::cli::args::{Args, BudgetArgs};
use crate::cli::failure::Failure;
use crate::cli::repository::start_folder;
use crate::cli::telemetry::Session;
use crate::fixture::{FixtureList, Journal, borrow, folder_hash, unpack};
use crate::fs::{PosixFileSystem, SafeName, TempDir};
use crate::telemetry::Level;
use std::path::{Path, PathBuf};

/// Branch of a repository that no list describes, as `git-mind fixture make` names it.
const BRANCH: &str = "main";

/// A repository that may be changed, and what a rebuild of it must give.
pub(super) struct Subject {
    pub(super) name: String,
    /// SHA-256 of the archive, or of the NAR of the folder, in hexadecimal.
    pub(super) sha256: String,
    pub(super) folder: PathBuf,
    pub(super) branch: BranchName,
    /// What the list says about the journal; a folder is pinned by its hash alone.
    pub(super) pinned: Option<Journal>,
}

impl Subject {
    /// Puts the fixture that the options name into the empty `folder`.
    pub(super) fn prepare(
        args: &Args,
        options: &BudgetArgs,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let start = std::path::absolute(start_folder(args).join("."))?;
        if options.fixture.contains('/') {
            return Self::of_folder(&options.fixture, &start, folder);
        }
        let list = match &options.fixtures_dir {
            Some(folder) => FixtureList::read(&start.join(folder)),
            None => FixtureList::find(&start, std::env::current_exe().ok().as_deref()),
        };
        let list = list?;
        let fixture = list.get(&options.fixture)?;
        unpack(&list, fixture, folder)?;
        let [journal, ..] = &fixture.journals[..] else {
            return Err(Failure::new(format!("fixture `{}` lists no journal", fixture.name)));
        };
        Ok(Self {
            name: fixture.name.clone(),
            sha256: fixture.sha256.clone(),
            folder: folder.into(),
            branch: BranchName::new(&journal.branch)?,
            pinned: Some(journal.clone()),
        })
    }

    fn of_folder(name: &str, start: &Path, folder: &Path) -> Result<Self, Failure> {
        let original = start.join(name);
        let sha256 = folder_hash(&original)?;
        borrow(&original, folder)?;
        let (branch, folder) = (BranchName::new(BRANCH)?, folder.into());
        Ok(Self { name: name.into(), sha256, folder, branch, pinned: None })
    }

    /// A measurement of something else than the pinned work says nothing.
    pub(super) fn check_rebuild(&self, report: &Report) -> Result<(), Failure> {
        let Some(journal) = &self.pinned else { return Ok(()) };
        self.check("journal tip", report.meta.journal_tip.to_string(), journal.tip.clone())?;
        self.check("edges", report.meta.edges, journal.edges)?;
        self.check("commits", report.meta.commits, journal.commits)?;
        let shards_tree = journal.shards_tree_oldest_first.clone();
        self.check("shards tree", report.shards_tree.to_string(), shards_tree)
    }

    /// Compares something that was found with what had to be.
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

/// An empty folder for the fixture; what earlier runs left behind is removed and said.
pub(super) fn temp_folder<'f, 's: 'f>(
    fs: &'f PosixFileSystem,
    session: &Session<'s>,
) -> Result<TempDir<'f>, Failure> {
    let (scope, label) = (SafeName::new("budget")?, SafeName::new("fixture")?);
    let folder = TempDir::create(fs, &scope, &label, session.memory.alloc())?;
    let swept = folder.swept();
    let level = if swept.failed > 0 { Level::Warn } else { Level::Info };
    if swept.removed > 0 || swept.failed > 0 {
        session.telemetry.log(level, "fs", "temp_swept", |event| {
            event.number("removed", swept.removed.into())?;
            event.number("failed", swept.failed.into())
        });
    }
    Ok(folder)
}
