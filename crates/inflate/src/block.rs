//! Decoding a stream: its header, the codes of its block, its content, its checksum.

use crate::bits::Bits;
use crate::code::{Code, EMPTY, LEN_MAX, NOT_LITERAL, Table};
use crate::format::{
    DISTANCES, DISTANCES_EXTRA, FINAL_DYNAMIC, LENGTHS, LENGTHS_BITS, LENGTHS_EXTRA, LITERALS_MAX,
    ORDER,
};
use core::fmt;

/// Fewest bits of the table of literals: a smaller one is not faster.
const LITERALS_BITS_MIN: usize = 9;

/// The codes of a stream and their tables, some 19 KB, for one stream after another.
pub struct BlockInflater {
    code: Code,
    lengths: Table,
    literals: Table,
    distances: Table,
}

impl fmt::Debug for BlockInflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockInflater").finish_non_exhaustive()
    }
}

impl Default for BlockInflater {
    fn default() -> Self {
        Self::new()
    }
}

impl BlockInflater {
    /// An inflater for any number of streams.
    pub const fn new() -> Self {
        Self { code: Code::new(), lengths: EMPTY, literals: EMPTY, distances: EMPTY }
    }

    /// Inflates the zlib stream at the start of `input`, whose content has exactly the length of
    /// `output`; returns the length of the stream in bytes.
    ///
    /// `None` when the stream has another shape or size or is damaged, or when less than 12 bytes
    /// follow it. There are any bytes in `output` then.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Option<usize> {
        // Deflate with a window of 32 KiB, no dictionary, any of the four levels (RFC 1950, 2.2).
        let [0x78, 0x01 | 0x5e | 0x9c | 0xda, deflated @ ..] = input else { return None };
        let mut bits = Bits::new(deflated);
        bits.refill()?;
        if bits.take(3) != FINAL_DYNAMIC {
            return None;
        }
        let (literals_bits, distances_bits) = self.read_codes(&mut bits)?;
        match literals_bits {
            9 => self.decode::<9, 5>(distances_bits, &mut bits, output)?,
            10 => self.decode::<10, 4>(distances_bits, &mut bits, output)?,
            _ => self.decode::<11, 4>(distances_bits, &mut bits, output)?,
        }
        let end = input.len() - bits.bytes_left();
        let checksum = input[end..].first_chunk()?;
        let is_sound = adler32furious::adler32(output) == u32::from_be_bytes(*checksum);
        is_sound.then_some(end + checksum.len())
    }

    /// Reads the codes of a block (RFC 1951, 3.2.7); returns the bits of both tables.
    fn read_codes(&mut self, bits: &mut Bits<'_>) -> Option<(usize, usize)> {
        let (literals, distances) = (257 + bits.take(5), 1 + bits.take(5));
        if literals > LITERALS_MAX || distances > DISTANCES.len() {
            return None;
        }
        let order = &ORDER[..4 + bits.take(4)];
        // 17 bits were taken, so there are 63 now, six more than 19 lengths have.
        bits.refill()?;
        let mut lens = [0; ORDER.len()];
        for symbol in order {
            lens[*symbol] = bits.take(3);
        }
        self.code.clear();
        for (symbol, len) in lens.into_iter().enumerate() {
            self.code.push(symbol, len)?;
        }
        self.code.fill(LENGTHS_BITS, &mut self.lengths)?;
        self.read_code(literals, bits)?;
        let literals_bits = self.code.fill(LITERALS_BITS_MIN, &mut self.literals)?;
        self.read_code(distances, bits)?;
        Some((literals_bits, self.code.fill(1, &mut self.distances)?))
    }

    /// Reads the code of so many symbols. The format allows a run of lengths to go on in the next
    /// code, which zlib never writes.
    #[inline(never)]
    fn read_code(&mut self, symbols: usize, from: &mut Bits<'_>) -> Option<()> {
        // A copy is held in registers.
        let mut bits = *from;
        self.code.clear();
        // There is no length before the first one that could be repeated: it is too long.
        let (mut symbol, mut len) = (0, usize::MAX);
        while symbol < symbols {
            bits.ensure(LENGTHS_BITS + 7)?;
            symbol += match bits.take_code(self.lengths[bits.peek(LENGTHS_BITS)].into()) {
                single @ 0..=LEN_MAX => {
                    len = single;
                    self.code.push(symbol, len)?;
                    1
                }
                16 => {
                    let run = 3 + bits.take(2);
                    (symbol..symbol + run).try_for_each(|symbol| self.code.push(symbol, len))?;
                    run
                }
                17 => {
                    len = 0;
                    3 + bits.take(3)
                }
                18 => {
                    len = 0;
                    11 + bits.take(7)
                }
                _ => return None,
            };
        }
        *from = bits;
        (symbol == symbols).then_some(())
    }

    /// Decodes the content of the block (3.2.3), which must fill `output`. The table of literals
    /// has `BITS` bits; a refill is enough for `RUN` literals and the bits of the next code.
    #[inline(never)]
    fn decode<const BITS: usize, const RUN: usize>(
        &self,
        distances_bits: usize,
        from: &mut Bits<'_>,
        output: &mut [u8],
    ) -> Option<()> {
        const { assert!((RUN + 1) * BITS <= 56) };
        // A copy is held in registers.
        let mut bits = *from;
        let mut at = 0;
        bits.refill()?;
        let mut entry = u32::from(self.literals[bits.peek(BITS)]);
        loop {
            if let Some(run) = output[at..].first_chunk_mut::<RUN>() {
                let (mut decoded, mut entries) = (0, 0);
                for literal in run {
                    if entry & NOT_LITERAL != 0 {
                        break;
                    }
                    bits.skip(entry);
                    entries += entry;
                    *literal = entry.to_le_bytes()[1];
                    decoded += 1;
                    entry = self.literals[bits.peek(BITS)].into();
                }
                at += decoded;
                bits.count_skipped(entries);
                bits.refill()?;
                if decoded == RUN {
                    continue;
                }
            }
            let symbol = bits.take_code(entry);
            if entry & NOT_LITERAL == 0 {
                *output.get_mut(at)? = entry.to_le_bytes()[1];
                at += 1;
            } else if let Some(length) = symbol.checked_sub(1) {
                let len = LENGTHS.get(length)? + bits.take(LENGTHS_EXTRA[length]);
                let distance = bits.take_code(self.distances[bits.peek(distances_bits)].into());
                let back = DISTANCES.get(distance)? + bits.take(DISTANCES_EXTRA[distance]);
                at = copy(output, at, back, len)?;
            } else {
                *from = bits;
                return (at == output.len()).then_some(());
            }
            bits.refill()?;
            entry = self.literals[bits.peek(BITS)].into();
        }
    }
}

/// Repeats the `len` bytes that begin `back` before the position `at`, and may go beyond it;
/// returns the position behind them.
fn copy(output: &mut [u8], at: usize, back: usize, len: usize) -> Option<usize> {
    let start = at.checked_sub(back)?;
    let end = at + len;
    if end > output.len() {
        return None;
    }
    if back >= len {
        output.copy_within(start..start + len, at);
    } else {
        (at..end).for_each(|at| output[at] = output[at - back]);
    }
    Some(end)
}
