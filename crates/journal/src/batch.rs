//! New edges, encoded into the payloads of the commits that will hold them.
//!
//! Payloads are split where the C tool splits them: a payload has at most 65 536 bytes, and gets no
//! further edge once it has more than 65 024. The encoded length of an edge is computed first, so
//! that an edge that does not fit starts the next payload.

use super::cbor::{EncodeError, encode_edge, encoded_len};
use super::edge::Edge;
use super::message::PAYLOAD_BYTES_MAX;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// A payload longer than this gets no further edge.
const CLOSED_ABOVE_BYTES: usize = PAYLOAD_BYTES_MAX - 512;

/// Why an edge cannot be appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A text is not UTF-8, or has control characters: readers print the stored text, and a
    /// terminal would interpret them.
    #[error("the {field} is not UTF-8 or has control characters")]
    NotText {
        /// Which text.
        field: &'static str,
    },
    /// The edge cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl BatchError {
    /// The allocation failure, if one is the cause.
    pub const fn memory(&self) -> Option<MemoryError> {
        match self {
            Self::Encode(EncodeError::Memory(error)) => Some(*error),
            _ => None,
        }
    }
}

/// Edges that are appended in one ref update.
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
    /// An empty batch; does not allocate.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self { payloads: Vec::new(alloc), edges: 0 }
    }

    /// Adds an edge at the end.
    ///
    /// # Errors
    /// A [`BatchError`]; the batch is then unchanged.
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

    /// The number of edges.
    pub const fn edges(&self) -> u64 {
        self.edges
    }

    /// The payload of each commit, oldest first.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.payloads.iter().map(Vec::as_slice)
    }
}

fn check_texts(edge: &Edge<'_>) -> Result<(), BatchError> {
    let attribution = edge.attribution.unwrap_or_default();
    let texts = [
        ("source path", edge.source_path),
        ("target path", edge.target_path),
        ("ULID", edge.ulid),
        ("author", attribution.author),
        ("session", attribution.session),
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

    /// The model: lengths of the payloads for edges of these encoded sizes.
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
    fn the_example_of_the_c_library_splits_where_the_c_library_splits_it() {
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
    fn the_limits_of_a_payload_are_exact_to_the_byte() {
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
    fn a_path_with_control_characters_or_invalid_utf8_is_rejected() {
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
    fn each_allocation_failure_is_returned_and_leaves_the_batch_unchanged() {
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
