//! `git-mind budget`: measures the memory of the operations on a pinned journal against their caps.

mod command;
mod environment;
mod fixture;
mod growth;
mod measure;
mod operations;
mod plot;
mod recording;
mod report;
mod resident;
mod text;
mod verdict;

pub(super) use command::{Run, run};
pub(super) use environment::BuildEnvironment;
