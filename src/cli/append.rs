//! What `link` and `import` share: the author of the edges, the append, and its telemetry.

use super::failure::Failure;
use super::telemetry::{Session, milliseconds};
use crate::branch::BranchName;
use crate::env::Environment;
use crate::journal::{Append, Appended, Batch, Writer};
use crate::telemetry::{Level, Metric};
use std::os::unix::ffi::OsStrExt;

/// The author of new edges, from the environment.
pub(super) fn writer(env: &dyn Environment) -> Result<Writer, Failure> {
    let value = |name| env.var(name).unwrap_or_default();
    let source = value(Writer::SOURCE_VARIABLE);
    let author = value(Writer::AUTHOR_VARIABLE);
    let session = value(Writer::SESSION_VARIABLE);
    Ok(Writer::new(source.as_bytes(), author.as_bytes(), session.as_bytes())?)
}

/// Appends a batch, with its events and metrics.
pub(super) fn append(
    append: &Append<'_>,
    branch: &BranchName,
    batch: &Batch<'_>,
    session: &Session<'_>,
) -> Result<Appended, Failure> {
    let started = append.clock.elapsed();
    let log = |name, is_over: bool| {
        session.telemetry.log(Level::Info, "journal", name, |event| {
            event.text("branch", branch.as_str().as_bytes())?;
            event.text("mode", b"append")?;
            if is_over {
                event.number("edges", batch.edges())?;
                let duration = append.clock.elapsed().saturating_sub(started);
                event.number("duration_ms", milliseconds(duration))?;
            }
            Ok(())
        });
    };
    log("journal_append_start", false);
    let outcome = append.run(branch, batch);
    let duration = append.clock.elapsed().saturating_sub(started);
    session.record_duration(Metric::JournalAppendDuration, duration);
    match &outcome {
        Ok(_) => {
            session.record(Metric::JournalAppendEdges, None, batch.edges());
            log("journal_append_ok", true);
        }
        Err(error) => {
            session.telemetry.diagnostic("journal", "append_failed", |event| {
                event.text("error", error.to_string().as_bytes())
            });
            log("journal_append_failed", true);
        }
    }
    Ok(outcome?)
}
