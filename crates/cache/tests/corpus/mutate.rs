//! A deterministic mutator of inputs: changes, removes, duplicates and joins bytes.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Largest length of an input in bytes.
const BYTES_MAX: usize = 4096;
/// Bytes that the formats treat specially: length boundaries, CBOR heads, separators.
const SPECIAL: [u8; 16] =
    [0, 1, 0x17, 0x18, 0x19, 0x1b, 0x20, 0x54, 0x7f, 0x80, 0xa0, 0xaf, 0xff, b'\n', b'=', b' '];

/// Mutates the inputs of a corpus.
pub(crate) struct Mutator<'c> {
    corpus: &'c [Vec<u8>],
    random: Xoshiro256PlusPlus,
}

impl<'c> Mutator<'c> {
    /// A mutator of `corpus`, which must not be empty; the seed is derived from `name`.
    pub(crate) fn new(name: &str, corpus: &'c [Vec<u8>]) -> Self {
        let seed = name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
        Self { corpus, random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.random.next_u64() % limit.max(1) as u64).expect("it is below a usize")
    }

    /// The next mutated input.
    pub(crate) fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.corpus[self.below(self.corpus.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len());
        let end = (at + 1 + self.below(16)).min(input.len());
        match self.below(7) {
            0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
            1 if !input.is_empty() => input[at] = SPECIAL[self.below(SPECIAL.len())],
            2 => drop(input.drain(at.min(end)..end)),
            3 => {
                let part = input[at.min(end)..end].to_vec();
                input.splice(at..at, part);
            }
            4 => input.insert(at, self.random.next_u64().to_le_bytes()[0]),
            5 => input.truncate(at),
            _ => {
                let other = &self.corpus[self.below(self.corpus.len())];
                let from = self.below(other.len());
                input.splice(at.., other[from.min(other.len())..].iter().copied());
            }
        }
    }
}
