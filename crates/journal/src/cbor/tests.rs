//! Properties of the decoder, and its round trip with the encoder.

use super::super::edge::{Attribution, Confidence, Edge, Origin, Relation};
use super::*;
use gitmind_git::oid::Oid;
use gitmind_memory::{self, Alloc, System};
use proptest::prelude::*;

/// Origin, author, session, flags, lane.
type OwnedAttribution = (u32, Vec<u8>, Vec<u8>, u32, u32);

/// An edge that owns its texts, so that proptest can make one.
#[derive(Clone, Debug)]
struct OwnedEdge {
    ids: [[u8; 20]; 4],
    numbers: (u16, u16, u64),
    texts: [Vec<u8>; 3],
    attribution: Option<OwnedAttribution>,
}

impl OwnedEdge {
    fn borrow(&self) -> Edge<'_> {
        let [legacy_source, legacy_target, source, target] = self.ids.map(Oid::new);
        let [source_path, target_path, ulid] = self.texts.each_ref().map(Vec::as_slice);
        Edge {
            legacy_source,
            legacy_target,
            relation: Relation(self.numbers.0),
            confidence: Confidence(self.numbers.1),
            timestamp_ms: self.numbers.2,
            source_path,
            target_path,
            ulid,
            source,
            target,
            attribution: self.attribution.as_ref().map(|(origin, author, session, flags, lane)| {
                let (flags, lane) = (*flags, *lane);
                Attribution { origin: Origin(*origin), author, session, flags, lane }
            }),
        }
    }
}

fn text(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    let lengths = prop_oneof![0..40_usize, Just(bytes_max), Just(23), Just(24), Just(255)];
    lengths.prop_flat_map(move |len| prop::collection::vec(1..=u8::MAX, len.min(bytes_max)))
}

/// Integers on both sides of every boundary between encodings.
fn integer() -> impl Strategy<Value = u64> {
    let edges = [0, 23, 24, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
    prop_oneof![any::<u64>(), prop::sample::select(edges.to_vec())]
}

fn owned_edge() -> impl Strategy<Value = OwnedEdge> {
    let id = prop::array::uniform20(1..=u8::MAX);
    let attribution = (any::<u32>(), text(63), text(31), any::<u32>(), any::<u32>());
    (
        prop::array::uniform4(id),
        (any::<u16>(), any::<u16>(), integer()),
        [text(4095).boxed(), text(4095).boxed(), text(26).boxed()],
        prop::option::of(attribution),
    )
        .prop_map(|(ids, numbers, texts, attribution)| OwnedEdge {
            ids,
            numbers,
            texts,
            attribution,
        })
}

proptest! {
    #[test]
    fn an_encoded_edge_decodes_to_the_same_edge(
        edges in prop::collection::vec(owned_edge(), 0..4),
    ) {
        let system = System::new();
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        for edge in &edges {
            let before = payload.len();
            encode_edge(&edge.borrow(), &mut payload).expect("texts are within their limits");
            prop_assert_eq!(payload.len() - before, encoded_len(&edge.borrow()));
        }
        let decoded: Result<Vec<_>, _> = Edges::new(&payload).collect();
        let expected: Vec<_> = edges.iter().map(OwnedEdge::borrow).collect();
        prop_assert_eq!(decoded, Ok(expected));
    }

    #[test]
    fn any_bytes_give_edges_then_at_most_one_error(
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut edges = Edges::new(&payload);
        let whole = edges.by_ref().take_while(Result::is_ok).count();
        prop_assert!(whole <= payload.len());
        prop_assert_eq!(edges.next(), None);
    }

    #[test]
    fn a_cut_payload_keeps_the_edges_before_the_cut(
        edges in prop::collection::vec(owned_edge(), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let system = System::new();
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        let mut ends = Vec::new();
        for edge in &edges {
            encode_edge(&edge.borrow(), &mut payload).expect("texts are within their limits");
            ends.push(payload.len());
        }
        let cut = cut.index(payload.len());
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        let start = ends[..whole].last().copied().unwrap_or(0);
        let outcome: Vec<_> = Edges::new(&payload[..cut]).collect();
        prop_assert_eq!(outcome.iter().filter(|edge| edge.is_ok()).count(), whole);
        let error = outcome.last().and_then(|last| last.err()).map(|error| error.offset);
        prop_assert_eq!(error, (start < cut).then_some(start));
    }
}

#[test]
fn a_text_over_its_limit_is_an_error_that_leaves_the_output_unchanged() {
    let long = vec![b'x'; 4096];
    let mut edge = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    edge.source_path = &long;
    let system = System::new();
    let mut out = gitmind_memory::Vec::new(Alloc::new(&system));
    out.try_push(7).expect("there is memory");
    let error = encode_edge(&edge, &mut out).expect_err("a path has at most 4095 bytes");
    assert_eq!(error.to_string(), "the source path has 4096 bytes, the limit is 4095");
    assert_eq!(*out, [7]);
}

#[test]
fn a_text_ends_at_its_first_nul() {
    let payload = [0xa1, 5, 0x63, b'a', 0, b'b'];
    let edge = Edges::new(&payload).next().expect("an edge").expect("a whole one");
    assert_eq!(edge.source_path, b"a");
}
