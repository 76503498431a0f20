//! What an installed hook runs: edges from old contents to new ones, in one append.

use super::changes::{Changes, Compared, Content, Trees, node, tree_of};
use super::{Hook, recorded, renames, rewrite};
use crate::branch::BranchName;
use crate::cli::append::{append, author_of};
use crate::cli::args::Args;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::repository;
use crate::cli::telemetry::{Session, clock};
use crate::clock::{Clock, SystemClock};
use crate::context::{Context, operation};
use crate::env::Environment;
use crate::git::{Commit, Head, ObjectKind, Repository};
use crate::gitoxide::{GitRepository, Location};
use crate::journal::{Append, Batch, BatchError, Confidence, Edge, Relation, Ulid, Writer};
use crate::memory::Vec;
use crate::oid::Oid;
use crate::progress::Silent;
use crate::random::{Random, SystemRandom};
use std::io;
use std::os::unix::ffi::OsStrExt;

/// The setting with the most files of one commit.
const FILES_MAX: &str = "gitmind.hookFilesMax";
const FILES_MAX_DEFAULT: i64 = 1000;
/// The kind of writer: a program did it, whoever made the commit.
const SOURCE: &[u8] = b"system";

pub(super) fn run(
    args: &Args,
    hook: Hook,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let repository = repository::open_to_write(args, env, output)?;
    let scope = session.memory.begin(operation::JOURNAL_APPEND)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = journal_branch(&context, repository.location())?;
    let files_max = repository.number(FILES_MAX)?.unwrap_or(FILES_MAX_DEFAULT);
    let files_max = usize::try_from(files_max).unwrap_or(0);
    // Without a journal nothing is linked.
    let tip = repository.resolve(&branch.journal_ref())?;
    let Some(tip) = tip.filter(|_| files_max > 0) else { return Ok(Exit::Success) };
    session.about(branch.as_str(), "append", repository.location().git_dir.clone());

    let mut changes = Changes::new(alloc, files_max);
    let mut check = |commit: Oid, compared: Compared| {
        if compared == Compared::TooMany {
            output.advise(
                &format!(
                    "commit {commit} changes more than {files_max} files, so no edges were \
                     appended for it"
                ),
                &format!("`git config {FILES_MAX} NUMBER` raises the limit"),
            );
        }
    };
    match hook {
        Hook::PostCommit => {
            let Some(head) = repository.resolve("HEAD")? else { return Ok(Exit::Success) };
            check(head, commit(&context, &mut changes, head)?);
        }
        Hook::PostRewrite => rewrite::pairs(io::stdin().lock(), |old, new| {
            check(new, rewrite::compare(&context, &mut changes, old, new)?);
            Ok(())
        })?,
    }
    let journal = Journal { context, repository: &repository, clock: &clock, branch, tip };
    journal.follow(changes, env, session, output)?;
    Ok(Exit::Success)
}

/// The branch whose journal is written: during a rebase, which detaches HEAD, the one that is
/// rebased.
fn journal_branch(context: &Context<'_>, location: &Location) -> Result<BranchName, Failure> {
    if context.repository.head()? == Head::Detached {
        for directory in ["rebase-merge", "rebase-apply"] {
            let name = std::fs::read_to_string(location.git_dir.join(directory).join("head-name"));
            let name = name.unwrap_or_default();
            if let Some(name) = name.trim_end().strip_prefix("refs/heads/") {
                return Ok(BranchName::new(name)?);
            }
        }
    }
    Ok(context.head_branch()?)
}

/// Adds what the commit `id` replaced: against its parent, or of a merge what is as in no parent.
fn commit<'a>(
    context: &Context<'a>,
    changes: &mut Changes<'a>,
    id: Oid,
) -> Result<Compared, Failure> {
    let found = node(context, id)?;
    if !found.is_merge {
        let Some(old) = tree_of(context, found.first_parent)? else { return Ok(Compared::Whole) };
        let trees = Trees { old: Some(old), new: found.tree };
        return Ok(changes.compare(context.repository, trees)?);
    }
    let mut buffer = Vec::new(context.alloc);
    context.repository.read(id, ObjectKind::Commit, &mut buffer)?;
    let mut parents = Vec::new(context.alloc);
    for parent in Commit::parse_stored(id, &buffer)?.parents() {
        parents.try_extend(tree_of(context, Some(parent))?)?;
    }
    Ok(changes.compare_merge(context.repository, &parents, found.tree)?)
}

/// The journal that follows the changes.
struct Journal<'r, 'a> {
    context: Context<'a>,
    repository: &'r GitRepository,
    clock: &'r SystemClock,
    branch: BranchName,
    tip: Oid,
}

impl<'a> Journal<'_, 'a> {
    /// Appends an edge for each linked content that was replaced, unless it is there.
    fn follow(
        &self,
        mut changes: Changes<'a>,
        env: &dyn Environment,
        session: &Session<'_>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let Self { context, branch, tip, .. } = self;
        let alloc = context.alloc;
        let mut ends = Vec::new(alloc);
        ends.try_extend(
            changes.replaced.iter().map(|gone| (gone.old.id, gone.old.path.as_slice())),
        )?;
        let is_linked = context.linked(branch, &ends)?;
        drop(ends);
        let git_dir = &self.repository.location().git_dir;
        if let Err(failure) = renames::find(context, git_dir, &mut changes, &is_linked) {
            output.warning(&failure.text());
        }
        let mut moves = Vec::new(alloc);
        for (gone, _) in changes.replaced.iter().zip(&*is_linked).filter(|(_, linked)| **linked) {
            if let Some(new) = &gone.new {
                moves.try_push((&gone.old, new))?;
            }
        }
        let mut steps = Vec::new(alloc);
        steps.try_extend(moves.iter().map(|(old, new)| {
            recorded::step((old.id, old.path.as_slice()), (new.id, new.path.as_slice()))
        }))?;
        let is_recorded = recorded::find(context, branch, *tip, &steps)?;
        let mut batch = Batch::new(alloc);
        let writer = writer(env, self.repository)?;
        for ((old, new), _) in moves.iter().zip(&*is_recorded).filter(|(_, recorded)| !**recorded) {
            self.push(&mut batch, old, new, &writer, output)?;
        }
        if batch.edges() > 0 {
            let (repository, clock) = (self.repository, self.clock);
            let service = Append { alloc, repository, clock, random: &SystemRandom };
            append(&service, branch, &batch, session)?;
        }
        Ok(())
    }

    /// Adds an edge to the batch; a name that no edge can hold is a warning.
    fn push(
        &self,
        batch: &mut Batch<'a>,
        old: &Content<'a>,
        new: &Content<'a>,
        writer: &Writer,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let timestamp_ms = u64::try_from(self.clock.now().seconds).unwrap_or(0) * 1000;
        let mut random = [0; 10];
        SystemRandom.fill(&mut random)?;
        let ulid = Ulid::new(timestamp_ms, random);
        let edge = Edge {
            // As the C tool's edges of this type.
            legacy_source: Oid::ZERO,
            legacy_target: Oid::ZERO,
            relation: Relation::AUGMENTS,
            confidence: Confidence::CERTAIN,
            timestamp_ms,
            source_path: &old.path,
            target_path: &new.path,
            ulid: ulid.as_bytes(),
            source: old.id,
            target: new.id,
            attribution: Some(writer.attribution()),
        };
        match batch.push(&edge) {
            Err(error @ BatchError::NotText { .. }) => {
                let path = String::from_utf8_lossy(&new.path);
                output.warning(&format!("no edge was appended for `{path}`: {error}"));
                Ok(())
            }
            pushed => Ok(pushed?),
        }
    }
}

/// The writer of the edges: the program, in the name of who commits.
fn writer(env: &dyn Environment, repository: &GitRepository) -> Result<Writer, Failure> {
    let value = |name| env.var(name).unwrap_or_default();
    let (author, session) = (value(Writer::AUTHOR_VARIABLE), value(Writer::SESSION_VARIABLE));
    let identity;
    let author = match author.is_empty() {
        false => author.as_bytes(),
        true => {
            identity = author_of(&repository.authors()?.author);
            identity.as_bytes()
        }
    };
    Ok(Writer::new(SOURCE, author, session.as_bytes())?)
}
