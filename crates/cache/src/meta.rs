//! The `meta` blob at the root of a cache: the journal commit it was built from, and counts.
//!
//! Text with one `key value` per line in a fixed order, so that people can read `git show
//! CACHE:meta`. It has neither the time nor the host: the same journal gives the same bytes.

use super::commit_index::RECORDS_PER_CHUNK;
use arrayvec::ArrayString;
use core::fmt::Write;
use gitmind_git::oid::Oid;
use gitmind_journal::{EdgeOrder, MalformedCounts};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Name of the blob in the root tree.
pub(super) const NAME: &[u8] = b"meta";
const VERSION_LINE_START: &str = "git-mind-cache ";
const VERSION: u32 = 5;
/// Number of leading bits of an object id that select its shard.
const SHARD_BITS: u32 = 8;
/// An upper bound of the length of a valid blob, in bytes.
const BYTES_MAX: usize = 1024;

/// The metadata of a cache.
///
/// ```
/// use gitmind_cache::Meta;
/// use gitmind_git::oid::Oid;
/// use gitmind_journal::{EdgeOrder, MalformedCounts};
/// let meta = Meta {
///     journal_tip: Oid::new([7; 20]),
///     edge_order: EdgeOrder::OldestFirst,
///     edges: 50,
///     commits: 45,
///     commits_skipped: 0,
///     edges_truncated: 0,
///     commits_indexed: 45,
///     paths: 62,
/// };
/// assert_eq!(Meta::parse(meta.to_string().as_bytes()), Ok(meta));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The newest journal commit in the cache.
    pub journal_tip: Oid,
    /// The order in which edges are numbered.
    pub edge_order: EdgeOrder,
    /// Number of edges in the cache.
    pub edges: u32,
    /// Number of journal commits that were read.
    pub commits: u32,
    /// Number of those whose message is malformed; the cache has none of their edges.
    pub commits_skipped: u32,
    /// Number of those with an invalid edge; the cache has only the edges before it.
    pub edges_truncated: u32,
    /// Number of records of the commit index: commits with edges.
    pub commits_indexed: u32,
    /// Number of distinct paths of its edges.
    pub paths: u32,
}

/// Why a blob is not valid metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetaError {
    /// The format version is not supported.
    #[error("cache format {0} is not known, only {VERSION}")]
    Version(u32),
    /// The blob is malformed.
    #[error("cache metadata is malformed: {0}")]
    Malformed(&'static str),
}

impl core::fmt::Display for Meta {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        writeln!(f, "{VERSION_LINE_START}{VERSION}")?;
        writeln!(f, "journal-tip {}", self.journal_tip)?;
        writeln!(f, "edge-order {}", self.edge_order.name())?;
        writeln!(f, "edges {}", self.edges)?;
        writeln!(f, "commits {}", self.commits)?;
        writeln!(f, "commits-skipped {}", self.commits_skipped)?;
        writeln!(f, "edges-truncated {}", self.edges_truncated)?;
        writeln!(f, "shard-bits {SHARD_BITS}")?;
        writeln!(f, "commits-indexed {}", self.commits_indexed)?;
        writeln!(f, "commits-per-chunk {RECORDS_PER_CHUNK}")?;
        writeln!(f, "paths {}", self.paths)
    }
}

impl Meta {
    /// The content of the blob.
    pub(super) fn encode<'a>(&self, alloc: Alloc<'a>) -> Result<Vec<'a, u8>, MemoryError> {
        let text = self.text();
        let mut blob = Vec::try_with_capacity(text.len(), alloc)?;
        blob.try_extend_from_slice(text.as_bytes())?;
        Ok(blob)
    }

    /// The counts of malformed commits.
    pub(super) fn malformed(&self) -> MalformedCounts {
        MalformedCounts::of(self.commits_skipped, self.edges_truncated)
    }

    /// The content of the blob, on the stack.
    fn text(&self) -> ArrayString<BYTES_MAX> {
        let mut text = ArrayString::new();
        write!(text, "{self}").expect("this holds because ids and counts have bounded lengths");
        text
    }

    /// The metadata of this cache after an update that adds the commits of `added`, whose paths are
    /// counted when they are written; `None` when a count overflows.
    pub(super) fn extended(&self, added: &Self) -> Option<Self> {
        Some(Self {
            journal_tip: added.journal_tip,
            edge_order: self.edge_order,
            edges: self.edges.checked_add(added.edges)?,
            commits: self.commits.checked_add(added.commits)?,
            commits_skipped: self.commits_skipped.checked_add(added.commits_skipped)?,
            edges_truncated: self.edges_truncated.checked_add(added.edges_truncated)?,
            commits_indexed: self.commits_indexed.checked_add(added.commits_indexed)?,
            paths: self.paths,
        })
    }

    /// Parses the output of [`Display`](core::fmt::Display).
    ///
    /// # Errors
    /// When `blob` is anything else.
    pub fn parse(blob: &[u8]) -> Result<Self, MetaError> {
        if blob.len() > BYTES_MAX {
            return Err(MetaError::Malformed("it is too long"));
        }
        let text = str::from_utf8(blob).map_err(|_| MetaError::Malformed("it is not text"))?;
        let mut lines = text.lines();
        let version = lines.next().and_then(|line| line.strip_prefix(VERSION_LINE_START));
        let version = version.ok_or(MetaError::Malformed("it has no version"))?;
        let version = version.parse().map_err(|_| MetaError::Malformed("it has no version"))?;
        if version != VERSION {
            return Err(MetaError::Version(version));
        }
        let mut value = |key: &'static str| {
            let line = lines.next().and_then(|line| line.strip_prefix(key)?.strip_prefix(' '));
            line.ok_or(MetaError::Malformed("a line is missing"))
        };
        let mut meta = Self {
            journal_tip: Oid::from_hex(value("journal-tip")?.as_bytes())
                .ok_or(MetaError::Malformed("journal-tip is not an object id"))?,
            edge_order: EdgeOrder::from_name(value("edge-order")?)
                .ok_or(MetaError::Malformed("edge-order is not known"))?,
            edges: count(value("edges")?)?,
            commits: count(value("commits")?)?,
            commits_skipped: count(value("commits-skipped")?)?,
            edges_truncated: count(value("edges-truncated")?)?,
            commits_indexed: 0,
            paths: 0,
        };
        if count(value("shard-bits")?)? != SHARD_BITS {
            return Err(MetaError::Malformed("shard-bits is not 8"));
        }
        meta.commits_indexed = count(value("commits-indexed")?)?;
        if count(value("commits-per-chunk")?)? != RECORDS_PER_CHUNK {
            return Err(MetaError::Malformed("commits-per-chunk is not 256"));
        }
        meta.paths = count(value("paths")?)?;
        // Only the canonical form is valid, so that equal metadata is an equal blob.
        if meta.text().as_bytes() != blob {
            return Err(MetaError::Malformed("it is not in canonical form"));
        }
        Ok(meta)
    }
}

fn count(digits: &str) -> Result<u32, MetaError> {
    digits.parse().map_err(|_| MetaError::Malformed("a count is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metas() -> impl Strategy<Value = Meta> {
        let order = prop_oneof![Just(EdgeOrder::OldestFirst), Just(EdgeOrder::NewestFirst)];
        (any::<[u8; 20]>(), order, any::<[u32; 6]>()).prop_map(|(tip, edge_order, counts)| {
            let [edges, commits, commits_skipped, edges_truncated, commits_indexed, paths] = counts;
            Meta {
                journal_tip: Oid::new(tip),
                edge_order,
                edges,
                commits,
                commits_skipped,
                edges_truncated,
                commits_indexed,
                paths,
            }
        })
    }

    proptest! {
        #[test]
        fn printed_metadata_parses_to_itself(meta in metas()) {
            prop_assert_eq!(Meta::parse(meta.to_string().as_bytes()), Ok(meta));
        }

        #[test]
        fn a_blob_with_one_changed_byte_is_an_error_or_canonical(
            meta in metas(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut blob = meta.to_string().into_bytes();
            let at = at.index(blob.len());
            blob[at] = byte;
            if let Ok(read) = Meta::parse(&blob) {
                prop_assert_eq!(read.to_string().into_bytes(), blob);
            }
        }
    }

    #[test]
    fn another_version_has_an_error_that_names_it() {
        for other in ["4", "6"] {
            let blob = format!("git-mind-cache {other}\nanything");
            let error = Meta::parse(blob.as_bytes()).expect_err("another");
            let expected = format!("cache format {other} is not known, only 5");
            assert_eq!(error.to_string(), expected);
        }
    }
}
