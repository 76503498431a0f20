//! Fetch, merge, push, until the remote takes the push.

use super::super::failure::Failure;
use super::super::journals::{self, Journal, tracking_ref};
use super::super::merge::merge;
use super::super::output::Output;
use super::super::telemetry::Session;
use super::git::{Git, Ran, pushed_refs};
use crate::branch::BranchName;
use crate::journal::{Append, Backoff, MergeForm, Outcome};
use crate::oid::Oid;
use std::time::Duration;

/// Most rounds of fetch, merge and push.
const ATTEMPTS_MAX: u32 = 20;
/// Most rounds in a row after which nothing has changed on the remote: what rejects a push then is
/// not another process.
const STUCK_MAX: u32 = 4;
/// Bounds of the waits between rounds, each of which runs git twice.
const FIRST_WAIT_MAX: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(1);

/// What became of a journal.
pub(super) struct Synced {
    pub(super) branch: BranchName,
    /// What merging did.
    pub(super) outcome: Outcome,
    pub(super) is_pushed: bool,
    pub(super) has_failed: bool,
    /// Its newest commit.
    pub(super) tip: Option<Oid>,
    /// The remote's newest commit when it last rejected ours, and for how many rounds.
    stuck_at: Option<Oid>,
    stuck_for: u32,
}

/// The work of one command.
pub(super) struct Exchange<'e, 'a, 's> {
    git: Git<'e>,
    append: Append<'a>,
    only: Option<&'e BranchName>,
    session: &'e Session<'s>,
    journals: Vec<Synced>,
    attempts: u32,
}

impl<'e, 'a, 's> Exchange<'e, 'a, 's> {
    pub(super) const fn new(
        git: Git<'e>,
        append: Append<'a>,
        only: Option<&'e BranchName>,
        session: &'e Session<'s>,
    ) -> Self {
        Self { git, append, only, session, journals: Vec::new(), attempts: 0 }
    }

    /// The journals of both sides, by name.
    pub(super) fn journals(&self) -> &[Synced] {
        &self.journals
    }

    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Brings the journals of both sides to the same commits. A journal for which that is
    /// impossible is reported, and the others are synchronized all the same.
    pub(super) fn run(&mut self, is_tracked: bool, output: &mut Output) -> Result<(), Failure> {
        if !is_tracked {
            self.repeated(|git| git.track())?.check(output)?;
        }
        let Append { clock, random, .. } = self.append;
        let mut backoff = Backoff::new(clock, random, FIRST_WAIT_MAX, WAIT_MAX);
        for attempt in 1..=ATTEMPTS_MAX {
            self.attempts = attempt;
            self.repeated(|git| git.fetch())?.check(output)?;
            self.list(output)?;
            let unpushed = self.merge_all(output)?;
            if unpushed.is_empty() {
                return Ok(());
            }
            let pushed = self.git.push(&unpushed)?;
            if self.note_push(&pushed, output) {
                return Ok(());
            }
            if !pushed.is_about_refs() {
                pushed.check(output)?;
            }
            backoff.wait()?;
        }
        let error = format!("others pushed during each of {ATTEMPTS_MAX} attempts");
        Err(Failure::new(error).hint("run it again when fewer people push at once"))
    }

    /// Runs git again while another process may be in its way.
    fn repeated(&self, run: impl Fn(&Git<'_>) -> Result<Ran, Failure>) -> Result<Ran, Failure> {
        let Append { clock, random, .. } = self.append;
        let mut backoff = Backoff::new(clock, random, FIRST_WAIT_MAX, WAIT_MAX);
        for _ in 1..STUCK_MAX {
            let ran = run(&self.git)?;
            if !ran.may_be_repeated() {
                return Ok(ran);
            }
            backoff.wait()?;
        }
        run(&self.git)
    }

    /// Adds the journals of both sides that are not listed yet.
    fn list(&mut self, output: &mut Output) -> Result<(), Failure> {
        let repository = self.append.repository;
        let prefix = BranchName::journal_prefix();
        let own = repository.refs(prefix, usize::MAX)?;
        let own = own.iter().filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned);
        let mut names: Vec<String> =
            own.chain(journals::fetched(repository, self.git.remote)?).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let branch = match BranchName::new(&name) {
                Ok(branch) => branch,
                Err(error) => {
                    if self.attempts == 1 {
                        output.warning(&format!("a journal of the remote is left out: {error}"));
                    }
                    continue;
                }
            };
            let is_wanted = self.only.is_none_or(|only| *only == branch);
            let Err(place) = self.journals.binary_search_by(|one| one.branch.cmp(&branch)) else {
                continue;
            };
            if is_wanted {
                let (outcome, tip) = (Outcome::UpToDate, None);
                let (is_pushed, has_failed) = (false, false);
                let (stuck_at, stuck_for) = (None, 0);
                let synced =
                    Synced { branch, outcome, is_pushed, has_failed, tip, stuck_at, stuck_for };
                self.journals.insert(place, synced);
            }
        }
        Ok(())
    }

    /// Merges what was fetched; returns the refs that the remote does not have yet.
    fn merge_all(&mut self, output: &mut Output) -> Result<Vec<String>, Failure> {
        let mut unpushed = Vec::new();
        let repository = self.append.repository;
        for one in self.journals.iter_mut().filter(|one| !one.has_failed) {
            let name = tracking_ref(self.git.remote, &one.branch);
            let theirs = repository.resolve(&name)?;
            let is_stuck = one.stuck_for > 0 && one.stuck_at == theirs;
            one.stuck_for = if is_stuck { one.stuck_for } else { 0 };
            one.stuck_at = theirs;
            let journal = theirs.map(|tip| Journal { name, tip });
            let merged = merge(
                &self.append,
                &one.branch,
                journal.as_slice(),
                MergeForm::Commit,
                self.session,
            );
            match merged {
                Ok(merged) => {
                    let news = merged.outcomes.iter().find(|news| **news != Outcome::UpToDate);
                    one.outcome = news.copied().unwrap_or(one.outcome);
                    one.tip = merged.after;
                    if one.tip.is_some() && one.tip != theirs {
                        unpushed.push(one.branch.journal_ref());
                    }
                }
                Err(failure) => {
                    failure.at(format_args!("journal of `{}`", one.branch)).report(output);
                    one.has_failed = true;
                }
            }
        }
        Ok(unpushed)
    }

    /// Notes what became of each ref of a push; returns whether none has to be pushed again.
    fn note_push(&mut self, pushed: &Ran, output: &mut Output) -> bool {
        let mut is_done = pushed.is_ok() || pushed.is_about_refs();
        for pushed in pushed_refs(pushed) {
            let is_it = |one: &&mut Synced| one.branch.journal_ref() == pushed.name;
            let Some(one) = self.journals.iter_mut().find(is_it) else { continue };
            let Some(why) = pushed.rejected else {
                one.is_pushed = true;
                continue;
            };
            one.stuck_for += 1;
            if one.stuck_for == STUCK_MAX || why.contains("hook declined") {
                let error = format!("the remote does not take the journal of `{}`", one.branch);
                output.error(&format!("{error}: {why}"), None);
                one.has_failed = true;
            } else {
                is_done = false;
            }
        }
        is_done
    }
}
