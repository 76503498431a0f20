//! What commands that append share: the author of the edges, the branch, the append, its telemetry.

use super::failure::Failure;
use super::nearest::nearest;
use super::output::Output;
use super::repository;
use super::telemetry::{Session, milliseconds};
use crate::branch::BranchName;
use crate::context::Context;
use crate::env::Environment;
use crate::git::{Head, Identity, Repository};
use crate::journal::{Append, Appended, Batch, Origin, Writer};
use crate::telemetry::{Level, Metric};
use std::os::unix::ffi::OsStrExt;

/// The writer of new edges, from the environment. People are called by their identity in git
/// unless they call themselves otherwise. Warns when the kind of writer is unknown.
pub(super) fn writer(
    env: &dyn Environment,
    repository: &dyn Repository,
    output: &mut Output,
) -> Result<Writer, Failure> {
    let value = |name| env.var(name).unwrap_or_default();
    let source = value(Writer::SOURCE_VARIABLE);
    let author = value(Writer::AUTHOR_VARIABLE);
    let session = value(Writer::SESSION_VARIABLE);
    let mut author = author.as_bytes();
    let identity;
    if author.is_empty() && Writer::is_person(source.as_bytes()) {
        identity = author_of(&repository.authors()?.author);
        author = identity.as_bytes();
    }
    let writer = Writer::new(source.as_bytes(), author, session.as_bytes())?;
    if writer.attribution().origin == Origin::UNKNOWN {
        let (variable, source) = (Writer::SOURCE_VARIABLE, source.to_string_lossy());
        let text = format!("{variable} is `{source}`, which is recorded as unknown");
        let hint = match nearest(&source, Writer::SOURCES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", Writer::SOURCES.join(", ")),
        };
        output.advise(&text, &hint);
    }
    Ok(writer)
}

/// The author that an identity is recorded as: its address, else its name, as text without control
/// characters, cut where it is too long; nothing when git has no identity.
pub(super) fn author_of(identity: &Identity) -> String {
    let text = String::from_utf8_lossy(identity.address_or_name().unwrap_or_default());
    let mut text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.truncate(text.floor_char_boundary(Writer::AUTHOR_BYTES_MAX));
    text.trim().to_owned()
}

/// The branch whose journal is appended to. Warns when a name is new, and says which journal it is
/// when HEAD is detached.
pub(super) fn branch(
    context: &Context<'_>,
    name: Option<&str>,
    output: &mut Output,
) -> Result<BranchName, Failure> {
    let (branch, repository) = (repository::branch(context, name)?, context.repository);
    let head = repository.head()?;
    if name.is_none() {
        if head == Head::Detached {
            output.note(&format!(
                "HEAD is detached, so this goes into the journal of `{branch}` ({}); --branch NAME \
                 is for that of a branch",
                branch.journal_ref()
            ));
        }
        return Ok(branch);
    }
    let is_unborn = matches!(head, Head::Branch(name) if name == branch.branch_ref());
    let is_there = |name: &str| Ok::<_, Failure>(repository.resolve(name)?.is_some());
    if !is_unborn && !is_there(&branch.branch_ref())? && !is_there(&branch.journal_ref())? {
        let text = format!("there is no branch `{branch}`: this begins a journal of that name");
        let prefixes = [BranchName::branch_prefix(), BranchName::journal_prefix()];
        match repository::near_branch(repository, &branch, &prefixes) {
            Some(near) => output.advise(&text, &format!("did you mean `{near}`?")),
            None => output.warning(&text),
        }
    }
    Ok(branch)
}

/// Appends a batch, with its events and metrics.
pub(super) fn append(
    append: &Append<'_>,
    branch: &BranchName,
    batch: &Batch<'_>,
    session: &Session<'_>,
) -> Result<Appended, Failure> {
    let started = append.clock.elapsed();
    let log = |name, is_over: bool| {
        session.telemetry.log(Level::Info, "journal", name, |event| {
            event.text("branch", branch.as_str().as_bytes())?;
            event.text("mode", b"append")?;
            if is_over {
                event.number("edges", batch.edges())?;
                let duration = append.clock.elapsed().saturating_sub(started);
                event.number("duration_ms", milliseconds(duration))?;
            }
            Ok(())
        });
    };
    log("journal_append_start", false);
    let outcome = append.run(branch, batch);
    let duration = append.clock.elapsed().saturating_sub(started);
    session.record_duration(Metric::JournalAppendDuration, duration);
    match &outcome {
        Ok(_) => {
            session.record(Metric::JournalAppendEdges, None, batch.edges());
            log("journal_append_ok", true);
        }
        Err(error) => {
            session.telemetry.diagnostic("journal", "append_failed", |event| {
                event.text("error", error.to_string().as_bytes())
            });
            log("journal_append_failed", true);
        }
    }
    Ok(outcome?)
}
