//! The life of one command: settings, memory, telemetry session, the command, final reports.

use super::args::{Args, Command};
use super::failure::{Exit, Failure};
use super::output::Output;
use super::repository::start_directory;
use super::{
    budget, complete, diff, export, fixture, hooks, import, link, list, live, man, memory, merge,
    query, rebuild, stats, status, sync, telemetry, unlink,
};
use crate::clock::{SystemClock, Zone};
use crate::env::Environment;
use crate::memory::ProcessAllocator;

pub(super) fn run(
    args: &Args,
    env: &dyn Environment,
    allocator: &'static ProcessAllocator,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (toggles, mut settings) = (memory::toggles(env)?, telemetry::settings(env)?);
    args.habits.apply(&args.command, &mut settings)?;
    let memory = memory::begin(&toggles, &args.command, allocator);
    // Events are dated in UTC.
    let clock = SystemClock::start(Zone::utc());
    let session = telemetry::Session::begin(&settings, &memory, &clock);
    let outcome = live::command(&args.command, &memory, || match &args.command {
        Command::CacheRebuild(rebuild) => rebuild::run(args, rebuild, env, &session, output),
        Command::List(list) => list::run(args, list, env, &session, output),
        Command::Stats(stats) => stats::run(args, stats, env, &session, output),
        Command::Query(query) => query::run(args, query, env, &session, output),
        Command::Status(options) => status::run(args, options, env, &session, output),
        Command::Diff(options) => diff::run(args, options, env, &session, output),
        Command::Export(options) => export::run(args, options, env, &session, output),
        Command::Link(link) => link::run(args, link, env, &session, output),
        Command::Unlink(unlink) => unlink::run(args, unlink, env, &session, output),
        Command::Import(import) => import::run(args, import, env, &session, output),
        Command::Hooks(hooks) => hooks::run(args, hooks, env, &session, output),
        Command::Merge(merge) => merge::run(args, merge, env, &session, output),
        Command::Sync(sync) => sync::run(args, sync, env, &session, output),
        Command::Budget(options) => {
            let run = budget::Run { env, toggles: &toggles, allocator, session: &session };
            budget::run(args, options, &run, output)
        }
        Command::Env(options) => super::env::run(options, &toggles, &settings, output),
        Command::Fixture(fixture) => fixture::run(args, fixture, &session, output),
        Command::Completions { shell } => complete::completions(*shell, output),
        Command::Man(options) => man::run(args, options, output),
    });
    session.finish(output);
    // A leak is reported even when the command failed, but the failure of the command decides the
    // exit code.
    let ended = memory::end(memory, &toggles, &start_directory(args), allocator, output);
    outcome.and_then(|exit| ended.map(|()| exit))
}
