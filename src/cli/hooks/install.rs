//! Installing hooks, removing them, and saying which there are.

use super::Hook;
use super::directory::{Found, HookFile, failure};
use crate::cli::args::Args;
use crate::cli::escape::Escaped;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::repository;
use crate::env::Environment;
use crate::gitoxide::Location;
use serde::Serialize;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What `--json` prints.
#[derive(Serialize)]
struct HooksDocument<'d> {
    schema: u32,
    directory: &'d str,
    hooks: Vec<HookDocument>,
}

#[derive(Serialize)]
struct HookDocument {
    hook: &'static str,
    /// What was done, or what is there.
    state: &'static str,
    /// Whether a hook that was there before runs first.
    chained: bool,
}

/// Where the hooks are.
struct Place {
    location: Location,
    directory: PathBuf,
    /// Where the command runs, without symbolic links.
    start: PathBuf,
}

impl Place {
    fn find(args: &Args, env: &dyn Environment) -> Result<Self, Failure> {
        let repository = repository::open(args, env)?;
        let location = repository.location().clone();
        if location.worktree.is_none() {
            let text = format!("{} has no worktree here", location.git_dir.display());
            let hint = "hooks run where commits are made: name a worktree with -C DIR";
            return Err(Failure::new(text).hint(hint));
        }
        let start = repository::start_directory(args).join(".").canonicalize()?;
        Ok(Self { directory: repository.hooks_directory(env)?, location, start })
    }

    fn hooks(&self) -> [HookFile<'_>; 2] {
        Hook::ALL.map(|hook| HookFile::new(&self.directory, hook))
    }

    /// Makes the directory if it is missing.
    fn make(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.directory).map_err(|error| {
            let failure = failure("make the directory", &self.directory, &error);
            failure.hint("`git config --show-origin core.hooksPath` prints where it is set")
        })
    }

    /// What is particular about the directory.
    fn note(&self) -> Option<String> {
        let real = self.directory.canonicalize().unwrap_or_else(|_| self.directory.clone());
        let directory = self.directory.display();
        if real.starts_with(&self.location.common_dir) || real.starts_with(&self.location.git_dir) {
            return None;
        }
        Some(match &self.location.worktree {
            Some(top) if real.starts_with(top) => format!(
                "core.hooksPath is {directory}, in the worktree: the hooks are files to commit or \
                 to ignore"
            ),
            _ => format!(
                "core.hooksPath is {directory}, outside of this repository: the hooks run in every \
                 repository that has this setting, and do nothing where there is no journal"
            ),
        })
    }
}

pub(super) fn install(
    args: &Args,
    json: bool,
    env: &dyn Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let place = Place::find(args, env)?;
    place.make()?;
    let mut done = Vec::new();
    let mut hooks = Vec::new();
    for file in place.hooks() {
        let found = file.find()?;
        file.check(found)?;
        hooks.push((file, found));
    }
    for (file, found) in hooks {
        let state = match found {
            Found::Current => "already-installed",
            Found::Outdated => "updated",
            Found::Nothing | Found::CTool | Found::Other => "installed",
        };
        if found != Found::Current {
            file.install(found)?;
            output.done("a hook was installed");
        }
        done.push((file, state));
    }
    print(&place, done, json, output)?;
    if let Some(note) = place.note() {
        output.note(&note);
    }
    Ok(Exit::Success)
}

pub(super) fn uninstall(
    args: &Args,
    json: bool,
    env: &dyn Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let place = Place::find(args, env)?;
    let mut done = Vec::new();
    for file in place.hooks() {
        let aside = file.put_aside();
        let state = match (file.find()?, &aside) {
            (Found::Nothing, None) => "not-installed",
            (Found::CTool | Found::Other, aside) => {
                if let Some(aside) = aside {
                    let (hook, aside) = (file.path.display(), aside.display());
                    output.advise(
                        &format!("{hook} is not git-mind's, so {aside} was not put back"),
                        "compare the two, and keep the one that you need",
                    );
                }
                "not-installed"
            }
            (Found::Current | Found::Outdated | Found::Nothing, aside) => {
                file.uninstall()?;
                output.done("a hook was removed");
                if aside.is_some() { "restored" } else { "removed" }
            }
        };
        done.push((file, state));
    }
    print(&place, done, json, output)?;
    Ok(Exit::Success)
}

pub(super) fn status(
    args: &Args,
    json: bool,
    env: &dyn Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let place = Place::find(args, env)?;
    let mut found = Vec::new();
    for file in place.hooks() {
        let state = match file.find()? {
            Found::Nothing => "not-installed",
            Found::Current => "installed",
            Found::Outdated => "outdated",
            Found::CTool => "of-the-c-tool",
            Found::Other => "other",
        };
        found.push((file, state));
    }
    print(&place, found, json, output)?;
    Ok(Exit::Success)
}

/// One line for each hook, or a document.
fn print(
    place: &Place,
    hooks: Vec<(HookFile<'_>, &'static str)>,
    json: bool,
    output: &mut Output,
) -> io::Result<()> {
    if json {
        let hooks = hooks.into_iter().map(|(file, state)| HookDocument {
            hook: file.hook.name(),
            state,
            chained: file.is_chained(),
        });
        let directory = &*place.directory.to_string_lossy();
        return output.json(&HooksDocument { schema: 1, directory, hooks: hooks.collect() });
    }
    for (file, state) in hooks {
        let name = file.hook.name();
        let directory = place.directory.strip_prefix(&place.start).unwrap_or(&place.directory);
        let directory = Escaped::bytes(directory.as_os_str().as_bytes());
        write!(output, "{name}: {} in {directory}", text_of(state))?;
        match file.put_aside().as_deref().and_then(Path::file_name) {
            Some(aside) if file.is_chained() => {
                writeln!(output, ", after {}", Escaped::bytes(aside.as_bytes()))?;
            }
            Some(aside) => {
                writeln!(output, ", in place of {}", Escaped::bytes(aside.as_bytes()))?;
            }
            None => writeln!(output)?,
        }
    }
    Ok(())
}

/// The state in words.
fn text_of(state: &'static str) -> &'static str {
    match state {
        "already-installed" => "installed already",
        "not-installed" => "not installed",
        "outdated" => "of another version (`git mind hooks install` replaces it)",
        "of-the-c-tool" => "not installed (the C tool's hook is there)",
        "other" => "not installed (another hook is there)",
        "restored" => "removed, and the hook before it is back",
        state => state,
    }
}
