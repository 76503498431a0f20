//! Finding a git directory as git does (setup.c, `setup_git_directory_gently_1`).
//!
//! `gix-discover` is not used: it searches a ceiling itself, passes over a broken `.git` file and
//! takes a HEAD without a space after `ref:` for damaged, which git does not.

use super::cannot_open;
use gitmind_git::Error;
use gitmind_git::oid::Oid;
use gitmind_system::calls;
use gitmind_system::env::Environment;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Most bytes of a `.git` file; git's limit.
const LINK_BYTES_MAX: u64 = 1 << 20;
/// Bytes of HEAD that tell whether it is one; as in git.
const HEAD_BYTES: u64 = 255;

/// The git directory of `start` or of a directory above it, and the directory that holds its
/// `.git`, if it was found by that name. `start` is absolute and has no symbolic links.
pub(super) fn upwards(
    start: &Path,
    env: &dyn Environment,
) -> Result<(PathBuf, Option<PathBuf>), Error> {
    let not_found = || Error::NotARepository { path: start.to_owned() };
    let is_across = is_true(env, "GIT_DISCOVERY_ACROSS_FILESYSTEM", false)?;
    let device =
        |directory: &Path| calls::retried(|| directory.metadata()).map(|found| found.dev()).ok();
    let (ceiling, device_of_start) = (ceiling(start, env), device(start));
    for directory in start.ancestors() {
        // A ceiling is not searched, unless the search starts there.
        if ceiling.as_deref() == Some(directory)
            || !is_across && device(directory) != device_of_start
        {
            break;
        }
        let link = directory.join(".git");
        match calls::retried(|| link.metadata()) {
            Ok(found) if found.is_file() => {
                return Ok((linked(&link, env)?, Some(directory.to_owned())));
            }
            Ok(_) if is_git_directory(&link, env)? => {
                return Ok((link, Some(directory.to_owned())));
            }
            _ => {}
        }
        if is_git_directory(directory, env)? {
            return Ok((directory.to_owned(), None));
        }
    }
    Err(not_found())
}

/// The nearest directory above `start` that `GIT_CEILING_DIRECTORIES` lists. Symbolic links of the
/// entries before the first empty one are resolved.
fn ceiling(start: &Path, env: &dyn Environment) -> Option<PathBuf> {
    let list = env.var("GIT_CEILING_DIRECTORIES")?;
    let mut is_resolved = true;
    let ceilings = std::env::split_paths(&list).filter_map(|ceiling| {
        is_resolved &= !ceiling.as_os_str().is_empty();
        let resolved = if is_resolved { ceiling.canonicalize().ok() } else { None };
        ceiling.is_absolute().then(|| resolved.unwrap_or(ceiling))
    });
    let above = ceilings.filter(|ceiling| ceiling != start && start.starts_with(ceiling));
    above.max_by_key(|ceiling| ceiling.as_os_str().len())
}

/// The git directory at `path`, which may be a file with a `gitdir:` line.
pub(super) fn named(path: &Path, env: &dyn Environment) -> Result<PathBuf, Error> {
    match calls::retried(|| path.metadata()) {
        Ok(found) if found.is_file() => linked(path, env),
        _ if is_git_directory(path, env)? => Ok(path.to_owned()),
        _ => Err(Error::NotARepository { path: path.to_owned() }),
    }
}

/// The git directory that `link`, a file with a `gitdir:` line, points to, without symbolic links.
fn linked(link: &Path, env: &dyn Environment) -> Result<PathBuf, Error> {
    let text = read_regular(link, LINK_BYTES_MAX)?.unwrap_or_default();
    let reject = |reason: String| Err(Error::Open { path: link.to_owned(), reason });
    let Some(target) = text.strip_prefix(b"gitdir: ") else {
        return reject("it has no line with `gitdir: ` and a path".into());
    };
    let target = link.parent().unwrap_or(Path::new("")).join(path_of_line(target));
    if is_git_directory(&target, env)? {
        return target.canonicalize().map_err(cannot_open(&target));
    }
    reject(format!("it leads to {}, which is not a repository", target.display()))
}

/// The directory that holds what linked worktrees share (`commondir`).
pub(super) fn common_dir(git_dir: &Path, env: &dyn Environment) -> Result<PathBuf, Error> {
    if let Some(directory) = env.var("GIT_COMMON_DIR") {
        return Ok(directory.into());
    }
    let target = read_regular(&git_dir.join("commondir"), LINK_BYTES_MAX)?;
    Ok(target.map_or_else(|| git_dir.to_owned(), |target| git_dir.join(path_of_line(&target))))
}

/// The path in a file that git has written, without its line end.
fn path_of_line(line: &[u8]) -> PathBuf {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
    let path = &line[..end.map_or(0, |last| last + 1)];
    std::ffi::OsString::from_vec(path.to_vec()).into()
}

/// Whether `directory` has what git asks of a git directory: a HEAD, objects and refs.
fn is_git_directory(directory: &Path, env: &dyn Environment) -> Result<bool, Error> {
    if !is_head(&directory.join("HEAD"))? {
        return Ok(false);
    }
    let common_dir = common_dir(directory, env)?;
    let is_directory = |path: &Path| calls::retried(|| path.join(".").metadata()).is_ok();
    let objects = env.var("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
    Ok(is_directory(&objects.unwrap_or_else(|| common_dir.join("objects")))
        && is_directory(&common_dir.join("refs")))
}

/// Whether the file is a symbolic link or ref to a ref, or holds an object id.
fn is_head(path: &Path) -> Result<bool, Error> {
    if let Ok(target) = path.read_link() {
        return Ok(target.as_os_str().as_bytes().starts_with(b"refs/"));
    }
    let Some(head) = read_regular(path, HEAD_BYTES)? else { return Ok(false) };
    Ok(match head.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        None => head.get(..Oid::HEX_LEN).is_some_and(|id| Oid::from_hex(id).is_some()),
    })
}

/// The first bytes of a regular file; `None` when there is none or a directory. A pipe or a device
/// is an error, since reading it might never end.
fn read_regular(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, Error> {
    match calls::retried(|| path.metadata()) {
        Ok(found) if found.is_file() => {}
        Ok(found) if !found.is_dir() => {
            return Err(Error::Open {
                path: path.into(),
                reason: "it is not a regular file".into(),
            });
        }
        _ => return Ok(None),
    }
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(bytes_max).read_to_end(&mut bytes).map(drop));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => read.map(|()| Some(bytes)).map_err(cannot_open(path)),
    }
}

/// The boolean variable `name`, in git's words; `default` when it is not set.
pub(super) fn is_true(env: &dyn Environment, name: &str, default: bool) -> Result<bool, Error> {
    let Some(value) = env.var(name) else { return Ok(default) };
    let parsed = gix_config::Boolean::try_from(value.clone()).map(|value| value.0);
    parsed.map_err(|_| bogus(name, &format!("`{}` is not a boolean", value.display())))
}

/// The error about a variable with a value that git does not accept.
pub(super) fn bogus(name: &str, reason: &str) -> Error {
    Error::io("use", Path::new(name))(std::io::Error::other(reason))
}
