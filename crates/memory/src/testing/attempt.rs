//! How one run of a sweep ended.

use std::any::Any;
use std::fmt::Display;

use super::injector::{Plan, RETRIES_FOREVER, Seen};
use super::report::Outcome;
use crate::traced::TraceReport;

/// How the closure ended.
pub(super) enum Ended {
    Ok,
    MemoryError(String),
    OtherError(String),
    Panic(String),
}

impl Ended {
    /// The result of a run, or its panic.
    pub(super) fn of<E: Display>(
        result: Result<Result<(), E>, Box<dyn Any + Send>>,
        is_memory_error: impl Fn(&E) -> bool,
    ) -> Self {
        match result {
            Ok(Ok(())) => Self::Ok,
            Ok(Err(error)) if is_memory_error(&error) => Self::MemoryError(error.to_string()),
            Ok(Err(error)) => Self::OtherError(error.to_string()),
            Err(panic) => Self::Panic(message(&*panic)),
        }
    }
}

/// One run and the blocks that it left.
pub(super) struct Attempt {
    pub(super) result: Ended,
    pub(super) seen: Seen,
    pub(super) leak: Option<Box<TraceReport>>,
    pub(super) broken: Option<String>,
}

impl Attempt {
    /// The outcome of the failures of `plan`, the worst first. A clean run is `Swallowed`.
    pub(super) fn end(&self, plan: Option<&Plan>) -> Outcome {
        let asked_again = self.seen.asked_again;
        match &self.result {
            Ended::Panic(message) if message == RETRIES_FOREVER => Outcome::Retried(asked_again),
            Ended::Panic(message) => Outcome::Panicked(message.clone()),
            _ if self.leak.is_some() => {
                Outcome::Leaked(self.leak.as_ref().map_or_else(String::new, ToString::to_string))
            }
            _ if self.broken.is_some() => {
                Outcome::InvariantBroken(self.broken.clone().unwrap_or_default())
            }
            _ if plan.is_some_and(|plan| self.seen.failed < plan.sites.len() as u64) => {
                Outcome::Nondeterministic("the call site was not reached again".into())
            }
            Ended::OtherError(error) => Outcome::Misreported(error.clone()),
            _ if asked_again > 0 => Outcome::Retried(asked_again),
            Ended::Ok => Outcome::Swallowed,
            Ended::MemoryError(_) => Outcome::Propagated,
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").into()
}
