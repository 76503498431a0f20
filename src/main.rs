//! The `git-mind` command: the command line of the library, with a counting global allocator.

use gitmind::env::ProcessEnvironment;
use gitmind::memory::ProcessAllocator;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: ProcessAllocator = ProcessAllocator::new();

fn main() -> ExitCode {
    gitmind::cli::run(std::env::args_os(), &ProcessEnvironment, &ALLOCATOR)
}
