//! Canonical Huffman codes: from the lengths of the codes to a table (RFC 1951, 3.2.2).

/// Longest code in bits; the format allows 15.
pub(crate) const LEN_MAX: usize = 11;
/// Most symbols, those of literals and lengths.
const SYMBOLS_MAX: usize = 288;
/// Set in an entry whose symbol is not a literal but 256 or more.
pub(crate) const NOT_LITERAL: u32 = 0x80;

/// By the next bits of a stream, the entry of the code that they begin with: the low byte of the
/// symbol is its high byte, and its low byte is the length of the code, and [`NOT_LITERAL`].
pub(crate) type Table = [u16; 1 << LEN_MAX];

pub(crate) const EMPTY: Table = [0; 1 << LEN_MAX];

/// The bits of each number in the opposite order.
static REVERSED: Table = {
    let mut reversed = EMPTY;
    let mut number = 0;
    while number < 1 << LEN_MAX {
        reversed[number as usize] = u16::reverse_bits(number) >> (16 - LEN_MAX);
        number += 1;
    }
    reversed
};

/// A code: the entries of its symbols, which have no lengths yet, listed by their lengths.
pub(crate) struct Code {
    lists: [[u16; SYMBOLS_MAX]; LEN_MAX + 1],
    counts: [usize; LEN_MAX + 1],
}

impl Code {
    pub(crate) const fn new() -> Self {
        Self { lists: [[0; SYMBOLS_MAX]; LEN_MAX + 1], counts: [0; LEN_MAX + 1] }
    }

    pub(crate) fn clear(&mut self) {
        self.counts = [0; LEN_MAX + 1];
    }

    /// Adds a symbol, which is greater than those before, with the length of its code, or 0 if it
    /// has none; `None` when that is too long, or there are too many symbols.
    #[inline(always)]
    pub(crate) fn push(&mut self, symbol: usize, len: usize) -> Option<()> {
        let (list, count) = (self.lists.get_mut(len)?, self.counts.get_mut(len)?);
        let [low, high, ..] = symbol.to_le_bytes();
        *list.get_mut(*count)? = u16::from_le_bytes([high << 7, low]);
        *count += 1;
        Some(())
    }

    /// Fills `table` for `bits_min` bits, or as many as the longest code has; returns how many.
    /// `None` when the code is not complete: an incomplete one of one code is allowed in places,
    /// but zlib never writes it.
    ///
    /// # Panics
    /// When the longest code has more bits than the length of `table`.
    pub(crate) fn fill<const SIZE: usize>(
        &self,
        bits_min: usize,
        table: &mut [u16; SIZE],
    ) -> Option<usize> {
        // The next code, its first bit highest, whereas the first bit of a stream is the lowest.
        let (mut code, mut bits) = (0, 0);
        for len in 1..=LEN_MAX {
            let list = &self.lists[len][..self.counts[len]];
            if list.is_empty() {
                continue;
            }
            // Before the first code there is nothing to repeat.
            let known = if code > 0 { bits } else { len };
            bits = lengthen(table, known, len);
            for entry in list {
                // That there are too many codes is found below.
                let number = usize::from(REVERSED[code % REVERSED.len()]);
                table[number % SIZE] = entry | u16::from(len.to_le_bytes()[0]);
                code += 1 << (LEN_MAX - len);
            }
        }
        (code == REVERSED.len()).then(|| lengthen(table, bits, bits_min))
    }
}

/// Makes a table of `bits` bits one of `more`, if that is more, and returns the bits that it has:
/// whatever the bits are that are added, the code before them is the same.
pub(crate) fn lengthen(table: &mut [u16], bits: usize, more: usize) -> usize {
    for size in (bits..more).map(|bits| 1 << bits) {
        table.copy_within(..size, size);
    }
    bits.max(more)
}
