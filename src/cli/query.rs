//! `git-mind query`: edges that start or end at an object or a file, whatever its content was.

use super::ages::LazyAges;
use super::args::{Args, QueryArgs};
use super::count::counted;
use super::errors;
use super::failure::{Exit, Failure};
use super::list_json::JsonList;
use super::list_line::LineFormat;
use super::output::Output;
use super::shown::{Place, Shown};
use super::telemetry::{Session, clock, milliseconds};
use super::{list, malformed, object, repository};
use crate::branch::BranchName;
use crate::cache::{Answer, Content, Direction, Endpoint, ExistingError, FoundEdge, Unusable};
use crate::clock::{Clock, Zone};
use crate::context::Context;
use crate::context::operation;
use crate::env::Environment;
use crate::fs::OwnedPath;
use crate::git::Error;
use crate::journal::Standing;
use crate::memory::MemoryError;
use crate::progress::Silent;
use crate::telemetry::{Level, Metric};
use std::ffi::OsStr;
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
    let named = object::named(alloc, &repository, word)?;
    session.about(branch.as_str(), "query", repository.location().git_dir.clone());
    repository::journal_tip(&repository, &branch)?;
    session.telemetry.log(Level::Info, "cache", "query_start", |event| {
        event.text("branch", branch.as_str().as_bytes())?;
        event.text("mode", b"query")
    });
    let path = named.path.as_ref().map(OwnedPath::as_bytes).filter(|_| !options.exact);
    let object = named.object.as_ref().ok().copied();
    let endpoint = Endpoint { object, path, direction, follow: path.is_some() };
    if let Err(missing) = named.object {
        let any = context.query(&branch, endpoint, |_| Ok::<_, Failure>(ControlFlow::Break(())))?;
        if any.edges == 0 {
            return Err(missing);
        }
    }
    let zone = &Zone::from_environment(env);
    let question = Question { branch: &branch, endpoint, word, options, zone };
    let mut counts = Counts { left: options.limit.unwrap_or(u64::MAX), shown: 0, others: 0 };
    options.view.apply(&repository, env, output)?;
    let git_dir = &repository.location().git_dir;
    let mut ages = LazyAges { context, git_dir, env, path, ages: None };
    let outcome = question.print(&context, output, &mut counts, &mut ages);
    tell(session, &branch, &outcome, clock.elapsed());
    let answer = outcome?;
    if let (1.., Some(path)) = (counts.others, path) {
        output.note(&of_other_contents(counts.others, path, endpoint.object.is_some()));
    }
    if counts.shown == 0 && options.limit != Some(0) {
        output.note(&question.what_was_looked_for());
        if let Some(ages) = ages.get()?
            && let Some(name) = ages.former_name()?
        {
            let name = String::from_utf8_lossy(name);
            output.note(&format!("its name was `{name}`: `git mind query {name}` finds its edges"));
        }
    }
    ages.finish(session)?;
    warn(&answer, output);
    Ok(Exit::Success)
}

/// What is asked.
struct Question<'q> {
    branch: &'q BranchName,
    endpoint: Endpoint<'q>,
    /// The endpoint as the user named it.
    word: &'q OsStr,
    options: &'q QueryArgs,
    zone: &'q Zone,
}

/// What was printed.
struct Counts {
    /// How many edges may still be printed.
    left: u64,
    shown: u64,
    /// Edges of other contents than the current one.
    others: u64,
}

impl Question<'_> {
    /// Whether an edge is printed, and whether the query continues.
    fn wants(&self, found: &FoundEdge<'_>, counts: &mut Counts) -> (bool, ControlFlow<()>) {
        let QueryArgs { all, relation, .. } = self.options;
        let is_of_type = relation.is_none_or(|filter| filter.matches(found.edge.relation));
        let is_seen = *all || found.standing == Standing::Live;
        // Edges that connect versions are what was followed; they are shown to who asks for them.
        let is_asked = *all || relation.is_some() || !found.connects_contents;
        let is_wanted = counts.left > 0 && is_of_type && is_seen && is_asked;
        counts.left -= u64::from(is_wanted);
        counts.shown += u64::from(is_wanted);
        counts.others += u64::from(is_wanted && found.content != Content::Current);
        let flow = if counts.left > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        (is_wanted, flow)
    }

    /// The edge as it is printed.
    fn shown<'e>(
        &self,
        found: &'e FoundEdge<'e>,
        ages: &mut LazyAges<'_, '_>,
    ) -> Result<Shown<'e>, MemoryError> {
        let FoundEdge { id, commit, author, ref edge, content, end, standing, .. } = *found;
        let (object, path) = match end {
            Direction::Forward => (edge.source, edge.source_path),
            Direction::Reverse => (edge.target, edge.target_path),
        };
        let other_path = self.endpoint.path.is_some_and(|asked| asked != path).then_some(path);
        let edits_ago = match content {
            Content::Current => Some(0),
            Content::Older(Some(edits)) => Some(edits),
            Content::Older(None) | Content::OfPath => ages.edits_ago(object)?,
        };
        let place = Some(Place { content, end, edits_ago, other_path });
        Ok(Shown { id: Some(id), commit, committed: author, standing, edge, place })
    }

    /// Streams the answer, as lines or as a document.
    fn print(
        &self,
        context: &Context<'_>,
        output: &mut Output,
        counts: &mut Counts,
        ages: &mut LazyAges<'_, '_>,
    ) -> Result<Answer, Failure> {
        let Self { branch, endpoint, options, .. } = *self;
        if options.json {
            let mut list = JsonList::begin(branch, output)?;
            let answer = context.query(branch, endpoint, |found| {
                let (is_wanted, flow) = self.wants(found, counts);
                if is_wanted {
                    list.edge(&self.shown(found, ages)?)?;
                }
                Ok::<_, Failure>(flow)
            })?;
            list.end(&[
                ("from_cache", answer.unusable.is_none().into()),
                ("cache", state(&answer).into()),
                ("commits_newer_than_cache", answer.commits_newer.into()),
                ("edge_order", answer.edge_order.name().into()),
                ("commits_skipped", answer.malformed.skipped.into()),
                ("edges_truncated", answer.malformed.truncated.into()),
                ("edges_of_other_contents", counts.others.into()),
            ])?;
            return Ok(answer);
        }
        let format =
            LineFormat { columns: output.columns(), zone: self.zone, palette: output.palette() };
        let id = format.palette.id;
        let answer = context.query(branch, endpoint, |found| {
            let (is_wanted, flow) = self.wants(found, counts);
            if is_wanted {
                write!(output, "{id}{:>ID_COLUMNS$}{id:#}  ", found.id)?;
                format.write(&self.shown(found, ages)?, ID_COLUMNS + 2, output)?;
            }
            Ok::<_, Failure>(flow)
        })?;
        output.flush()?;
        let kind = match (endpoint.direction, options.relation) {
            (Some(Direction::Forward), None) => " from it",
            (Some(Direction::Reverse), None) => " to it",
            (None, None) => " from or to it",
            (_, Some(_)) => list::THAT_MATCH,
        };
        list::conclude(branch, counts.shown, kind, options.limit, output)?;
        Ok(answer)
    }

    /// Says, of an empty answer, what was looked for and what would find more.
    fn what_was_looked_for(&self) -> String {
        let Self { endpoint, options, .. } = self;
        let word = self.word.to_string_lossy();
        let object = endpoint.object.map(|object| format!("object {object}"));
        let mut looked_for = match (object, endpoint.path) {
            (Some(object), Some(_)) => {
                format!("{object}, its older contents, and edges recorded under `{word}`")
            }
            (Some(object), None) => object,
            (None, _) => format!("edges recorded under `{word}`"),
        };
        if options.relation.is_some() {
            looked_for += ", of the type that --type names";
        }
        let more = match () {
            () if options.exact => "`git mind query` without --exact looks at other contents too",
            () if endpoint.direction.is_some() => {
                "`git mind query OBJECT` looks at both ends, --all at edges that were taken back"
            }
            () => "`git mind query --all` also shows edges that were taken back",
        };
        format!("looked for {looked_for}; {more}")
    }
}

/// Says that edges were recorded for contents that `path` does not have in HEAD's commit.
fn of_other_contents(others: u64, path: &[u8], is_there: bool) -> String {
    let path = String::from_utf8_lossy(path);
    let verb = if others == 1 { "was" } else { "were" };
    let others = counted(others, "edge");
    match is_there {
        true => format!("{others} {verb} recorded for other contents of `{path}` than HEAD's"),
        false => {
            format!("{others} {verb} recorded for `{path}`, which HEAD's commit does not have")
        }
    }
}

/// The state of the cache in one word.
fn state(answer: &Answer) -> &'static str {
    let used = if answer.commits_newer == 0 { "current" } else { "behind" };
    answer.unusable.as_ref().map_or(used, Unusable::name)
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
        let text = Failure::text_of(unusable) + ", so the whole journal was read";
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
