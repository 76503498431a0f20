//! What the configuration includes (config.c, `git_config_include`).
//!
//! The resolver of `gix-config` is not used: it knows the names `include` and `includeIf` in one
//! spelling, links of a home and of the current directory not at all, and would read whatever a
//! repository of another user includes.

use super::load;
use crate::Location;
use gitmind_system::env::Environment;
use gix_config::file::{Metadata, SectionRef, init};
use gix_config::{File, Source};
use gix_glob::wildmatch::Mode;
use gix_object::bstr::{BStr, BString, ByteSlice};
use gix_ref::FullName;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Deepest nesting of included files; git's limit.
const DEPTH_MAX: u8 = 10;
/// Most inclusions, counted once per `include`: a few files that include each other several times
/// would expand to millions.
const INCLUDES_MAX: u32 = 1000;

/// A reader of files with what they include.
pub(super) struct Includes<'i> {
    location: &'i Location,
    branch: &'i dyn Fn() -> Option<FullName>,
    home: Option<PathBuf>,
    /// The addresses of remotes, once a condition has asked for them.
    remotes: Option<Vec<BString>>,
    is_asked_for_remotes: bool,
    left: u32,
}

impl<'i> Includes<'i> {
    pub(super) fn new(
        location: &'i Location,
        branch: &'i dyn Fn() -> Option<FullName>,
        env: &dyn Environment,
    ) -> Self {
        let home = env.var("HOME").map(PathBuf::from);
        let (remotes, is_asked_for_remotes, left) = (None, false, INCLUDES_MAX);
        Self { location, branch, home, remotes, is_asked_for_remotes, left }
    }

    /// The files, with their paths, and all that they include, in rising precedence.
    pub(super) fn read(mut self, files: Vec<(File, Option<PathBuf>)>) -> Result<File, String> {
        let mut whole = self.join(files.clone())?;
        if self.is_asked_for_remotes {
            let remotes = whole.sections_by_name("remote").into_iter().flatten();
            self.remotes = Some(remotes.flat_map(|remote| remote.values("url")).collect());
            self.left = INCLUDES_MAX;
            whole = self.join(files)?;
        }
        Ok(whole)
    }

    fn join(&mut self, files: Vec<(File, Option<PathBuf>)>) -> Result<File, String> {
        let mut whole = File::default();
        for (file, path) in files {
            append(&mut whole, self.resolve(file, path.as_deref(), 0)?)?;
        }
        Ok(whole)
    }

    /// The file at `path`, with what it includes after the section that includes it.
    fn resolve(&mut self, file: File, path: Option<&Path>, depth: u8) -> Result<File, String> {
        if !file.sections().any(|section| is_include(&section)) {
            return Ok(file);
        }
        let mut whole = File::default();
        for section in file.sections() {
            let mut text = section.to_bstring().into();
            let metadata = Metadata::from(Source::Local);
            let own = File::from_bytes_owned(&mut text, metadata, init::Options::default());
            append(&mut whole, own.map_err(|error| super::reason(&error))?)?;
            if is_include(&section) && self.is_met(&section, path) {
                for target in section.values("path") {
                    append(&mut whole, self.include(target.as_ref(), path, depth + 1)?)?;
                }
            }
        }
        Ok(whole)
    }

    /// Reads the file `target`, which the one at `path` includes; empty when it is missing.
    fn include(&mut self, target: &BStr, path: Option<&Path>, depth: u8) -> Result<File, String> {
        let target = match (self.below_home(target, self.home.as_deref()), path) {
            (Some(target), _) => target,
            (None, _) if target.starts_with(b"~") => return Ok(File::default()),
            (None, path) => {
                let target = Path::new(OsStr::from_bytes(target));
                match path.and_then(Path::parent) {
                    Some(directory) => directory.join(target),
                    None if target.is_absolute() => target.to_owned(),
                    None => {
                        let target = target.display();
                        return Err(format!("{target}: a variable includes no relative path"));
                    }
                }
            }
        };
        let reject = |reason| Err(format!("{}: {reason}", target.display()));
        if depth > DEPTH_MAX {
            return reject(format!("it is included more than {DEPTH_MAX} files deep"));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return reject(format!("more than {INCLUDES_MAX} files are included"));
        };
        self.left = left;
        if target == Path::new("/dev/null") {
            return Ok(File::default());
        }
        let file = load(&target, Source::Local, false)?;
        self.resolve(file, Some(&target), depth)
    }

    /// The path that starts with `~` or `~/`.
    fn below_home(&self, path: &[u8], home: Option<&Path>) -> Option<PathBuf> {
        let below = path.strip_prefix(b"~").filter(|below| below.is_empty() || below[0] == b'/')?;
        home.map(|home| [home.as_os_str().as_bytes(), below].concat())
            .map(|path| OsStr::from_bytes(&path).into())
    }

    /// Whether the condition of the section in the file at `path` holds, if it has one.
    fn is_met(&mut self, section: &SectionRef<'_>, path: Option<&Path>) -> bool {
        let Some(condition) = section.header().subsection_name() else { return true };
        let Some((kind, pattern)) = condition.split_once_str(":") else { return false };
        match kind {
            b"gitdir" => self.is_git_dir(pattern, path, Mode::empty()),
            b"gitdir/i" => self.is_git_dir(pattern, path, Mode::IGNORE_CASE),
            b"onbranch" => (self.branch)().is_some_and(|branch| {
                let name = branch.as_bstr().strip_prefix(b"refs/heads/");
                name.is_some_and(|name| is_match(&below_all(pattern.into()), name, Mode::empty()))
            }),
            b"hasconfig" => {
                let Some(pattern) = pattern.strip_prefix(b"remote.*.url:") else { return false };
                self.is_asked_for_remotes = true;
                let remotes = self.remotes.iter().flatten();
                remotes.into_iter().any(|remote| is_match(pattern, remote, Mode::empty()))
            }
            _ => false,
        }
    }

    /// Whether the git directory, without links or as it was found, matches (config.c,
    /// `include_by_gitdir`).
    fn is_git_dir(&self, pattern: &[u8], path: Option<&Path>, mode: Mode) -> bool {
        let home = self.home.as_deref().and_then(|home| home.canonicalize().ok());
        let below_home = self.below_home(pattern, home.as_deref());
        let mut pattern =
            below_home.map_or(pattern.to_owned(), |path| path.into_os_string().into_vec());
        // The directory of the file is no pattern.
        let mut literal_bytes = 0;
        if let Some(below) = pattern.strip_prefix(b"./") {
            let path = path.and_then(|path| path.canonicalize().ok());
            let Some(directory) = path.as_deref().and_then(Path::parent) else { return false };
            let directory = directory.as_os_str().as_bytes();
            literal_bytes = directory.len() + 1;
            pattern = [directory, b"/", below].concat();
        } else if !pattern.starts_with(b"/") {
            pattern.splice(..0, *b"**/");
        }
        let pattern = below_all(pattern);
        let (literal, pattern) = pattern.split_at(literal_bytes);
        [&self.location.git_dir, &self.location.named_git_dir].into_iter().any(|directory| {
            let directory = directory.as_os_str().as_bytes();
            directory.split_at_checked(literal_bytes).is_some_and(|(start, rest)| {
                let is_same = match mode.contains(Mode::IGNORE_CASE) {
                    true => start.eq_ignore_ascii_case(literal),
                    false => start == literal,
                };
                is_same && is_match(pattern, rest, mode)
            })
        })
    }
}

/// Whether the section names files to include; as all names of sections, these have no case.
fn is_include(section: &SectionRef<'_>) -> bool {
    let header = section.header();
    let name = if header.subsection_name().is_none() { "include" } else { "includeIf" };
    header.name().eq_ignore_ascii_case(name.as_bytes())
}

/// A pattern with a slash at the end is one of all that is below.
fn below_all(mut pattern: Vec<u8>) -> Vec<u8> {
    if pattern.ends_with(b"/") {
        pattern.extend(b"**");
    }
    pattern
}

fn is_match(pattern: &[u8], text: &[u8], mode: Mode) -> bool {
    let mode = mode | Mode::NO_MATCH_SLASH_LITERAL;
    gix_glob::wildmatch(BStr::new(pattern), BStr::new(text), mode)
}

fn append(whole: &mut File, more: File) -> Result<(), String> {
    whole.append(more).map(drop).map_err(|error| super::reason(&error))
}
