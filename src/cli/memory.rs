//! The memory of a command: made from the toggles, reported at the end.

use super::args::Command;
use super::failure::Failure;
use super::output::Output;
use crate::context::operation;
use crate::context::{Memory, ToggleError, Toggles};
use crate::env::Environment;
use crate::memory::{ErrorKind, MemoryError, ProcessAllocator};

/// Reads the toggles; one that cannot be understood is wrong usage.
pub(super) fn toggles(env: &dyn Environment) -> Result<Toggles, Failure> {
    let explain = |error: ToggleError| Failure::new(error).unknown();
    Toggles::read(env).map_err(|error| explain(error).hint("correct it, or unset it"))
}

/// Makes the memory of a command, under the limit of what it does; a traced one counts the whole
/// process.
pub(super) fn begin(toggles: &Toggles, command: &Command, allocator: &ProcessAllocator) -> Memory {
    if toggles.trace.is_some() && !toggles.disable_custom_allocators {
        allocator.start_counting();
    }
    let op = match command {
        Command::List(list) if list.filter.is_set() => operation::ATTR_QUERY,
        Command::List(_) => operation::JOURNAL_READ,
        Command::Query(_) => operation::CACHE_QUERY,
        Command::Link(_) | Command::Import(_) => operation::JOURNAL_APPEND,
        // Those that do not say so measure, print or write files; the largest budget will do.
        Command::CacheRebuild(_)
        | Command::Budget(_)
        | Command::Env(_)
        | Command::Fixture(_)
        | Command::Completions { .. }
        | Command::Man(_) => operation::CACHE_REBUILD,
    };
    Memory::new(toggles, toggles.budget_of(op))
}

/// What to type when memory was refused.
pub(super) fn refusal_hint(refused: MemoryError) -> Option<&'static str> {
    match (refused.kind, refused.op) {
        (ErrorKind::OverBudget, Some(operation::ATTR_QUERY | operation::CACHE_QUERY)) => {
            Some("raise the budget with GM_ARENA_CAP_ATTR_QUERY=SIZE")
        }
        (ErrorKind::OverBudget, _) => Some("raise the budget with GM_ARENA_CAP_CACHE_REBUILD=SIZE"),
        _ => None,
    }
}

/// Says what was traced, and fails when something was not given back.
pub(super) fn end(
    memory: Memory,
    toggles: &Toggles,
    allocator: &ProcessAllocator,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(histogram) = memory.histogram() {
        output.note(&histogram);
    }
    if toggles.trace.is_some() && !toggles.disable_custom_allocators {
        let process = allocator.diagnostics();
        output.note(&format!(
            "process: peak {}, {} outstanding, {} allocations, {} refused",
            process.peak_bytes,
            process.bytes_outstanding,
            process.allocations_total,
            process.failures_total
        ));
        for op in operation::ALL {
            let (heap, ports) = (allocator.diagnostics_of(op), memory.registry().totals(op));
            if ports.runs > 0 {
                output.note(&format!(
                    "{op}: {} runs, peak {} of the process and {} through the context, {} refused",
                    ports.runs, heap.peak_bytes, ports.peak_bytes, ports.failures_total
                ));
            }
        }
    }
    memory.finish().map(drop).map_err(|report| {
        let is_named = report.leaks.is_some();
        let hint = (!is_named).then(|| "GM_ALLOC_TRACE=sites names the places".into());
        Failure::new(*report).hint_if(hint)
    })
}
