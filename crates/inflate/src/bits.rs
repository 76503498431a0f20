//! Reading bits, the lowest of each byte first (RFC 1951, 3.1.1).

/// The bits of an input.
#[derive(Clone, Copy)]
pub(crate) struct Bits<'i> {
    /// The bytes that are not in the buffer.
    input: &'i [u8],
    /// The next bits, the next one lowest. Above the first `count` are some of `input`.
    buffer: u64,
    count: usize,
}

impl<'i> Bits<'i> {
    pub(crate) const fn new(input: &'i [u8]) -> Self {
        Self { input, buffer: 0, count: 0 }
    }

    /// Fills the buffer with at least 56 bits; `None` when the input has less than 8 bytes.
    #[inline(always)]
    pub(crate) fn refill(&mut self) -> Option<()> {
        let word = u64::from_le_bytes(*self.input.first_chunk()?);
        self.buffer |= word << (self.count % 64);
        self.input = &self.input[7 - self.count / 8 % 8..];
        self.count |= 56;
        Some(())
    }

    /// Fills the buffer if it has less than `count` bits.
    #[inline(always)]
    pub(crate) fn ensure(&mut self, count: usize) -> Option<()> {
        if self.count < count { self.refill() } else { Some(()) }
    }

    /// The next `count` bits as a number, which are not taken.
    #[inline(always)]
    pub(crate) fn peek(&self, count: usize) -> usize {
        let number = self.buffer & ((1 << count) - 1);
        usize::try_from(number).expect("it fits because no number has more than 13 bits")
    }

    /// Takes the next `count` bits as a number.
    #[inline(always)]
    pub(crate) fn take(&mut self, count: usize) -> usize {
        let number = self.peek(count);
        self.buffer >>= count;
        self.count -= count;
        number
    }

    /// Takes the code of a table's entry; returns its symbol, of one that is no literal less 256.
    #[inline(always)]
    pub(crate) fn take_code(&mut self, entry: u32) -> usize {
        self.take((entry % 16) as usize);
        (entry >> 8) as usize
    }

    /// Takes the code of a literal's entry from the buffer, for [`Self::count_skipped`].
    #[inline(always)]
    pub(crate) fn skip(&mut self, entry: u32) {
        self.buffer >>= entry % 64;
    }

    /// Counts the codes of literals that were skipped, by the sum of their entries: no carry leaves
    /// the low byte, which is the sum of their lengths.
    #[inline(always)]
    pub(crate) fn count_skipped(&mut self, entries: u32) {
        self.count -= (entries % 256) as usize;
    }

    /// The bytes behind the last bit that was taken.
    pub(crate) const fn bytes_left(&self) -> usize {
        self.input.len() + self.count / 8
    }
}
