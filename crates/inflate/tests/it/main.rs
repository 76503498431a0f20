//! The decoder against sirocco and zlib-rs, on streams of every kind and on damaged ones.

mod crafted;
#[path = "../../../cache/tests/corpus/targets/inflate.rs"]
mod target;

use gitmind_inflate::BlockInflater;
use proptest::prelude::*;
use std::path::Path;
use target::{inflate, is_accepted};
use zlib_rs::{DeflateConfig, Strategy as Deflating, compress_bound, compress_slice};

const STRATEGIES: [Deflating; 5] = [
    Deflating::Default,
    Deflating::Filtered,
    Deflating::HuffmanOnly,
    Deflating::Rle,
    Deflating::Fixed,
];

/// Bytes behind a stream that are enough for it to be accepted.
const FOLLOWING_BYTES: usize = 12;

fn deflate(content: &[u8], config: DeflateConfig) -> Vec<u8> {
    let mut stream = vec![0; compress_bound(content.len())];
    let len = compress_slice(&mut stream, content, config).0.len();
    stream.truncate(len);
    stream
}

fn by_level(content: &[u8], level: i32) -> Vec<u8> {
    deflate(content, DeflateConfig { level, ..DeflateConfig::default() })
}

fn is_accepted_with_following(stream: &[u8]) -> bool {
    is_accepted(&[stream, &[0xff; FOLLOWING_BYTES]].concat())
}

/// A commit like those of a journal: hex, then base64 of what looks like noise.
fn commit(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut digits = |alphabet: &[u8], count: usize| -> Vec<u8> {
        (0..count)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                alphabet[usize::try_from(state >> 40).expect("24 bits") % alphabet.len()]
            })
            .collect()
    };
    let hex = b"0123456789abcdef";
    let base64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (tree, parent) = (digits(hex, 40), digits(hex, 40));
    let message = digits(base64, 200 + usize::try_from(number % 97).expect("few"));
    let person = b" A U Thor <author@example.com> 1700000000 +0000\n";
    [
        b"tree ",
        &tree[..],
        b"\nparent ",
        &parent,
        b"\nauthor",
        person,
        b"committer",
        person,
        b"\n",
        &message,
    ]
    .concat()
}

/// A content whose longest code has `symbols` bits: each value is there twice as often as the last.
fn skewed(symbols: u8) -> Vec<u8> {
    (0..symbols).flat_map(|symbol| std::iter::repeat_n(symbol, 1 << symbol)).collect()
}

#[test]
fn commits_are_accepted_at_every_level_with_dynamic_codes() {
    for number in 0..300 {
        for level in 2..=9 {
            let stream = by_level(&commit(number), level);
            assert!(is_accepted_with_following(&stream), "commit {number}, level {level}");
        }
    }
}

#[test]
fn codes_of_up_to_eleven_bits_are_accepted() {
    let config = DeflateConfig { strategy: Deflating::HuffmanOnly, ..DeflateConfig::default() };
    for bits in 6..=13 {
        let is_accepted = is_accepted_with_following(&deflate(&skewed(bits), config));
        assert_eq!(is_accepted, bits <= 11, "{bits} bits");
    }
}

#[test]
fn other_shapes_are_declined() {
    let long: Vec<u8> = (0..200).flat_map(commit).collect();
    let fixed = DeflateConfig { strategy: Deflating::Fixed, ..Default::default() };
    let window = DeflateConfig { window_bits: 12, ..Default::default() };
    for (stream, about) in [
        (by_level(&commit(1), 0), "a stored block"),
        (by_level(&commit(1), 1), "fixed codes, for speed"),
        (deflate(&commit(1), fixed), "fixed codes"),
        (by_level(&long, 6), "several blocks"),
        (deflate(&commit(1), window), "a smaller window"),
    ] {
        assert!(!is_accepted_with_following(&stream), "{about}");
    }
}

#[test]
fn a_stream_at_the_end_of_the_input_is_declined_or_read_in_full() {
    let content = commit(7);
    let stream = by_level(&content, 6);
    let mut output = vec![0; content.len()];
    for following in 0..=FOLLOWING_BYTES {
        let input = [&stream[..], &vec![0xff; following]].concat();
        let read = BlockInflater::new().inflate(&input, &mut output);
        assert!(read.is_none_or(|read| read == stream.len() && output == content));
        assert!(read.is_some() || following < FOLLOWING_BYTES);
    }
}

#[test]
fn every_file_of_the_corpus_inflates_as_by_the_others() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus");
    let targets = std::fs::read_dir(corpus).expect("there is a corpus");
    let files = targets.flat_map(|target| {
        std::fs::read_dir(target.expect("readable").path()).expect("it is a directory")
    });
    for file in files.step_by(3) {
        let content = std::fs::read(file.expect("readable").path()).expect("readable");
        for level in [1, 6, 9] {
            is_accepted_with_following(&by_level(&content, level));
        }
    }
}

#[test]
fn damage_at_any_place_is_declined_or_read_as_by_the_others() {
    for content in [commit(3), skewed(9), b"abcabcabcabd".repeat(9)] {
        let stream = by_level(&content, 6);
        for at in 0..stream.len() {
            inflate(&stream[..at]);
            for bit in 0..8 {
                let mut damaged = stream.clone();
                damaged[at] ^= 1 << bit;
                inflate(&damaged);
            }
        }
    }
}

/// Bytes with up to `most` values, with runs and repetitions, or all alike.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let part = (1..=255_u8, 1..300_usize, 1..20_usize).prop_flat_map(|(most, len, times)| {
        prop::collection::vec(any::<u8>().prop_map(move |byte| byte % most), len)
            .prop_map(move |part| part.repeat(times))
    });
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn streams_of_every_level_and_strategy_inflate_as_by_the_others(
        content in content(),
        level in -1..=9_i32,
        strategy in prop::sample::select(&STRATEGIES[..]),
        mem_level in 1..=9_i32,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let config = DeflateConfig { level, strategy, mem_level, ..DeflateConfig::default() };
        let mut stream = deflate(&content, config);
        is_accepted_with_following(&stream);
        for (at, byte) in damage {
            let at = at.index(stream.len());
            stream[at] = byte;
            inflate(&stream);
        }
    }
}
