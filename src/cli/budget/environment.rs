//! What a measurement depends on besides the code: compiler, target, kernel, page size, toggles.

use crate::context::Toggles;
use crate::env::FixedEnvironment;
use crate::git::{Head, Repository};
use crate::gitoxide::GitRepository;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// The environment of a measurement, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli) struct BuildEnvironment {
    pub(super) version: &'static str,
    /// The revision that the build recorded, or the commit that is checked out.
    pub(super) revision: String,
    /// Where the revision is from: `build`, `checkout`, or `not recorded`.
    pub(super) revision_from: &'static str,
    pub(super) rustc: &'static str,
    pub(super) target: &'static str,
    pub(super) profile: &'static str,
    pub(super) kernel: String,
    pub(super) page_size_bytes: usize,
    pub(super) threads: usize,
    pub(super) toggles: Vec<ToggleValue>,
}

/// A variable of the memory layer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ToggleValue {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) origin: &'static str,
}

impl BuildEnvironment {
    /// Reads the environment of a measurement with `threads`; the checkout is searched from `start`
    /// upwards.
    pub(in crate::cli) fn read(start: &Path, toggles: &Toggles, threads: usize) -> Self {
        let (revision, revision_from) = match (option_env!("BUILD_REVISION"), checkout(start)) {
            (Some(revision), _) => (revision.to_owned(), "build"),
            (None, Some(revision)) => (revision, "checkout"),
            (None, None) => ("unknown".to_owned(), "not recorded"),
        };
        let uname = rustix::system::uname();
        let words = [uname.sysname(), uname.release(), uname.machine()];
        let value = |toggle: crate::context::Toggle| ToggleValue {
            name: toggle.name,
            value: toggle.value,
            origin: toggle.origin.name(),
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            revision,
            revision_from,
            rustc: env!("BUILD_RUSTC"),
            target: env!("BUILD_TARGET"),
            profile: env!("BUILD_PROFILE"),
            kernel: words.map(|word| word.to_string_lossy().into_owned()).join(" "),
            page_size_bytes: rustix::param::page_size(),
            threads,
            toggles: toggles.list().map(value).into(),
        }
    }

    /// The toggles that are set, with their values.
    pub(super) fn toggles_set(&self) -> String {
        let set = self.toggles.iter().filter(|toggle| toggle.origin != "default");
        let set: Vec<_> = set.map(|toggle| format!("{}={}", toggle.name, toggle.value)).collect();
        if set.is_empty() { "none set".to_owned() } else { set.join(" ") }
    }
}

/// One line, for what is measured beside a report.
impl fmt::Display for BuildEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, profile, revision, rustc, target, kernel, .. } = self;
        let (threads, pages) = (self.threads, self.page_size_bytes);
        write!(
            f,
            "gitmind {version}, {profile}, revision {revision}, {rustc}, {target}, {kernel}, \
             {threads} threads, {pages}-byte pages, toggles {}",
            self.toggles_set()
        )
    }
}

/// The commit of HEAD of the checkout of gitmind that contains `start`.
fn checkout(start: &Path) -> Option<String> {
    let start = std::path::absolute(start.join(".")).ok()?;
    let manifest = |directory: &&Path| {
        let text = std::fs::read_to_string(directory.join("Cargo.toml"));
        text.is_ok_and(|text| text.contains("\nname = \"gitmind\"\n"))
    };
    let top = start.ancestors().find(manifest)?;
    let repository = GitRepository::find(top, &FixedEnvironment::default(), |_| ()).ok()?;
    let name = match repository.head().ok()? {
        Head::Detached => "HEAD".into(),
        Head::Branch(name) => name,
    };
    Some(repository.resolve(&name).ok()??.to_string())
}
