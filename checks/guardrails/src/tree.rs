//! Where the files are: the working tree, or git's index.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Directories that hold what is built, fetched or made, and no source.
const SKIPPED: [&str; 3] = [".git", "target", "result"];

/// The text files of the repository, by path from its top.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Every file that is text, and its text.
    files: BTreeMap<String, String>,
    /// In the index: the files that a commit would change.
    staged: Option<Vec<String>>,
}

impl Tree {
    /// A tree of these files, all of them to be checked.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(owned).collect(), staged: None }
    }

    /// The files on disk, git's own and built ones left out.
    pub(crate) fn working() -> Self {
        let top = Path::new(".");
        let mut files = BTreeMap::new();
        let mut directories = vec![PathBuf::new()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(top.join(&directory)).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let path = directory.join(&name);
                let is_skipped = SKIPPED.iter().any(|skipped| name == *skipped);
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && !is_skipped => directories.push(path),
                    Ok(kind) if kind.is_file() => {
                        let text = fs::read_to_string(entry.path());
                        if let (Ok(text), Some(path)) = (text, path.to_str()) {
                            files.insert(path.to_owned(), text);
                        }
                    }
                    _ => {}
                }
            }
        }
        Self { files, staged: None }
    }

    /// The files of git's index; to be checked are those that differ from HEAD.
    pub(crate) fn staged() -> io::Result<Self> {
        let names = |arguments: &[&str]| -> io::Result<Vec<String>> {
            let output = git(arguments)?;
            Ok(output.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
        };
        let tracked = names(&["ls-files", "-z", "--full-name", "--", ":/"])?;
        let changed = names(&[
            "diff",
            "--cached",
            "--name-only",
            "--diff-filter=ACMRT",
            "--no-renames",
            "-z",
        ])?;
        Ok(Self { files: blobs(tracked)?, staged: Some(changed) })
    }

    /// Every path, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The files that rules look at one by one.
    pub(crate) fn checked(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(|(path, _)| {
            self.staged.as_ref().is_none_or(|changed| changed.iter().any(|name| name == path))
        })
    }

    /// The text of a file, if it is there.
    pub(crate) fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

/// Whether the file is a source of the program or of a library of its own.
pub(crate) fn is_library(path: &str) -> bool {
    path.starts_with("src/") || path.starts_with("crates/") && path.contains("/src/")
}

/// What git prints; a failure carries git's own words.
fn git(arguments: &[&str]) -> io::Result<String> {
    let output = Command::new("git").args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("git {}: {}", arguments.join(" "), reason.trim())))
}

/// The staged text of these files, by one git process; what is not text is left out.
fn blobs(paths: Vec<String>) -> io::Result<BTreeMap<String, String>> {
    let mut cat = Command::new("git")
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (input, output) = (cat.stdin.take(), cat.stdout.take());
    let (mut input, output) = input.zip(output).ok_or_else(|| io::Error::other("no pipe"))?;
    let asked = paths.clone();
    let writer =
        std::thread::spawn(move || asked.iter().try_for_each(|path| writeln!(input, ":{path}")));
    let mut output = BufReader::new(output);
    let mut files = BTreeMap::new();
    for path in paths {
        let mut header = String::new();
        output.read_line(&mut header)?;
        let Some(size) = header.trim_end().rsplit(' ').next().and_then(|size| size.parse().ok())
        else {
            continue;
        };
        let mut bytes = Vec::new();
        output.by_ref().take(size).read_to_end(&mut bytes)?;
        output.read_line(&mut String::new())?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.insert(path, text);
        }
    }
    writer.join().map_err(|_| io::Error::other("git cat-file was not asked"))??;
    cat.wait()?;
    Ok(files)
}
