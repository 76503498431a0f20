//! The memory of a command: made from the toggles, reported at its end.

use super::args::Command;
use super::budget::BuildEnvironment;
use super::failure::Failure;
use super::output::Output;
use crate::context::operation;
use crate::context::{Memory, Toggles, available_workers};
use crate::env::Environment;
use crate::memory::{ProcessAllocator, SMALL_BYTES_MAX};
use std::path::Path;

/// Reads the toggles; an invalid value is a usage error.
pub(super) fn toggles(env: &dyn Environment) -> Result<Toggles, Failure> {
    Ok(Toggles::read(env)?)
}

/// Makes the memory of a command, with the budget of its operation. Tracing also counts the
/// allocations of the whole process.
pub(super) fn begin(toggles: &Toggles, command: &Command, allocator: &ProcessAllocator) -> Memory {
    if toggles.trace.is_some() && !toggles.disable_custom_allocators {
        allocator.start_counting();
    }
    let op = match command {
        Command::List(list) if list.filter.is_set() => operation::ATTR_QUERY,
        Command::List(_)
        | Command::Stats(_)
        | Command::Status(_)
        | Command::Diff(_)
        | Command::Export(_) => operation::JOURNAL_READ,
        Command::Query(_) => operation::CACHE_QUERY,
        Command::Link(_) | Command::Import(_) | Command::Unlink(_) | Command::Hooks(_) => {
            operation::JOURNAL_APPEND
        }
        Command::Merge(_) | Command::Sync(_) => operation::JOURNAL_MERGE,
        // The other commands run no accounted operation, so they get the largest budget.
        Command::CacheRebuild(_)
        | Command::Budget(_)
        | Command::Env(_)
        | Command::Fixture(_)
        | Command::Completions { .. }
        | Command::Man(_) => operation::CACHE_REBUILD,
    };
    Memory::new(toggles, toggles.budget_of(op))
}

/// Prints the histogram and the counters of a traced run and, when call sites are traced and a
/// request failed, the largest holders of the memory. Fails when memory leaked. The environment is
/// that of the checkout around `start`.
pub(super) fn end(
    memory: Memory,
    toggles: &Toggles,
    start: &Path,
    allocator: &ProcessAllocator,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(histogram) = memory.histogram() {
        let environment = BuildEnvironment::read(start, toggles, available_workers() + 1);
        output.note(&format!("{histogram}; {environment}"));
    }
    if toggles.trace.is_some() && !toggles.disable_custom_allocators {
        let process = allocator.diagnostics();
        output.note(&format!(
            "process: peak {}, {} outstanding, {} allocations \
             ({} of up to {SMALL_BYTES_MAX} bytes), {} failed",
            process.peak_bytes,
            process.bytes_outstanding,
            process.allocations_total,
            allocator.small_allocations_total(),
            process.failures_total
        ));
        for op in operation::ALL {
            let (heap, runs) = (allocator.diagnostics_of(op), memory.registry().totals(op).runs);
            if let Some((peak, failures)) = memory.usage_of(op) {
                output.note(&format!(
                    "{op}: {runs} runs, peak {} of the process and {peak} through the context, \
                     {failures} failed",
                    heap.peak_bytes
                ));
            }
        }
    }
    // Last, because looking up names allocates.
    if let Some(profile) = memory.profile().filter(|profile| profile.refused.is_some()) {
        profile.to_string().lines().for_each(|line| output.note(line.trim_start()));
    }
    Ok(memory.finish().map(drop).map_err(|report| *report)?)
}
