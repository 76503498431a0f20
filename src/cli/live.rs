//! The operations that run now, a line each on stderr whenever SIGUSR1 asks.

use super::args::Command;
use super::progress;
use crate::context::Memory;
use gitmind_system::status_signal;
use std::io::{self, Write};

/// Room for a line, so that printing does not allocate from the heap that is reported.
const LINE_BYTES_MAX: usize = 512;

/// Runs a command; SIGUSR1 prints its operations.
pub(super) fn command<T>(command: &Command, memory: &Memory, work: impl FnOnce() -> T) -> T {
    match command {
        // These end at once. Each operation of a budget has a memory of its own.
        Command::Budget(_)
        | Command::Completions { .. }
        | Command::Env(_)
        | Command::Link(_)
        | Command::Man(_) => work(),
        _ => printed(memory, work),
    }
}

/// Runs `work`; SIGUSR1 prints the operations of `memory`.
pub(super) fn printed<T>(memory: &Memory, work: impl FnOnce() -> T) -> T {
    status_signal::answered(|| print(memory), work)
}

/// Best effort, as all messages are: a closed stderr does not change the outcome.
fn print(memory: &Memory) {
    let mut stderr = io::stderr().lock();
    let start = progress::line_start();
    let mut line = |what: &dyn std::fmt::Display| {
        let mut buffer = [0; LINE_BYTES_MAX];
        let mut rest = &mut buffer[..];
        let _ = writeln!(rest, "{start}git-mind: {what}");
        let written = LINE_BYTES_MAX - rest.len();
        let _ = stderr.write_all(&buffer[..written]);
    };
    let mut live = memory.live().peekable();
    if live.peek().is_none() {
        line(&"no operation is running");
    }
    live.for_each(|op| line(&op));
    // Looking up names allocates, unlike the lines above.
    if let Some(profile) = memory.profile() {
        profile.to_string().lines().for_each(|each| line(&each));
    }
}
