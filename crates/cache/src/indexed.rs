//! Reading the edges of a commit by its record in the commit index.

use super::commit_index::CommitRecord;
use super::existing::ExistingError;
use gitmind_git::{Commit, ObjectKind, Repository, Signature};
use gitmind_journal::{Edge, MessageError, PayloadBuffer};
use gitmind_memory::Vec;

/// The author of the commit of `record`, and its edges, decoded into the two buffers. Of a
/// truncated commit, these are the edges before the invalid one.
///
/// # Errors
/// [`ExistingError::Edge`] when the commit has no payload.
pub(super) fn edges_of<'p>(
    repository: &dyn Repository,
    record: &CommitRecord,
    object: &'p mut Vec<'_, u8>,
    payload: &'p mut PayloadBuffer<'_>,
) -> Result<(Option<Signature<'p>>, impl Iterator<Item = Edge<'p>>), ExistingError> {
    repository.read(record.commit, ObjectKind::Commit, object)?;
    let commit = Commit::parse(record.commit, object).map_err(ExistingError::Malformed)?;
    let edges = payload.edges(&commit).map_err(|error| match error {
        MessageError::Memory(error) => ExistingError::from(error),
        _ => ExistingError::Edge { id: record.first_edge },
    })?;
    Ok((commit.author(), edges.map_while(Result::ok)))
}
