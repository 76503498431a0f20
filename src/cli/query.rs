//! `git-mind query`: edges that start or end at an object, from the cache when it is current.

use super::args::{Args, QueryArgs};
use super::errors;
use super::failure::{Exit, Failure};
use super::list_json::JsonList;
use super::list_line::LineFormat;
use super::output::Output;
use super::shown::Shown;
use super::telemetry::{Session, clock, milliseconds};
use super::{list, malformed, object, repository};
use crate::branch::BranchName;
use crate::cache::{Answer, Direction, Endpoint, ExistingError, FoundEdge, Unusable};
use crate::clock::{Clock, Zone};
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::fs::OwnedPath;
use crate::git::Error;
use crate::journal::{Edge, Standing};
use crate::progress::Silent;
use crate::telemetry::{Level, Metric};
use std::io::Write;
use std::ops::ControlFlow;
use std::time::Duration;

/// Columns that ids are right-aligned in.
const ID_COLUMNS: usize = 8;

pub(super) fn run(
    args: &Args,
    options: &QueryArgs,
    env: &dyn Environment,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let clock = clock(env);
    let repository = repository::open(args, env)?;
    let op =
        if options.relation.is_some() { operation::ATTR_QUERY } else { operation::CACHE_QUERY };
    let scope = session.memory.begin(op)?;
    let _entered = scope.enter();
    let alloc = scope.tag(session.memory.alloc());
    let context = Context { alloc, repository: &repository, clock: &clock, progress: &Silent };
    let branch = repository::branch(&context, options.branch.as_deref())?;
    let (word, direction) = options.endpoint.word();
    let named = object::named(&context, repository.location(), word)?;
    session.about(branch.as_str(), "query", repository.location().git_dir.clone());
    repository::journal_tip(&repository, &branch)?;
    session.telemetry.log(Level::Info, "cache", "query_start", |event| {
        event.text("branch", branch.as_str().as_bytes())?;
        event.text("mode", b"query")
    });
    let path = named.path.as_ref().map(OwnedPath::as_bytes).filter(|_| !options.exact);
    let object = named.object.as_ref().ok().copied();
    let endpoint = Endpoint { object, path, direction };
    if let Err(missing) = named.object {
        let any = context.query(&branch, endpoint, |_| Ok::<_, Failure>(ControlFlow::Break(())))?;
        if any.edges == 0 {
            return Err(missing);
        }
    }
    let mut others = 0;
    let zone = Zone::from_environment(env);
    let outcome = print(&context, &branch, endpoint, (options, &zone), output, &mut others);
    tell(session, &branch, &outcome, clock.elapsed());
    let answer = outcome?;
    if let (1.., Some(path)) = (others, path) {
        output.note(&of_other_contents(others, path, endpoint.object.is_some()));
    }
    warn(&answer, output);
    Ok(Exit::Success)
}

/// Streams the answer, as lines or as a document.
fn print(
    context: &Context<'_>,
    branch: &BranchName,
    endpoint: Endpoint<'_>,
    (options, zone): (&QueryArgs, &Zone),
    output: &mut Output,
    others: &mut u64,
) -> Result<Answer, Failure> {
    let mut left = options.limit.unwrap_or(u64::MAX);
    let mut wanted = |edge: &Edge<'_>| {
        let is_wanted =
            left > 0 && options.relation.is_none_or(|filter| filter.matches(edge.relation));
        left -= u64::from(is_wanted);
        let is_other = is_wanted && endpoint.object != Some(endpoint.object_of(edge));
        *others += u64::from(is_other);
        let flow = if left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        (is_wanted, flow)
    };
    if options.json {
        let mut list = JsonList::begin(branch, output)?;
        let answer = context.query(branch, endpoint, |found| {
            let (is_wanted, flow) = wanted(&found.edge);
            if is_wanted {
                list.edge(&shown_of(found))?;
            }
            Ok::<_, Failure>(flow)
        })?;
        list.end(&[
            ("from_cache", answer.unusable.is_none().into()),
            ("cache", state(&answer).into()),
            ("edge_order", answer.edge_order.name().into()),
            ("commits_skipped", answer.malformed.skipped.into()),
            ("edges_truncated", answer.malformed.truncated.into()),
            ("edges_of_other_contents", (*others).into()),
        ])?;
        return Ok(answer);
    }
    let mut shown = 0;
    let format = LineFormat { columns: output.columns(), zone };
    let answer = context.query(branch, endpoint, |found| {
        let (is_wanted, flow) = wanted(&found.edge);
        if is_wanted {
            shown += 1;
            write!(output, "{:>ID_COLUMNS$}  ", found.id)?;
            format.write(&shown_of(found), ID_COLUMNS + 2, output)?;
        }
        Ok::<_, Failure>(flow)
    })?;
    output.flush()?;
    let kind = match (endpoint.direction, options.relation) {
        (Direction::Forward, None) => " from it",
        (Direction::Reverse, None) => " to it",
        (_, Some(_)) => list::THAT_MATCH,
    };
    list::conclude(branch, shown, kind, options.limit, output)?;
    Ok(answer)
}

fn shown_of<'e>(found: &'e FoundEdge<'e>) -> Shown<'e> {
    let FoundEdge { id, commit, author, ref edge } = *found;
    Shown { id: Some(id), commit, committed: author, standing: Standing::Live, edge }
}

/// Says that edges were recorded for contents that `path` does not have in HEAD's commit.
fn of_other_contents(others: u64, path: &[u8], is_there: bool) -> String {
    let path = String::from_utf8_lossy(path);
    let what = if others == 1 { "edge was" } else { "edges were" };
    match is_there {
        true => format!("{others} {what} recorded for other contents of `{path}` than HEAD's"),
        false => {
            format!("{others} {what} recorded for `{path}`, which HEAD's commit does not have")
        }
    }
}

/// The state of the cache in one word.
fn state(answer: &Answer) -> &'static str {
    answer.unusable.as_ref().map_or("current", Unusable::name)
}

/// Events and metrics of a query.
fn tell(
    session: &Session<'_>,
    branch: &BranchName,
    outcome: &Result<Answer, Failure>,
    duration: Duration,
) {
    let branch = branch.as_str().as_bytes();
    session.record_duration(Metric::CacheQueryDuration, duration);
    match outcome {
        Ok(answer) => {
            session.telemetry.log(Level::Info, "cache", "query_ok", |event| {
                event.text("branch", branch)?;
                event.text("mode", b"query")?;
                let from_cache = if answer.unusable.is_none() { "true" } else { "false" };
                event.text("from_cache", from_cache.as_bytes())?;
                event.text("cache", state(answer).as_bytes())?;
                event.number("edges", answer.edges)?;
                event.number("duration_ms", milliseconds(duration))
            });
            for malformed in answer.malformed.first() {
                malformed::diagnose(session, malformed);
            }
            session.record(Metric::CacheQueryEdges, None, answer.edges);
        }
        Err(_) => session.telemetry.log(Level::Info, "cache", "query_failed", |event| {
            event.text("branch", branch)?;
            event.text("mode", b"query")?;
            event.number("duration_ms", milliseconds(duration))
        }),
    }
}

/// Warns when the answer is not from the cache, and about malformed commits.
fn warn(answer: &Answer, output: &mut Output) {
    if let Some(unusable) = &answer.unusable {
        let text = Failure::text_of(unusable) + ", so the answer is the journal's";
        output.advise(
            &text,
            &match unusable {
                Unusable::Damaged(ExistingError::Repository(Error::RefRead { name, .. })) => {
                    errors::unreadable_cache_hint(name)
                }
                Unusable::Damaged(_) => {
                    "`git mind cache-rebuild --force` replaces the cache".into()
                }
                _ => "`git mind cache-rebuild` makes one that is current".into(),
            },
        );
    }
    malformed::warn(&answer.malformed, output);
}
