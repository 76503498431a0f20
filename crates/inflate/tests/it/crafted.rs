//! Streams that no compressor writes, with the checksum of what a careless decoder makes of them.

use crate::target::{checksum, is_accepted};
use gitmind_inflate::BlockInflater;

/// A number and its bits.
type Code = (usize, usize);

const A: Code = (0b00, 2);
const B: Code = (0b01, 2);
const END: Code = (0b10, 2);
/// A match of three bytes, before its distance.
const MATCH: Code = (0b11, 2);
const DISTANCE_1: Code = (0, 1);
const DISTANCE_2: Code = (1, 1);

/// What a byte of the output is before it is written.
const UNTOUCHED: u8 = 0xa5;

/// A block whose codes are those above, until its fields are changed.
struct Block {
    literals: usize,
    distances: usize,
    /// The lengths of the codes, or 16 to 18 with the extra bits of a run.
    lens: Vec<(usize, usize)>,
    codes: Vec<Code>,
    content: Vec<u8>,
}

impl Block {
    fn new(codes: &[Code], content: &[u8]) -> Self {
        let is_used = |symbol| [usize::from(b'a'), usize::from(b'b'), 256, 257].contains(&symbol);
        let literals = (0..258).map(|symbol| if is_used(symbol) { 2 } else { 0 });
        let lens = literals.chain([1, 1]).map(|len| (len, 0)).collect();
        Self { literals: 258, distances: 2, lens, codes: codes.into(), content: content.into() }
    }

    /// With the length of the code of a symbol changed.
    fn with_len(mut self, symbol: usize, len: usize) -> Self {
        self.lens[symbol] = (len, 0);
        self
    }

    fn stream(&self) -> Vec<u8> {
        let mut bits = vec![];
        put(&mut bits, (0b101, 3));
        put(&mut bits, (self.literals - 257, 5));
        put(&mut bits, (self.distances - 1, 5));
        put(&mut bits, (15, 4));
        // Of the lengths, 0 to 12 have codes of four bits, 13 to 18 have codes of five.
        for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
            put(&mut bits, (if symbol < 13 { 4 } else { 5 }, 3));
        }
        for (len, extra) in &self.lens {
            put_code(&mut bits, if *len < 13 { (*len, 4) } else { (26 + len - 13, 5) });
            put(&mut bits, (*extra, [2, 3, 7].get(len.wrapping_sub(16)).copied().unwrap_or(0)));
        }
        self.codes.iter().for_each(|code| put_code(&mut bits, *code));
        let bytes = bits.chunks(8).map(|bits| {
            let byte = bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
            u8::try_from(byte).expect("eight bits")
        });
        let checksum = checksum(&self.content).to_be_bytes();
        [&[0x78, 0x9c][..], &bytes.collect::<Vec<u8>>(), &checksum, &[0; 16]].concat()
    }

    /// Whether the stream is accepted, which the other decoders must do then.
    fn is_accepted(&self) -> bool {
        let (stream, mut output) = (self.stream(), vec![UNTOUCHED; self.content.len()]);
        let is_sound = is_accepted(&stream);
        let is_accepted = BlockInflater::new().inflate(&stream, &mut output).is_some();
        assert_eq!(is_accepted, is_sound, "with a size that is not the stream's");
        is_accepted
    }
}

/// Appends a number, the lowest bit first.
fn put(bits: &mut Vec<usize>, (number, count): Code) {
    bits.extend((0..count).map(|bit| number >> bit & 1));
}

/// Appends a code, the highest bit first.
fn put_code(bits: &mut Vec<usize>, (code, count): Code) {
    bits.extend((0..count).rev().map(|bit| code >> bit & 1));
}

#[test]
fn sound_blocks_are_accepted() {
    assert!(Block::new(&[A, B, END], b"ab").is_accepted());
    assert!(Block::new(&[A, MATCH, DISTANCE_1, END], b"aaaa").is_accepted());
    assert!(Block::new(&[A, B, MATCH, DISTANCE_2, END], b"ababa").is_accepted());
}

#[test]
fn a_match_from_before_the_start_is_declined() {
    for content in [b"aaaa", b"a\xa5\xa5\xa5", b"a\xa5a\xa5"] {
        assert!(!Block::new(&[A, MATCH, DISTANCE_2, END], content).is_accepted());
    }
}

#[test]
fn a_block_that_does_not_fill_the_output_or_has_more_is_declined() {
    assert!(!Block::new(&[A, B, END], b"ab\xa5").is_accepted());
    assert!(!Block::new(&[A, B, A, END], b"ab").is_accepted());
    assert!(!Block::new(&[A, MATCH, DISTANCE_1, END], b"aaa").is_accepted());
}

#[test]
fn more_symbols_than_the_format_has_are_declined() {
    for more in 0..=30 {
        let mut block = Block::new(&[A, B, END], b"ab");
        block.literals += more;
        block.lens.splice(258..258, vec![(0, 0); more]);
        assert_eq!(block.is_accepted(), 258 + more <= 286, "{more}");
        let mut block = Block::new(&[A, B, END], b"ab");
        block.distances += more;
        block.lens.extend(vec![(0, 0); more]);
        assert_eq!(block.is_accepted(), 2 + more <= 30, "{more}");
    }
}

#[test]
fn codes_that_are_not_complete_are_declined() {
    let incomplete = || Block::new(&[A, B, END], b"ab").with_len(257, 0);
    assert!(!incomplete().is_accepted());
    assert!(!incomplete().with_len(257, 3).is_accepted());
    let full = |codes: &[Code], content: &[u8]| {
        Block::new(codes, content).with_len(usize::from(b'a'), 1).with_len(usize::from(b'b'), 1)
    };
    assert!(!full(&[(1, 1), (0, 1)], b"b").is_accepted());
    assert!(!Block::new(&[A, B, END], b"ab").with_len(259, 0).is_accepted());
    assert!(!Block::new(&[A, B, END], b"ab").with_len(259, 2).is_accepted());
}

#[test]
fn runs_of_lengths_end_with_the_symbols_and_repeat_one_of_them() {
    let mut block = Block::new(&[A, B, END], b"ab");
    block.lens.splice(0..3, [(17, 0)]);
    assert!(block.is_accepted());
    block.lens[0] = (16, 0);
    assert!(!block.is_accepted(), "there is no length to repeat");
    let mut block = Block::new(&[A, B, END], b"ab");
    block.distances = 5;
    block.lens.push((17, 0));
    assert!(block.is_accepted());
    block.distances = 4;
    assert!(!block.is_accepted(), "a length of no symbol");
}

#[test]
fn a_block_that_is_not_the_last_is_declined() {
    let block = Block::new(&[A, B, END], b"ab");
    let (mut stream, mut output) = (block.stream(), [UNTOUCHED; 2]);
    stream[2] &= !1;
    assert_eq!(BlockInflater::new().inflate(&stream, &mut output), None);
}
