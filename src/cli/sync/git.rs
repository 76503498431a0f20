//! The user's own git, which has the network, the credentials and the hooks.
//!
//! It runs in the directory of the command with the same variables, so that it finds the same
//! repository.

use super::super::failure::Failure;
use super::super::output::Output;
use crate::gitoxide::Remotes;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// git, to be run for one remote.
pub(super) struct Git<'r> {
    pub(super) directory: PathBuf,
    pub(super) remote: &'r str,
}

/// What a run of git has said.
pub(super) struct Ran {
    is_ok: bool,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    what: String,
}

impl Ran {
    pub(super) const fn is_ok(&self) -> bool {
        self.is_ok
    }

    /// Whether a push has said what became of its refs, and that of one it was rejected.
    pub(super) fn is_about_refs(&self) -> bool {
        self.code == Some(1) && pushed_refs(self).iter().any(|one| one.rejected.is_some())
    }

    /// Whether another process may have been the reason, such as one that held a lock: git says so
    /// with this code and no other.
    pub(super) fn may_be_repeated(&self) -> bool {
        !self.is_ok && self.code != Some(128)
    }

    /// Fails unless git succeeded, after what git has said on stderr.
    pub(super) fn check(self, output: &mut Output) -> Result<Vec<u8>, Failure> {
        if self.is_ok {
            return Ok(self.stdout);
        }
        output.pass_on(&self.stderr);
        let code = self.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        let error = format!("`git {}` ended with {code}", self.what);
        Err(Failure::new(error)
            .hint("git has printed the reason; no journal was lost, so run it again"))
    }
}

/// What became of a ref that was pushed.
pub(super) struct PushedRef {
    /// The ref of the remote.
    pub(super) name: String,
    /// Why it was rejected, if it was.
    pub(super) rejected: Option<String>,
}

impl Git<'_> {
    /// Has each later fetch bring the journals of the remote beside those of this repository.
    pub(super) fn track(&self) -> Result<Ran, Failure> {
        let key = format!("remote.{}.fetch", self.remote);
        let refspec = Remotes::tracking_refspec(self.remote);
        // Adds the value unless it is there, also when several do it at once.
        self.run("config", &["--fixed-value", "--replace-all", &key, &refspec, &refspec])
    }

    /// Fetches the journals of the remote.
    pub(super) fn fetch(&self) -> Result<Ran, Failure> {
        let refspec = Remotes::tracking_refspec(self.remote);
        let quiet = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
        // Without `--refmap=` a configured refspec could overwrite journals.
        let args = [&quiet[..], &["--refmap=", "--", self.remote, &refspec]].concat();
        self.run("fetch", &args)
    }

    /// Pushes journals, none by force.
    pub(super) fn push(&self, refs: &[String]) -> Result<Ran, Failure> {
        let refspecs: Vec<String> = refs.iter().map(|name| format!("{name}:{name}")).collect();
        let mut args = vec!["--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--"];
        args.push(self.remote);
        args.extend(refspecs.iter().map(String::as_str));
        self.run("push", &args)
    }

    fn run(&self, command: &str, args: &[&str]) -> Result<Ran, Failure> {
        let mut git = Command::new("git");
        if !self.directory.as_os_str().is_empty() {
            git.current_dir(&self.directory);
        }
        // A mirror takes no refspecs.
        git.arg("-c").arg(format!("remote.{}.mirror=false", self.remote));
        let ran = git.arg(command).args(args).stdin(Stdio::inherit()).output();
        let ran = ran.map_err(|error| {
            Failure::new(format!("cannot run git: {error}")).hint("install git, or add it to PATH")
        })?;
        let what = format!("{command} {}", self.remote);
        let (is_ok, code) = (ran.status.success(), ran.status.code());
        Ok(Ran { is_ok, code, stdout: ran.stdout, stderr: ran.stderr, what })
    }
}

/// The refs of a push and what became of them, from the output of `git push --porcelain`.
pub(super) fn pushed_refs(ran: &Ran) -> Vec<PushedRef> {
    let text = String::from_utf8_lossy(&ran.stdout);
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        let (_, name) = refs.split_once(':')?;
        let rejected = (flag == "!").then(|| summary.to_owned());
        Some(PushedRef { name: name.to_owned(), rejected })
    };
    text.lines().filter_map(line).collect()
}
