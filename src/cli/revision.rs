//! Revisions that a user types: commits as git names them, and the journal as of a commit or a
//! date.
//!
//! Names are looked up as by `git rev-parse` (`git help revisions`): an object id, a ref, the
//! output of `git describe`, an abbreviated id; then `~N`, `^N` and `^{KIND}`. Forms that need the
//! reflog, the index or a search of messages are refused.

#[cfg(test)]
mod tests;

use super::failure::Failure;
use super::journals::REMOTES;
use super::telemetry::clock;
use super::time::{Edge, parse_ms};
use crate::branch::{BranchName, is_ref_name};
use crate::clock::{Clock, Timestamp, Zone};
use crate::env::Environment;
use crate::git::{Commit, Error, ObjectKind, Repository};
use crate::gitoxide::GitRepository;
use crate::journal::walk_newest;
use crate::memory::{Alloc, Vec};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// What a short name may stand for, in the order of priority (`git help rev-parse`).
const RULES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];
/// Most objects that an abbreviation is compared with.
const CANDIDATES_MAX: usize = 64;
/// Most objects that the error for an ambiguous abbreviation lists.
const LISTED_MAX: usize = 4;
/// Longest chain of tags of tags; git makes none of more than one.
const TAGS_MAX: u32 = 64;
/// The refs whose commits are journals: those of this repository, and what was fetched.
const JOURNALS: [&str; 2] = [BranchName::journal_prefix(), REMOTES];

/// An object that a revision names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: Oid,
    /// The full name of the ref that the revision starts from.
    from_ref: Option<String>,
}

/// Finds what revisions name in a repository.
#[derive(Clone, Copy)]
pub(super) struct Revisions<'a> {
    pub(super) repository: &'a GitRepository,
    pub(super) alloc: Alloc<'a>,
}

/// The newest commit of a journal as of `text`, or `tip` without one.
pub(super) fn tip_at(
    repository: &GitRepository,
    alloc: Alloc<'_>,
    tip: Oid,
    text: Option<&str>,
    env: &dyn Environment,
) -> Result<Oid, Failure> {
    let Some(text) = text else { return Ok(tip) };
    let (zone, now) = (Zone::from_environment(env), clock(env).now());
    let found = Revisions { repository, alloc }.journal_at(tip, text, (&zone, now))?;
    found.ok_or_else(|| {
        Failure::new(format!("the journal had no commit yet at `{text}`"))
            .hint("`git mind list --limit 1 --json` shows the newest; name a later time")
    })
}

impl Revisions<'_> {
    /// The object that `text` names; `None` when it names nothing.
    pub(super) fn object(self, text: &str) -> Result<Option<Named>, Failure> {
        let is_other = text.contains("@{") || text.starts_with([':', '-', '^']);
        let suffixes = text.find(['~', '^']).unwrap_or(text.len());
        let (name, mut suffixes) = text.split_at(suffixes);
        if is_other || name.is_empty() || text.contains("..") {
            return Err(not_understood(text));
        }
        let Some(mut named) = self.base(name, !suffixes.is_empty())? else { return Ok(None) };
        while let Some(kind) = suffixes.chars().next() {
            suffixes = &suffixes[1..];
            let found = if let Some(peel) = suffixes.strip_prefix('{').filter(|_| kind == '^') {
                let (wanted, rest) = peel.split_once('}').ok_or_else(|| not_understood(text))?;
                suffixes = rest;
                Some(self.peel_to(named.id, wanted, text)?)
            } else {
                let digits = suffixes.find(|digit: char| !digit.is_ascii_digit());
                let (number, rest) = suffixes.split_at(digits.unwrap_or(suffixes.len()));
                suffixes = rest;
                let number = if number.is_empty() { Ok(1) } else { number.parse::<usize>() };
                let number = number.map_err(|_| not_understood(text))?;
                let commit = self.peel(named.id)?;
                if kind == '~' {
                    self.ancestor(commit, number)?
                } else {
                    self.parent(commit, number)?
                }
            };
            let Some(id) = found else { return Ok(None) };
            named.id = id;
        }
        Ok(Some(named))
    }

    /// The commit that `text` names, through tags; `None` when it names nothing.
    pub(super) fn commit(self, text: &str) -> Result<Option<Named>, Failure> {
        let Some(named) = self.object(text)? else { return Ok(None) };
        Ok(Some(Named { id: self.peel(named.id)?, ..named }))
    }

    /// The newest commit of the journal that ends at `tip` as of `text`; `None` when
    /// the journal had no commit yet. `text` is a commit of a journal, a commit of the code or a
    /// date in `zone`.
    pub(super) fn journal_at(
        self,
        tip: Oid,
        text: &str,
        (zone, now): (&Zone, Timestamp),
    ) -> Result<Option<Oid>, Failure> {
        let Some(named) = self.commit(text)? else {
            return match parse_date(text, zone, now) {
                Some(time_ms) => self.as_of(tip, time_ms.div_euclid(1000)),
                None => Err(unknown(text)),
            };
        };
        let is_journal = |name: &String| JOURNALS.iter().any(|prefix| name.starts_with(prefix));
        if named.from_ref.as_ref().is_some_and(is_journal) || self.is_in_journal(tip, named.id)? {
            return Ok(Some(named.id));
        }
        let mut buffer = Vec::new(self.alloc);
        self.repository.read(named.id, ObjectKind::Commit, &mut buffer)?;
        self.as_of(tip, Commit::parse_stored(named.id, &buffer)?.committed_seconds())
    }

    /// The object that `name` names, which has no suffix. Of several that an abbreviation means,
    /// it is the only commit if `is_commit_wanted`.
    fn base(self, name: &str, is_commit_wanted: bool) -> Result<Option<Named>, Failure> {
        if let Some(id) = Oid::from_hex(name.as_bytes()) {
            return Ok(Some(Named { id, from_ref: None }));
        }
        let name = if name == "@" { "HEAD" } else { name };
        if is_ref_name(&format!("refs/{name}")) {
            for (before, after) in RULES {
                let full = format!("{before}{name}{after}");
                let is_special =
                    |name: &str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                if !full.starts_with("refs/") && !is_special(&full) {
                    continue;
                }
                if let Some(id) = self.repository.resolve(&full)? {
                    return Ok(Some(Named { id, from_ref: Some(full) }));
                }
            }
        }
        // The output of `git describe` ends with the abbreviated id of a commit.
        let described = name.rsplit_once("-g");
        let (digits, is_commit_wanted) =
            described.map_or((name, is_commit_wanted), |(_, digits)| (digits, true));
        let id = self.abbreviated(digits, is_commit_wanted)?;
        Ok(id.map(|id| Named { id, from_ref: None }))
    }

    /// The only object whose id starts with `digits`, or the only commit among several.
    pub(super) fn abbreviated(
        self,
        digits: &str,
        is_commit_wanted: bool,
    ) -> Result<Option<Oid>, Failure> {
        let ids = self.repository.ids_with_prefix(digits, CANDIDATES_MAX);
        if let [] | [_] = ids[..] {
            return Ok(ids.first().copied());
        }
        let is_commit = |id: &Oid| is_commit_wanted && self.peel(*id).is_ok();
        let mut commits = ids.iter().copied().filter(is_commit);
        match (commits.next(), commits.next()) {
            (Some(commit), None) if ids.len() < CANDIDATES_MAX => Ok(Some(commit)),
            _ => Err(ambiguous(digits, &ids)),
        }
    }

    /// The commit that the object is, or that the tag points to.
    fn peel(self, id: Oid) -> Result<Oid, Failure> {
        let id = self.untagged(id)?;
        self.repository.read(id, ObjectKind::Commit, &mut Vec::new(self.alloc))?;
        Ok(id)
    }

    /// The object itself, or what the tag points to, which is no tag.
    fn untagged(self, mut id: Oid) -> Result<Oid, Failure> {
        let mut buffer = Vec::new(self.alloc);
        for _ in 0..TAGS_MAX {
            match self.repository.read(id, ObjectKind::Tag, &mut buffer) {
                Err(Error::Kind { .. }) => break,
                read => read?,
            }
            let hex = buffer.strip_prefix(b"object ").and_then(|rest| rest.get(..Oid::HEX_LEN));
            let reason = || "it does not start with its object".into();
            let target = hex.and_then(Oid::from_hex);
            id = target.ok_or_else(|| Error::Corrupt { id, reason: reason() })?;
        }
        Ok(id)
    }

    /// What `^{wanted}` of the object means.
    fn peel_to(self, id: Oid, wanted: &str, text: &str) -> Result<Oid, Failure> {
        match wanted {
            "object" => Ok(id),
            "" => self.untagged(id),
            "commit" => self.peel(id),
            "tree" => {
                let (id, mut buffer) = (self.untagged(id)?, Vec::new(self.alloc));
                match self.repository.read(id, ObjectKind::Commit, &mut buffer) {
                    Err(Error::Kind { actual: ObjectKind::Tree, .. }) => Ok(id),
                    read => Ok(read.and_then(|()| Commit::parse_stored(id, &buffer))?.tree),
                }
            }
            _ => Err(not_understood(text)),
        }
    }

    /// The first parent of the first parent, `number` times.
    fn ancestor(self, commit: Oid, number: usize) -> Result<Option<Oid>, Failure> {
        let (mut left, mut found) = (number, None);
        self.repository.follow(self.alloc, commit, &mut |commit| {
            if left == 0 {
                found = Some(commit.id);
                return ControlFlow::Break(());
            }
            left -= 1;
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The parent with this number, from 1; 0 is the commit itself.
    fn parent(self, commit: Oid, number: usize) -> Result<Option<Oid>, Failure> {
        let Some(index) = number.checked_sub(1) else { return Ok(Some(commit)) };
        let mut buffer = Vec::new(self.alloc);
        self.repository.read(commit, ObjectKind::Commit, &mut buffer)?;
        Ok(Commit::parse_stored(commit, &buffer)?.parents().nth(index))
    }

    /// Whether the journal at `tip` has the commit.
    fn is_in_journal(self, tip: Oid, commit: Oid) -> Result<bool, Failure> {
        let mut is_found = false;
        walk_newest(self.repository, self.alloc, tip, |visited| {
            is_found |= visited.id == commit;
            let flow = if is_found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            Ok::<_, Failure>(flow)
        })?;
        Ok(is_found)
    }

    /// The newest commit, from first parent to first parent, that was committed at `seconds` since
    /// 1970 or before.
    fn as_of(self, tip: Oid, seconds: i64) -> Result<Option<Oid>, Failure> {
        let mut found = None;
        self.repository.follow(self.alloc, tip, &mut |commit| {
            if commit.committed_seconds() <= seconds {
                found = Some(commit.id);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }
}

/// The milliseconds since 1970 of a date, as the filters of `list` read it; a day is its first
/// moment.
fn parse_date(text: &str, zone: &Zone, now: Timestamp) -> Option<i64> {
    // Such text is rather the id of an object that does not exist.
    let is_id = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { None } else { parse_ms(text, Edge::First, zone, now).ok() }
}

fn not_understood(text: &str) -> Failure {
    Failure::new(format!("`{text}` is a form of revision that is not supported"))
        .unknown()
        .hint(format!("give the id that `git rev-parse '{text}'` prints"))
}

/// The failure when `text` names neither a commit nor a date.
fn unknown(text: &str) -> Failure {
    Failure::new(format!("`{text}` names no commit, and is no date")).hint(
        "name a commit of the journal or of the code, such as HEAD~3, or a date, such as \
         2026-11-01 or 2026-11-01T12:00",
    )
}

fn ambiguous(digits: &str, ids: &[Oid]) -> Failure {
    let listed: std::vec::Vec<_> = ids.iter().take(LISTED_MAX).map(Oid::to_string).collect();
    let more = if ids.len() > LISTED_MAX { " and others" } else { "" };
    Failure::new(format!("`{digits}` is short for {}{more}", listed.join(", ")))
        .hint("give more digits")
}
