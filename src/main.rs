//! The `git-mind` command: the library's command line under a counting allocator.

use gitmind::env::ProcessEnvironment;
use gitmind::memory::ProcessAllocator;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: ProcessAllocator = ProcessAllocator::new();

fn main() -> ExitCode {
    gitmind::cli::run(std::env::args_os(), &ProcessEnvironment, &ALLOCATOR)
}
