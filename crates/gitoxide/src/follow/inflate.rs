//! Inflating into a buffer of the operation's allocator, which grows with what was inflated: a
//! header's claim alone gets little memory.
//!
//! Small objects are mostly streams that `gitmind-inflate` accepts, which takes three quarters of
//! sirocco's time; sirocco inflates what that declines.

use gitmind_inflate::BlockInflater;
use gitmind_memory::{MemoryError, Vec};
use sirocco::Format;
use sirocco::inflate::Decoder;

/// Most bytes of room that a claim gets before anything was inflated.
const FIRST_BYTES_MAX: usize = 16 << 10;
/// How many times what was inflated the room becomes, at most, when it is full.
const GROWTH_MAX: usize = 8;

/// The reusable state of inflating, 14 KB.
#[derive(Debug)]
pub struct Inflater(Box<Decoder>);

impl Default for Inflater {
    fn default() -> Self {
        Self(Box::new(Decoder::new(Format::Zlib)))
    }
}

impl Inflater {
    /// Starts to inflate the zlib stream at the start of `input`.
    pub(super) fn stream<'i>(&'i mut self, input: &'i [u8]) -> Stream<'i> {
        self.0.reset();
        Stream { decoder: &mut self.0, input, read: 0, written: 0, has_ended: false }
    }

    /// Appends the content of the zlib stream at the start of `input` to `bytes`, by `block` if it
    /// is given and accepts it; returns the length of the stream. `None` when it is damaged or has
    /// not `size` bytes; `bytes` is then as before.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub fn append(
        &mut self,
        input: &[u8],
        size: usize,
        block: Option<&mut BlockInflater>,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<Option<usize>, MemoryError> {
        let start = bytes.len();
        if let Some(block) = block.filter(|_| size <= FIRST_BYTES_MAX) {
            make_room(size, start, bytes)?;
            if let Some(read) = block.inflate(input, &mut bytes[start..]) {
                return Ok(Some(read));
            }
        }
        let mut stream = self.stream(input);
        let is_sound = stream.fill(size.min(FIRST_BYTES_MAX), start, bytes)?
            && stream.finish(size, start, bytes)?;
        if !is_sound {
            bytes.truncate(start);
        }
        Ok(is_sound.then_some(stream.read))
    }

    /// Appends the contents of two streams, of the sizes `sizes`, to `bytes`; `false` when `block`
    /// declines one of them, and `bytes` is then as before.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub fn append_two(
        inputs: [&[u8]; 2],
        sizes: [usize; 2],
        block: &mut BlockInflater,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<bool, MemoryError> {
        let (start, [first, second]) = (bytes.len(), sizes);
        if first.max(second) > FIRST_BYTES_MAX {
            return Ok(false);
        }
        make_room(first + second, start, bytes)?;
        let (first, second) = bytes[start..].split_at_mut(first);
        let are_read = block.inflate_two(inputs, [first, second]).iter().all(Option::is_some);
        if !are_read {
            bytes.truncate(start);
        }
        Ok(are_read)
    }
}

/// A zlib stream that is being inflated behind the same position of the same buffer.
pub(super) struct Stream<'i> {
    decoder: &'i mut Decoder,
    input: &'i [u8],
    /// Bytes of the input that were read.
    read: usize,
    /// Bytes of the content so far.
    pub(super) written: usize,
    has_ended: bool,
}

impl Stream<'_> {
    /// Inflates until there are `room` bytes behind `start`, or the stream ends; `false` when it is
    /// damaged. `bytes` ends with the content afterwards, unless it is damaged.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn fill(
        &mut self,
        room: usize,
        start: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<bool, MemoryError> {
        make_room(room, start, bytes)?;
        let inflated = self.decoder.decompress(&self.input[self.read..], &mut bytes[start..], true);
        let Ok(progress) = inflated else { return Ok(false) };
        self.has_ended = progress.done;
        self.read += progress.consumed;
        self.written += progress.output.len();
        bytes.truncate(start + self.written);
        Ok(true)
    }

    /// Inflates the rest of a content of `size` bytes; `false` when it is damaged or has another
    /// size.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails.
    pub(super) fn finish(
        &mut self,
        size: usize,
        start: usize,
        bytes: &mut Vec<'_, u8>,
    ) -> Result<bool, MemoryError> {
        // One byte more than claimed, in which longer content is seen.
        let most = size.saturating_add(1);
        while !self.has_ended && self.written < most {
            let room = self.written.saturating_mul(GROWTH_MAX).clamp(1, most);
            if !self.fill(room, start, bytes)? {
                return Ok(false);
            }
        }
        Ok(self.written == size)
    }
}

/// Makes `bytes` end `room` bytes behind `start`; an object alone in its buffer gets no more.
fn make_room(room: usize, start: usize, bytes: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    if start == 0 {
        bytes.try_reserve_exact(room.saturating_sub(bytes.len()))?;
    }
    bytes.try_resize_zeroed(start + room)
}
