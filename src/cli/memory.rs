//! The memory of a command: made from the toggles, reported at the end.

use super::args::Command;
use super::failure::Failure;
use super::output::Output;
use crate::context::operation;
use crate::context::{Memory, Toggles};
use crate::env::Environment;
use crate::memory::ProcessAllocator;

/// Reads the toggles; one that cannot be understood is wrong usage.
pub(super) fn toggles(env: &dyn Environment) -> Result<Toggles, Failure> {
    Ok(Toggles::read(env)?)
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
    Ok(memory.finish().map(drop).map_err(|report| *report)?)
}
