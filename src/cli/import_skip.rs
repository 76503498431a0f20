//! `git-mind import --skip-existing`: leaves out the edges that the journal has already, by ULID.

use super::failure::Failure;
use super::malformed;
use super::output::Output;
use super::telemetry::Session;
use crate::git::Repository;
use crate::journal::{Batch, Edges, JournalItem, MalformedCounts, read_newest};
use crate::memory::{Alloc, Set};
use crate::oid::Oid;
use std::ops::ControlFlow;

/// Longest ULID in bytes.
const ULID_BYTES: usize = 26;

/// A ULID, with zeros where it is shorter.
type Key = [u8; ULID_BYTES];

fn key(ulid: &[u8]) -> Option<Key> {
    let mut key = [0; ULID_BYTES];
    key.get_mut(..ulid.len())?.copy_from_slice(ulid);
    (!ulid.is_empty()).then_some(key)
}

/// The edges of `batch` whose ULID is neither in the journal at `tip` nor that of an earlier edge
/// of the batch. An edge without a ULID is always new. Reads the journal once.
pub(super) fn new_edges<'a>(
    (repository, alloc): (&dyn Repository, Alloc<'a>),
    tip: Option<Oid>,
    batch: &Batch<'_>,
    session: &Session<'_>,
    output: &mut Output,
) -> Result<Batch<'a>, Failure> {
    let edges = || batch.payloads().flat_map(Edges::new).filter_map(Result::ok);
    let mut wanted = Set::new(alloc);
    for key in edges().filter_map(|edge| key(edge.ulid)) {
        wanted.try_insert(key)?;
    }
    let mut counts = MalformedCounts::default();
    if let Some(tip) = tip.filter(|_| !wanted.is_empty()) {
        read_newest(repository, alloc, tip, |item| {
            match item {
                JournalItem::Edge(_, edge) => {
                    if let Some(key) = key(edge.ulid) {
                        wanted.remove(&key);
                    }
                }
                JournalItem::Malformed(found) => {
                    malformed::diagnose(session, &found);
                    counts.add(found);
                }
            }
            let is_done = wanted.is_empty();
            let flow = if is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            Ok::<_, Failure>(flow)
        })?;
    }
    malformed::warn(&counts, output);
    let mut new = Batch::new(alloc);
    for edge in edges() {
        if key(edge.ulid).is_none_or(|key| wanted.remove(&key)) {
            new.push(&edge)?;
        }
    }
    Ok(new)
}
