//! The remotes of a repository: which one a branch is synchronized with, where their journals are
//! fetched to, and what in their configuration overwrites or deletes journals.

use crate::config::boolean;
use gitmind_git::branch::BranchName;
use gix_config::File;
use std::fmt::Write as _;

/// A setting that overwrites or deletes journals without a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// The setting and what it does.
    pub problem: String,
    /// A command for a shell that corrects the setting.
    pub repair: String,
}

/// The remotes of a configuration.
#[derive(Clone, Copy, Debug)]
pub struct Remotes<'c>(pub(super) &'c File);

impl Remotes<'_> {
    /// The names, each once, in the order of the configuration.
    pub fn names(&self) -> Vec<String> {
        let sections = self.0.sections_by_name("remote").into_iter().flatten();
        let names = sections.filter_map(|section| {
            let name = section.header().subsection_name()?.to_string();
            let is_remote = section.value("url").is_some() || section.value("fetch").is_some();
            is_remote.then_some(name)
        });
        let mut once: Vec<String> = Vec::new();
        names.for_each(|name| {
            if !once.contains(&name) {
                once.push(name);
            }
        });
        once
    }

    /// The remote that `branch` is synchronized with: the one that is configured for it, else the
    /// only one, else `origin`.
    pub fn of_branch(&self, branch: &str) -> Option<String> {
        let names = self.names();
        let own = self.0.string(format!("branch.{branch}.remote").as_str());
        let own = own.map(|name| name.to_string()).filter(|name| names.contains(name));
        own.or_else(|| match names.as_slice() {
            [only] => Some(only.clone()),
            names => names.iter().find(|name| *name == "origin").cloned(),
        })
    }

    /// The refspec that fetches the journals of `remote` beside those of this repository.
    pub fn tracking_refspec(remote: &str) -> String {
        let journals = BranchName::journal_prefix();
        format!("+{journals}*:{}*", tracking_prefix(remote))
    }

    /// Whether a fetch from `remote` brings all of its journals beside those of this repository.
    pub fn is_tracked(&self, remote: &str) -> bool {
        let wanted = Self::tracking_refspec(remote);
        self.values(remote, "fetch").contains(&wanted)
    }

    /// The settings that overwrite or delete journals, here by a fetch or on a remote by a push.
    pub fn dangers(&self) -> Vec<Danger> {
        self.names().iter().flat_map(|name| self.dangers_of(name)).collect()
    }

    fn dangers_of(&self, remote: &str) -> Vec<Danger> {
        let mut dangers = Vec::new();
        let is_pruning = self.is_set(&format!("remote.{remote}.prune"));
        let is_pruning = is_pruning.or_else(|| self.is_set("fetch.prune")).unwrap_or(false);
        let refspecs = self.values(remote, "fetch");
        let key = |name| quoted(&format!("remote.{remote}.{name}"));
        for refspec in &refspecs {
            let Some(parsed) = Refspec::parse(refspec) else { continue };
            let does = match (parsed.is_forced, is_pruning) {
                (false, false) => continue,
                (true, false) => "overwrites journals of this repository",
                (false, true) => "deletes journals that the remote does not have",
                (true, true) => "overwrites journals of this repository, and deletes others",
            };
            let Some(source) = parsed.journals() else { continue };
            let is_left_out = |other: &String| {
                let other = other.strip_prefix('^').and_then(|other| other.strip_suffix('*'));
                other.is_some_and(|start| source.starts_with(start))
            };
            if refspecs.iter().any(is_left_out) {
                continue;
            }
            let repair = if !parsed.source.starts_with("refs/gitmind/") {
                let without = format!("^{}*", BranchName::journal_prefix());
                format!("git config --add {} {}", key("fetch"), quoted(&without))
            } else if self.is_tracked(remote) {
                let (key, old) = (key("fetch"), quoted(refspec));
                format!("git config --fixed-value --unset-all {key} {old}")
            } else {
                let (old, new) = (quoted(refspec), quoted(&Self::tracking_refspec(remote)));
                format!("git config --fixed-value --replace-all {} {new} {old}", key("fetch"))
            };
            let problem = format!("a fetch by remote.{remote}.fetch `{refspec}` {does}");
            dangers.push(Danger { problem, repair });
        }
        for refspec in self.values(remote, "push") {
            let parsed = Refspec::parse(&refspec).filter(|parsed| parsed.is_forced);
            if parsed.is_some_and(|parsed| parsed.journals().is_some()) {
                let (old, new) = (quoted(&refspec), quoted(refspec.trim_start_matches('+')));
                let repair =
                    format!("git config --fixed-value --replace-all {} {new} {old}", key("push"));
                let does = "overwrites journals of the remote";
                let problem = format!("a push by remote.{remote}.push `{refspec}` {does}");
                dangers.push(Danger { problem, repair });
            }
        }
        if self.is_set(&format!("remote.{remote}.mirror")) == Some(true) {
            let does = "overwrites and deletes journals of the remote";
            let problem = format!("a push by remote.{remote}.mirror {does}");
            dangers.push(Danger { problem, repair: format!("git config {} false", key("mirror")) });
        }
        dangers
    }

    /// The values of a key of a remote, of all files.
    fn values(&self, remote: &str, key: &str) -> Vec<String> {
        let values = self.0.strings(format!("remote.{remote}.{key}").as_str());
        values.into_iter().flatten().map(|value| value.to_string()).collect()
    }

    /// The value of a boolean; `None` for other values, on which git fails.
    fn is_set(&self, key: &str) -> Option<bool> {
        boolean(self.0, key).ok().flatten()
    }
}

/// The prefix of the refs that the journals of `remote` are fetched to.
fn tracking_prefix(remote: &str) -> String {
    format!("refs/gitmind/remotes/{remote}/edges/")
}

/// A refspec that updates refs.
struct Refspec<'t> {
    is_forced: bool,
    source: &'t str,
    destination: &'t str,
}

impl<'t> Refspec<'t> {
    fn parse(text: &'t str) -> Option<Self> {
        let plain = text.strip_prefix('+');
        let is_forced = plain.is_some();
        let plain = plain.unwrap_or(text);
        if plain.starts_with('^') {
            return None;
        }
        let (source, destination) = plain.split_once(':').unwrap_or((plain, plain));
        Some(Self { is_forced, source, destination })
    }

    /// The start of the names of refs that it stores as journals; `None` when it stores none.
    fn journals(&self) -> Option<String> {
        let journals = BranchName::journal_prefix();
        let (source, _) = self.source.split_once('*').unwrap_or((self.source, ""));
        match self.destination.split_once('*') {
            Some((start, _)) => match journals.strip_prefix(start) {
                Some(rest) => Some(format!("{source}{rest}")),
                None => start.starts_with(journals).then(|| source.to_owned()),
            },
            None => self.destination.starts_with(journals).then(|| source.to_owned()),
        }
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    let mut quoted = String::new();
    let _ = write!(quoted, "'{}'", word.replace('\'', r"'\''"));
    quoted
}

#[cfg(test)]
mod tests;
