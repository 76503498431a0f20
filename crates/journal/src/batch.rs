//! New edges on their way into commits: payloads as full as the C tool makes them.
//!
//! A payload has at most 65 536 bytes, and is closed once more than 65 024 are in it, as the C tool
//! does. Edges are sized before they are written, so one that does not fit opens the next payload
//! instead of being lost.

use super::cbor::{EncodeError, encode_edge, encoded_len};
use super::edge::Edge;
use super::message::PAYLOAD_BYTES_MAX;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// A payload with more bytes takes no further edge.
const CLOSED_ABOVE_BYTES: usize = PAYLOAD_BYTES_MAX - 512;

/// Why an edge cannot be appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A text is not fit to be shown to people; readers print what is stored.
    #[error("the {field} is not UTF-8 or has control characters")]
    NotText {
        /// Which text.
        field: &'static str,
    },
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl BatchError {
    /// The refusal, when memory was short.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Encode(EncodeError::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

/// Edges to be appended together.
///
/// ```
/// use gitmind_journal::{Batch, Edges};
/// use gitmind_memory::{Alloc, System};
/// let system = System::new();
/// let mut batch = Batch::new(Alloc::new(&system));
/// let edge = Edges::new(&[0xa0]).next().expect("an edge")?;
/// batch.push(&edge)?;
/// assert_eq!((batch.edges(), batch.payloads().len()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Batch<'a> {
    payloads: Vec<'a, Vec<'a, u8>>,
    edges: u64,
}

impl<'a> Batch<'a> {
    /// No edges; takes no memory.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self { payloads: Vec::new(alloc), edges: 0 }
    }

    /// Adds an edge after the others.
    ///
    /// # Errors
    /// A [`BatchError`]; the batch is as before then.
    pub fn push(&mut self, edge: &Edge<'_>) -> Result<(), BatchError> {
        check_texts(edge)?;
        let len = encoded_len(edge);
        let is_open = |payload: &Vec<'_, u8>| {
            payload.len() <= CLOSED_ABOVE_BYTES && payload.len() + len <= PAYLOAD_BYTES_MAX
        };
        match self.payloads.last_mut() {
            Some(payload) if is_open(payload) => encode_edge(edge, payload)?,
            _ => {
                let mut payload = Vec::new(self.payloads.alloc());
                encode_edge(edge, &mut payload)?;
                self.payloads.try_push(payload).map_err(EncodeError::from)?;
            }
        }
        self.edges += 1;
        Ok(())
    }

    /// How many edges there are.
    pub const fn edges(&self) -> u64 {
        self.edges
    }

    /// What goes into each commit, oldest first.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.payloads.iter().map(Vec::as_slice)
    }
}

fn check_texts(edge: &Edge<'_>) -> Result<(), BatchError> {
    let who = edge.attribution.unwrap_or_default();
    let texts = [
        ("source path", edge.source_path),
        ("target path", edge.target_path),
        ("ULID", edge.ulid),
        ("author", who.author),
        ("session", who.session),
    ];
    let is_text = |text: &[u8]| {
        let text = str::from_utf8(text);
        text.is_ok_and(|text| !text.contains(char::is_control))
    };
    match texts.into_iter().find(|(_, text)| !is_text(text)) {
        Some((field, _)) => Err(BatchError::NotText { field }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Edges;
    use gitmind_memory::System;
    use gitmind_memory::testing::sweep;
    use proptest::prelude::*;

    const BLANK: &[u8] = &[0xa0];

    fn with_paths<'e>(source_path: &'e [u8], target_path: &'e [u8]) -> Edge<'e> {
        let blank = Edges::new(BLANK).next().expect("an edge").expect("a whole one");
        Edge { source_path, target_path, ..blank }
    }

    /// How many bytes the payloads of edges of these sizes have.
    fn payload_lens(sizes: &[usize]) -> std::vec::Vec<usize> {
        let mut lens: std::vec::Vec<usize> = vec![];
        for size in sizes {
            match lens.last_mut() {
                Some(len) if *len <= 65_024 && *len + size <= 65_536 => *len += size,
                _ => lens.push(*size),
            }
        }
        lens
    }

    proptest! {
        #[test]
        fn payloads_split_where_the_c_tool_closes_them_and_lose_nothing(
            paths in prop::collection::vec((0..4096_usize, 0..4096_usize), 0..60),
        ) {
            let text = [b'x'; 4095];
            let system = System::new();
            let mut batch = Batch::new(Alloc::new(&system));
            let mut sizes = vec![];
            for (source, target) in &paths {
                let edge = with_paths(&text[..*source], &text[..*target]);
                sizes.push(encoded_len(&edge));
                batch.push(&edge).expect("within limits");
            }
            let lens: std::vec::Vec<_> = batch.payloads().map(<[u8]>::len).collect();
            prop_assert_eq!(lens, payload_lens(&sizes));
            let edges = batch.payloads().flat_map(Edges::new).map(|edge| {
                let edge = edge.expect("whole edges");
                (edge.source_path.len(), edge.target_path.len())
            });
            prop_assert!(edges.eq(paths.iter().copied()));
            prop_assert_eq!(batch.edges(), paths.len() as u64);
        }
    }

    #[test]
    fn the_library_example_of_the_c_tool_splits_as_there() {
        // 500 edges of 158 bytes: 65 096 bytes, then 13 904.
        let text = [b'x'; 200];
        let base = encoded_len(&with_paths(b"", b""));
        let edge = with_paths(&text[..158 - base - 1], b"");
        assert_eq!(encoded_len(&edge), 158);
        let system = System::new();
        let mut batch = Batch::new(Alloc::new(&system));
        (0..500).for_each(|_| batch.push(&edge).expect("within limits"));
        assert!(batch.payloads().map(<[u8]>::len).eq([65_096, 13_904]));
    }

    /// Adds an edge of exactly `len` bytes.
    fn push_sized(batch: &mut Batch<'_>, len: usize) {
        let text = [b'x'; 4095];
        let mut edges = (0..text.len()).map(|path| with_paths(&text[..path], b""));
        let edge = edges.find(|edge| encoded_len(edge) == len).expect("a path of that length");
        batch.push(&edge).expect("within limits");
    }

    #[test]
    fn limits_of_a_payload_hold_to_the_byte() {
        for (filled, next, are_together) in [
            (65_024, 512, true),
            (65_024, 513, false),
            (65_024, 200, true),
            (65_025, 200, false),
            (64_000, 1536, true),
            (64_000, 1537, false),
        ] {
            let system = System::new();
            let mut batch = Batch::new(Alloc::new(&system));
            (0..15).for_each(|_| push_sized(&mut batch, 4000));
            let rest = filled - 60_000;
            push_sized(&mut batch, rest / 2);
            push_sized(&mut batch, rest - rest / 2);
            push_sized(&mut batch, next);
            let lens = batch.payloads().map(<[u8]>::len);
            let expected = if are_together { vec![filled + next] } else { vec![filled, next] };
            assert!(lens.eq(expected), "{next} bytes after {filled}");
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_written() {
        let system = System::new();
        let mut batch = Batch::new(Alloc::new(&system));
        for path in [b"a\nb".as_slice(), b"\x1b[2J", b"\xff", b"a\0", "\u{85}".as_bytes()] {
            let error = batch.push(&with_paths(path, b"b")).expect_err("not fit");
            assert_eq!(error, BatchError::NotText { field: "source path" });
            batch.push(&with_paths(b"b", path)).expect_err("not fit");
        }
        assert_eq!((batch.edges(), batch.payloads().len()), (0, 0));
    }

    #[test]
    fn each_refusal_surfaces_and_the_batch_is_as_before() {
        let text = [b'x'; 4000];
        sweep(|alloc| {
            let mut batch = Batch::new(alloc);
            for pushed in 0..20 {
                if let Err(error) = batch.push(&with_paths(&text, &text)) {
                    assert_eq!(batch.edges(), pushed);
                    let decoded = batch.payloads().flat_map(Edges::new).filter(Result::is_ok);
                    assert_eq!(decoded.count() as u64, pushed);
                    return Err(error);
                }
            }
            Ok(())
        })
        .assert_propagated();
    }
}
