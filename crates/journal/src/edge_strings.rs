//! Interned strings of edges, for edges that outlive the buffer they were decoded from.
//!
//! The paths, authors and sessions of a journal repeat from edge to edge. An [`InternedEdge`] has
//! four-byte symbols of an intern table instead of copies. Its ULID, which is unique, is stored
//! inline.

use core::fmt;

use super::edge::{Attribution, Confidence, Edge, Origin, Relation};
use gitmind_git::oid::Oid;
use gitmind_memory::units::Bytes;
use gitmind_memory::{InternTable, MemoryError, Symbol, Vec};

/// Longest ULID, in bytes.
const ULID_BYTES_MAX: usize = 26;

/// An intern table for the strings of edges.
///
/// ```
/// use gitmind_journal::{Edges, EdgeStrings};
/// use gitmind_memory::{self as memory, Alloc, InternTable, Pooling, System, Zeroing};
/// let system = System::new();
/// let alloc = Alloc::new(&system);
/// let mut strings = EdgeStrings::new(InternTable::new(alloc, Pooling::On, Zeroing::Off));
/// // Two edges from `a` to `a`.
/// let payload = [0xa2, 5, 0x61, b'a', 6, 0x61, b'a', 0xa2, 5, 0x61, b'a', 6, 0x61, b'a'];
/// let mut interned = memory::Vec::new(alloc);
/// for edge in Edges::new(&payload) {
///     interned.try_push(strings.intern(&edge?)?)?;
/// }
/// assert_eq!((strings.counts().total, strings.counts().distinct), (4, 1));
/// let mut buffer = memory::Vec::new(alloc);
/// assert_eq!(strings.resolve(&interned[1], &mut buffer)?.target_path, b"a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EdgeStrings<'a> {
    table: InternTable<'a>,
    total: u64,
    total_bytes: Bytes,
}

impl fmt::Debug for EdgeStrings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeStrings").field("total", &self.total).finish_non_exhaustive()
    }
}

/// How often the strings of edges repeat. Empty strings are not interned and not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeStringCounts {
    /// Number of strings of the interned edges, duplicates included.
    pub total: u64,
    /// Their length in bytes.
    pub total_bytes: Bytes,
    /// Number of distinct strings, each of which is stored once.
    pub distinct: u64,
    /// Their length in bytes.
    pub distinct_bytes: Bytes,
}

/// An edge whose strings are symbols of an [`EdgeStrings`], which alone can resolve them.
#[derive(Clone, Copy, Debug)]
pub struct InternedEdge {
    ids: [Oid; 4],
    timestamp_ms: u64,
    relation: Relation,
    confidence: Confidence,
    paths: [Option<Symbol>; 2],
    attribution: Option<InternedAttribution>,
    ulid: [u8; ULID_BYTES_MAX],
    ulid_len: u8,
}

#[derive(Clone, Copy, Debug)]
struct InternedAttribution {
    origin: Origin,
    flags: u32,
    lane: u32,
    author: Option<Symbol>,
    session: Option<Symbol>,
}

impl<'a> EdgeStrings<'a> {
    /// Takes `table`, in which the strings are stored.
    pub const fn new(table: InternTable<'a>) -> Self {
        Self { table, total: 0, total_bytes: Bytes::ZERO }
    }

    /// Interns the strings of `edge`; the result does not borrow from it.
    ///
    /// # Errors
    /// When an allocation fails; strings that were interned before stay interned.
    ///
    /// # Panics
    /// When the ULID is longer than 26 bytes, which the decoder never returns.
    pub fn intern(&mut self, edge: &Edge<'_>) -> Result<InternedEdge, MemoryError> {
        let attribution = edge.attribution.map(|attribution| {
            let (author, session) =
                (self.store(attribution.author)?, self.store(attribution.session)?);
            let Attribution { origin, flags, lane, .. } = attribution;
            Ok::<_, MemoryError>(InternedAttribution { origin, flags, lane, author, session })
        });
        let mut ulid = [0; ULID_BYTES_MAX];
        ulid[..edge.ulid.len()].copy_from_slice(edge.ulid);
        let ulid_len = u8::try_from(edge.ulid.len());
        Ok(InternedEdge {
            ids: [edge.legacy_source, edge.legacy_target, edge.source, edge.target],
            timestamp_ms: edge.timestamp_ms,
            relation: edge.relation,
            confidence: edge.confidence,
            paths: [self.store(edge.source_path)?, self.store(edge.target_path)?],
            attribution: attribution.transpose()?,
            ulid,
            ulid_len: ulid_len.expect("this holds because it fitted 26 bytes"),
        })
    }

    /// The edge of `interned`; its strings are copied to `buffer`, which is cleared first.
    ///
    /// # Errors
    /// When an allocation fails.
    ///
    /// # Panics
    /// When `interned` is from another `EdgeStrings`.
    pub fn resolve<'e>(
        &mut self,
        interned: &'e InternedEdge,
        buffer: &'e mut Vec<'_, u8>,
    ) -> Result<Edge<'e>, MemoryError> {
        buffer.clear();
        let [source_path, target_path] = interned.paths;
        let (author, session) = interned
            .attribution
            .map_or((None, None), |attribution| (attribution.author, attribution.session));
        let mut ends = [0; 4];
        for (end, symbol) in ends.iter_mut().zip([source_path, target_path, author, session]) {
            self.append(symbol, buffer)?;
            *end = buffer.len();
        }
        let text = |index: usize| {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            &buffer[start..ends[index]]
        };
        let [legacy_source, legacy_target, source, target] = interned.ids;
        Ok(Edge {
            legacy_source,
            legacy_target,
            relation: interned.relation,
            confidence: interned.confidence,
            timestamp_ms: interned.timestamp_ms,
            source_path: text(0),
            target_path: text(1),
            ulid: &interned.ulid[..usize::from(interned.ulid_len)],
            source,
            target,
            attribution: interned.attribution.map(
                |InternedAttribution { origin, flags, lane, .. }| Attribution {
                    origin,
                    author: text(2),
                    session: text(3),
                    flags,
                    lane,
                },
            ),
        })
    }

    /// How often the strings repeat.
    pub fn counts(&self) -> EdgeStringCounts {
        let (distinct, distinct_bytes) = self.table.held();
        let Self { total, total_bytes, .. } = *self;
        EdgeStringCounts { total, total_bytes, distinct, distinct_bytes }
    }

    fn store(&mut self, text: &[u8]) -> Result<Option<Symbol>, MemoryError> {
        if text.is_empty() {
            return Ok(None);
        }
        let symbol = self.table.unshared().acquire(text)?;
        self.total += 1;
        self.total_bytes = Bytes::new(self.total_bytes.get() + text.len() as u64);
        Ok(Some(symbol))
    }

    fn append(&mut self, symbol: Option<Symbol>, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        let Some(symbol) = symbol else { return Ok(()) };
        let mut table = self.table.unshared();
        let text = table.resolve(symbol);
        let text = text.expect("this holds because strings are released only with the table");
        out.try_extend_from_slice(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Edges;
    use gitmind_memory::testing::{assert_no_leaks, sweep};
    use gitmind_memory::{Alloc, Pooling, System, Zeroing};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn texts(alloc: Alloc<'_>) -> EdgeStrings<'_> {
        EdgeStrings::new(InternTable::seeded(alloc, Pooling::On, Zeroing::Off, 7))
    }

    fn plain<'e>(texts: &'e [std::vec::Vec<u8>; 5], is_attributed: bool, number: u64) -> Edge<'e> {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        let [source_path, target_path, ulid, author, session] = texts.each_ref();
        let id = |byte: u64| Oid::new([byte.to_le_bytes()[0]; 20]);
        let origin = Origin(number.to_le_bytes()[1].into());
        let (flags, lane) = (7, 100);
        let attribution = Attribution { origin, author, session, flags, lane };
        Edge {
            legacy_source: id(number),
            legacy_target: id(number + 1),
            source: id(number + 2),
            target: id(number + 3),
            timestamp_ms: number,
            source_path,
            target_path,
            ulid,
            attribution: is_attributed.then_some(attribution),
            ..blank
        }
    }

    proptest! {
        #[test]
        fn a_resolved_edge_equals_the_interned_one_and_each_string_is_stored_once(
            all in prop::collection::vec(
                (
                    [".{0,3}", "[ab]{0,2}", "[0-9A-Z]{0,26}", "[ab]{0,1}", "[ab]{0,2}"],
                    any::<bool>(),
                ),
                0..40,
            ),
        ) {
            let all: std::vec::Vec<_> = all
                .iter()
                .map(|(edge, is)| (edge.each_ref().map(|text| text.as_bytes().to_vec()), *is))
                .collect();
            let edges = || (0_u64..).zip(&all).map(|(n, (texts, is))| plain(texts, *is, n));
            let (mut model, mut total, mut total_bytes) = (BTreeSet::new(), 0, 0);
            for edge in edges() {
                let attribution = edge.attribution.unwrap_or_default();
                let Attribution { author, session, .. } = attribution;
                let all = [edge.source_path, edge.target_path, author, session];
                for text in all.into_iter().filter(|text| !text.is_empty()) {
                    model.insert(text);
                    total += 1;
                    total_bytes += text.len();
                }
            }
            let system = System::new();
            let mut strings = texts(Alloc::new(&system));
            let interned: Result<std::vec::Vec<_>, _> =
                edges().map(|edge| strings.intern(&edge)).collect();
            let interned = interned.expect("there is memory");
            let mut buffer = Vec::new(Alloc::new(&system));
            for (interned, edge) in interned.iter().zip(edges()) {
                let resolved = strings.resolve(interned, &mut buffer);
                prop_assert_eq!(resolved.expect("there is memory"), edge);
            }
            let distinct_bytes = Bytes::from(model.iter().map(|text| text.len()).sum::<usize>());
            let total_bytes = Bytes::from(total_bytes);
            let distinct = model.len() as u64;
            let expected = EdgeStringCounts { total, total_bytes, distinct, distinct_bytes };
            prop_assert_eq!(strings.counts(), expected);
        }
    }

    #[test]
    fn each_allocation_failure_is_returned_and_nothing_leaks() {
        let names = ["src/a.c", "docs/a.md", "01M8", "user@local", "s"];
        let names = names.map(|name| name.as_bytes().to_vec());
        let work = |alloc: Alloc<'_>| {
            let mut strings = texts(alloc);
            let interned = strings.intern(&plain(&names, true, 1))?;
            let mut buffer = Vec::new(alloc);
            strings.resolve(&interned, &mut buffer).map(drop)
        };
        sweep(work).assert_propagated();
        assert_no_leaks(work).expect("there is memory");
    }
}
