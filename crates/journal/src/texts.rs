//! Edges that are kept after their commit: their texts once each, by four-byte symbols.
//!
//! The paths, authors and sessions of a journal repeat from edge to edge. A kept edge holds symbols
//! of an intern table instead of copies; its ULID, which nobody shares, is inside it.

use core::fmt;

use super::edge::{Attribution, Confidence, Edge, Origin, Relation};
use gitmind_git::oid::Oid;
use gitmind_memory::units::Bytes;
use gitmind_memory::{InternTable, MemoryError, Symbol, Vec};

/// Longest ULID, in bytes.
const ULID_BYTES_MAX: usize = 26;

/// The texts of kept edges.
///
/// ```
/// use gitmind_journal::{Edges, Texts};
/// use gitmind_memory::{Alloc, InternTable, Pooling, System, Vec, Zeroing};
/// let system = System::new();
/// let alloc = Alloc::new(&system);
/// let mut texts = Texts::new(InternTable::new(alloc, Pooling::On, Zeroing::Off));
/// // Twice an edge from `a` to `a`.
/// let payload = [0xa2, 5, 0x61, b'a', 6, 0x61, b'a', 0xa2, 5, 0x61, b'a', 6, 0x61, b'a'];
/// let mut kept = Vec::new(alloc);
/// for edge in Edges::new(&payload) {
///     kept.try_push(texts.keep(&edge?)?)?;
/// }
/// assert_eq!((texts.counts().met, texts.counts().stored), (4, 1));
/// let mut buffer = Vec::new(alloc);
/// assert_eq!(texts.edge(&kept[1], &mut buffer)?.target_path, b"a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Texts<'a> {
    table: InternTable<'a>,
    met: u64,
    met_bytes: Bytes,
}

impl fmt::Debug for Texts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("met", &self.met).finish_non_exhaustive()
    }
}

/// How often texts repeat. Empty ones are nobody's and are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextCounts {
    /// Texts of the edges that were kept.
    pub met: u64,
    /// Their bytes.
    pub met_bytes: Bytes,
    /// Texts that differ, each stored once.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: Bytes,
}

/// An edge whose texts are in [`Texts`]. It is only valid there, and as long.
#[derive(Clone, Copy, Debug)]
pub struct KeptEdge {
    ids: [Oid; 4],
    timestamp_ms: u64,
    relation: Relation,
    confidence: Confidence,
    paths: [Option<Symbol>; 2],
    who: Option<KeptAttribution>,
    ulid: [u8; ULID_BYTES_MAX],
    ulid_len: u8,
}

#[derive(Clone, Copy, Debug)]
struct KeptAttribution {
    origin: Origin,
    flags: u32,
    lane: u32,
    author: Option<Symbol>,
    session: Option<Symbol>,
}

impl<'a> Texts<'a> {
    /// None yet, in `table`, which nobody else uses.
    pub const fn new(table: InternTable<'a>) -> Self {
        Self { table, met: 0, met_bytes: Bytes::ZERO }
    }

    /// Keeps `edge`: what it borrows may go.
    ///
    /// # Errors
    /// Every refusal of the port; texts that were stored before it stay.
    ///
    /// # Panics
    /// When its ULID is longer than any that is decoded, 26 bytes.
    pub fn keep(&mut self, edge: &Edge<'_>) -> Result<KeptEdge, MemoryError> {
        let who = edge.attribution.map(|who| {
            let (author, session) = (self.store(who.author)?, self.store(who.session)?);
            let Attribution { origin, flags, lane, .. } = who;
            Ok::<_, MemoryError>(KeptAttribution { origin, flags, lane, author, session })
        });
        let mut ulid = [0; ULID_BYTES_MAX];
        ulid[..edge.ulid.len()].copy_from_slice(edge.ulid);
        let ulid_len = u8::try_from(edge.ulid.len());
        Ok(KeptEdge {
            ids: [edge.legacy_source, edge.legacy_target, edge.source, edge.target],
            timestamp_ms: edge.timestamp_ms,
            relation: edge.relation,
            confidence: edge.confidence,
            paths: [self.store(edge.source_path)?, self.store(edge.target_path)?],
            who: who.transpose()?,
            ulid,
            ulid_len: ulid_len.expect("this holds because it fitted 26 bytes"),
        })
    }

    /// The edge that was kept; its texts are put into `buffer`, whose old content is dropped.
    ///
    /// # Errors
    /// Every refusal of the port.
    ///
    /// # Panics
    /// When `kept` is from other texts.
    pub fn edge<'e>(
        &mut self,
        kept: &'e KeptEdge,
        buffer: &'e mut Vec<'_, u8>,
    ) -> Result<Edge<'e>, MemoryError> {
        buffer.clear();
        let [source_path, target_path] = kept.paths;
        let (author, session) = kept.who.map_or((None, None), |who| (who.author, who.session));
        let mut ends = [0; 4];
        for (end, symbol) in ends.iter_mut().zip([source_path, target_path, author, session]) {
            self.append(symbol, buffer)?;
            *end = buffer.len();
        }
        let text = |index: usize| {
            let start = if index == 0 { 0 } else { ends[index - 1] };
            &buffer[start..ends[index]]
        };
        let [legacy_source, legacy_target, source, target] = kept.ids;
        Ok(Edge {
            legacy_source,
            legacy_target,
            relation: kept.relation,
            confidence: kept.confidence,
            timestamp_ms: kept.timestamp_ms,
            source_path: text(0),
            target_path: text(1),
            ulid: &kept.ulid[..usize::from(kept.ulid_len)],
            source,
            target,
            attribution: kept.who.map(|KeptAttribution { origin, flags, lane, .. }| Attribution {
                origin,
                author: text(2),
                session: text(3),
                flags,
                lane,
            }),
        })
    }

    /// How often texts repeat.
    pub fn counts(&self) -> TextCounts {
        let (stored, stored_bytes) = self.table.held();
        let Self { met, met_bytes, .. } = *self;
        TextCounts { met, met_bytes, stored, stored_bytes }
    }

    fn store(&mut self, text: &[u8]) -> Result<Option<Symbol>, MemoryError> {
        if text.is_empty() {
            return Ok(None);
        }
        let symbol = self.table.unshared().acquire(text)?;
        self.met += 1;
        self.met_bytes = Bytes::new(self.met_bytes.get() + text.len() as u64);
        Ok(Some(symbol))
    }

    fn append(&mut self, symbol: Option<Symbol>, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        let Some(symbol) = symbol else { return Ok(()) };
        let mut table = self.table.unshared();
        let text = table.resolve(symbol);
        let text = text.expect("this holds because a kept edge's texts are held until the end");
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

    fn texts(alloc: Alloc<'_>) -> Texts<'_> {
        Texts::new(InternTable::seeded(alloc, Pooling::On, Zeroing::Off, 7))
    }

    fn plain<'e>(texts: &'e [std::vec::Vec<u8>; 5], is_attributed: bool, number: u64) -> Edge<'e> {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        let [source_path, target_path, ulid, author, session] = texts.each_ref();
        let id = |byte: u64| Oid::new([byte.to_le_bytes()[0]; 20]);
        let origin = Origin(number.to_le_bytes()[1].into());
        let (flags, lane) = (7, 100);
        let who = Attribution { origin, author, session, flags, lane };
        Edge {
            legacy_source: id(number),
            legacy_target: id(number + 1),
            source: id(number + 2),
            target: id(number + 3),
            timestamp_ms: number,
            source_path,
            target_path,
            ulid,
            attribution: is_attributed.then_some(who),
            ..blank
        }
    }

    proptest! {
        #[test]
        fn what_was_kept_comes_back_and_each_text_is_stored_once(
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
            let (mut model, mut met, mut met_bytes) = (BTreeSet::new(), 0, 0);
            for edge in edges() {
                let who = edge.attribution.unwrap_or_default();
                let all = [edge.source_path, edge.target_path, who.author, who.session];
                for text in all.into_iter().filter(|text| !text.is_empty()) {
                    model.insert(text);
                    met += 1;
                    met_bytes += text.len();
                }
            }
            let system = System::new();
            let mut texts = texts(Alloc::new(&system));
            let kept: Result<std::vec::Vec<_>, _> = edges().map(|edge| texts.keep(&edge)).collect();
            let kept = kept.expect("there is memory");
            let mut buffer = Vec::new(Alloc::new(&system));
            for (kept, edge) in kept.iter().zip(edges()) {
                prop_assert_eq!(texts.edge(kept, &mut buffer).expect("there is memory"), edge);
            }
            let stored_bytes = Bytes::from(model.iter().map(|text| text.len()).sum::<usize>());
            let met_bytes = Bytes::from(met_bytes);
            let expected = TextCounts { met, met_bytes, stored: model.len() as u64, stored_bytes };
            prop_assert_eq!(texts.counts(), expected);
        }
    }

    #[test]
    fn each_refusal_surfaces_and_nothing_leaks() {
        let names = ["src/a.c", "docs/a.md", "01M8", "user@local", "s"];
        let names = names.map(|name| name.as_bytes().to_vec());
        let work = |alloc: Alloc<'_>| {
            let mut texts = texts(alloc);
            let kept = texts.keep(&plain(&names, true, 1))?;
            let mut buffer = Vec::new(alloc);
            texts.edge(&kept, &mut buffer).map(drop)
        };
        sweep(work).assert_propagated();
        assert_no_leaks(work).expect("there is memory");
    }
}
