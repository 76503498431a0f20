//! Decoding the content of a block (RFC 1951, 3.2.3), or of two blocks in turn.

use crate::bits::Bits;
use crate::code::{EMPTY, NOT_LITERAL, Table, lengthen};
use crate::format::{DISTANCES, DISTANCES_EXTRA, LENGTHS, LENGTHS_EXTRA};

/// Fewest bits of the table of literals: a smaller one is not faster.
pub(crate) const LITERALS_BITS_MIN: usize = 9;

/// The tables of a block's codes, and the bits of both.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    pub(crate) literals: Table,
    pub(crate) literals_bits: usize,
    pub(crate) distances: Table,
    pub(crate) distances_bits: usize,
}

impl Tables {
    pub(crate) const EMPTY: Self =
        Self { literals: EMPTY, literals_bits: 0, distances: EMPTY, distances_bits: 0 };
}

/// A content, of which a part is decoded.
pub(crate) struct Content<'i, 'o> {
    bits: Bits<'i>,
    output: &'o mut [u8],
    /// Bytes that are decoded.
    at: usize,
}

/// The outcome of a symbol that is not a literal of a run.
enum Step {
    /// The content goes on at this position.
    At(usize),
    /// The content has ended.
    End,
}

impl<'i, 'o> Content<'i, 'o> {
    /// Nothing of the content that begins at `bits`, and must fill `output`.
    pub(crate) const fn new(bits: Bits<'i>, output: &'o mut [u8]) -> Self {
        Self { bits, output, at: 0 }
    }

    /// Decodes the rest; returns how many bytes of the input follow, and the content. `None` when
    /// it is damaged or has another size.
    pub(crate) fn decode(self, tables: &Tables) -> Option<(usize, &'o [u8])> {
        match tables.literals_bits {
            9 => self.decode_by::<9, 5>(tables),
            10 => self.decode_by::<10, 4>(tables),
            _ => self.decode_by::<11, 4>(tables),
        }
    }

    /// As [`Self::decode`]. The table of literals has `BITS` bits; a refill is enough for `RUN`
    /// literals and the bits of the next code.
    #[inline(never)]
    fn decode_by<const BITS: usize, const RUN: usize>(
        self,
        tables: &Tables,
    ) -> Option<(usize, &'o [u8])> {
        const { assert!((RUN + 1) * BITS <= 56) };
        let Self { mut bits, output, mut at } = self;
        bits.refill()?;
        let mut entry = u32::from(tables.literals[bits.peek(BITS)]);
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
                    entry = tables.literals[bits.peek(BITS)].into();
                }
                at += decoded;
                bits.count_skipped(entries);
                bits.refill()?;
                if decoded == RUN {
                    continue;
                }
            }
            match step(entry, &mut bits, tables, output, at)? {
                Step::At(next) => at = next,
                Step::End => {
                    return (at == output.len()).then_some((bits.bytes_left(), output));
                }
            }
            bits.refill()?;
            entry = tables.literals[bits.peek(BITS)].into();
        }
    }

    /// Decodes both contents until one of them ends, nearly ends or is damaged there, which is left
    /// to [`Self::decode`].
    pub(crate) fn decode_both(contents: [&mut Self; 2], tables: &mut [Tables; 2]) {
        let bits = tables[0].literals_bits.max(tables[1].literals_bits);
        for tables in &mut *tables {
            tables.literals_bits = lengthen(&mut tables.literals, tables.literals_bits, bits);
        }
        match bits {
            9 => Self::decode_both_by::<9, 5>(contents, tables),
            10 => Self::decode_both_by::<10, 4>(contents, tables),
            _ => Self::decode_both_by::<11, 4>(contents, tables),
        };
    }

    /// As [`Self::decode_both`], with tables of literals of `BITS` bits. The result says nothing.
    #[inline(never)]
    fn decode_both_by<const BITS: usize, const RUN: usize>(
        [first, second]: [&mut Self; 2],
        [first_tables, second_tables]: &[Tables; 2],
    ) -> Option<()> {
        const { assert!((RUN + 1) * BITS <= 56) };
        first.bits.refill()?;
        second.bits.refill()?;
        let mut entry = u32::from(first_tables.literals[first.bits.peek(BITS)]);
        let mut second_entry = u32::from(second_tables.literals[second.bits.peek(BITS)]);
        loop {
            let run = first.output[first.at..].first_chunk_mut::<RUN>()?;
            let second_run = second.output[second.at..].first_chunk_mut::<RUN>()?;
            let (mut bits, mut second_bits) = (first.bits, second.bits);
            let (mut decoded, mut entries, mut second_entries) = (0, 0, 0);
            for (literal, second_literal) in run.iter_mut().zip(second_run) {
                if (entry | second_entry) & NOT_LITERAL != 0 {
                    break;
                }
                bits.skip(entry);
                second_bits.skip(second_entry);
                entries += entry;
                second_entries += second_entry;
                *literal = entry.to_le_bytes()[1];
                *second_literal = second_entry.to_le_bytes()[1];
                decoded += 1;
                entry = first_tables.literals[bits.peek(BITS)].into();
                second_entry = second_tables.literals[second_bits.peek(BITS)].into();
            }
            bits.count_skipped(entries);
            second_bits.count_skipped(second_entries);
            (first.bits, second.bits) = (bits, second_bits);
            first.at += decoded;
            second.at += decoded;
            first.bits.refill()?;
            second.bits.refill()?;
            if decoded == RUN {
                continue;
            }
            if entry & NOT_LITERAL != 0 {
                entry = first.step_over::<BITS>(entry, first_tables)?;
            }
            if second_entry & NOT_LITERAL != 0 {
                second_entry = second.step_over::<BITS>(second_entry, second_tables)?;
            }
        }
    }

    /// Decodes a match and returns the entry behind it; `None`, and nothing is decoded, when the
    /// content ends or is damaged.
    fn step_over<const BITS: usize>(&mut self, entry: u32, tables: &Tables) -> Option<u32> {
        let mut bits = self.bits;
        match step(entry, &mut bits, tables, self.output, self.at)? {
            Step::At(at) => (self.bits, self.at) = (bits, at),
            Step::End => return None,
        }
        self.bits.refill()?;
        Some(tables.literals[self.bits.peek(BITS)].into())
    }
}

/// Decodes one symbol, which has the entry `entry`; `None` when it is damaged or does not fit.
#[inline(always)]
fn step(
    entry: u32,
    bits: &mut Bits<'_>,
    tables: &Tables,
    output: &mut [u8],
    at: usize,
) -> Option<Step> {
    let symbol = bits.take_code(entry);
    if entry & NOT_LITERAL == 0 {
        *output.get_mut(at)? = entry.to_le_bytes()[1];
        return Some(Step::At(at + 1));
    }
    let Some(length) = symbol.checked_sub(1) else { return Some(Step::End) };
    let len = LENGTHS.get(length)? + bits.take(LENGTHS_EXTRA[length]);
    let distance = bits.take_code(tables.distances[bits.peek(tables.distances_bits)].into());
    let back = DISTANCES.get(distance)? + bits.take(DISTANCES_EXTRA[distance]);
    copy(output, at, back, len).map(Step::At)
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
