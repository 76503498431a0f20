//! Decoding streams, one or two at a time: header, the codes of the block, content, checksum.

use crate::bits::Bits;
use crate::code::{Code, LEN_MAX};
use crate::content::{Content, LITERALS_BITS_MIN, Tables};
use crate::format::{DISTANCES, FINAL_DYNAMIC, LENGTHS_BITS, LITERALS_MAX, ORDER};
use core::fmt;

/// The codes of two streams and their tables, some 24 KB, for any number of streams.
pub struct BlockInflater {
    code: Code,
    lengths: [u16; 1 << LENGTHS_BITS],
    tables: [Tables; 2],
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
        let (lengths, tables) = ([0; 1 << LENGTHS_BITS], [Tables::EMPTY; 2]);
        Self { code: Code::new(), lengths, tables }
    }

    /// Inflates the zlib stream at the start of `input`, whose content has exactly the length of
    /// `output`; returns the length of the stream in bytes.
    ///
    /// `None` when the stream has another shape or size or is damaged, or when less than 12 bytes
    /// follow it. There are any bytes in `output` then.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Option<usize> {
        let content = self.begin(0, input, output)?;
        self.finish(0, input, content)
    }

    /// Inflates two streams, each as [`Self::inflate`] does. Their contents are decoded in turn,
    /// where the processor would else wait for one code to find the next.
    pub fn inflate_two(
        &mut self,
        [first, second]: [&[u8]; 2],
        [first_output, second_output]: [&mut [u8]; 2],
    ) -> [Option<usize>; 2] {
        let mut first_content = self.begin(0, first, first_output);
        let mut second_content = self.begin(1, second, second_output);
        if let (Some(first), Some(second)) = (&mut first_content, &mut second_content) {
            Content::decode_both([first, second], &mut self.tables);
        }
        [
            first_content.and_then(|content| self.finish(0, first, content)),
            second_content.and_then(|content| self.finish(1, second, content)),
        ]
    }

    /// Reads the header of a stream, and the codes of its block into the tables of that number.
    fn begin<'i, 'o>(
        &mut self,
        number: usize,
        input: &'i [u8],
        output: &'o mut [u8],
    ) -> Option<Content<'i, 'o>> {
        // Deflate with a window of 32 KiB, no dictionary, any of the four levels (RFC 1950, 2.2).
        let [0x78, 0x01 | 0x5e | 0x9c | 0xda, deflated @ ..] = input else { return None };
        let mut bits = Bits::new(deflated);
        bits.refill()?;
        if bits.take(3) != FINAL_DYNAMIC {
            return None;
        }
        self.read_codes(number, &mut bits)?;
        Some(Content::new(bits, output))
    }

    /// Decodes the rest of a content, and verifies its checksum; returns the length of the stream.
    fn finish(&self, number: usize, input: &[u8], content: Content<'_, '_>) -> Option<usize> {
        let (bytes_left, output) = content.decode(&self.tables[number])?;
        let end = input.len() - bytes_left;
        let checksum = input[end..].first_chunk()?;
        let is_sound = adler32furious::adler32(output) == u32::from_be_bytes(*checksum);
        is_sound.then_some(end + checksum.len())
    }

    /// Reads the codes of a block (RFC 1951, 3.2.7) into the tables of that number.
    fn read_codes(&mut self, number: usize, bits: &mut Bits<'_>) -> Option<()> {
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
        let tables = &mut self.tables[number];
        tables.literals_bits = self.code.fill(LITERALS_BITS_MIN, &mut tables.literals)?;
        self.read_code(distances, bits)?;
        let tables = &mut self.tables[number];
        tables.distances_bits = self.code.fill(1, &mut tables.distances)?;
        Some(())
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
}
