//! Encoding ids that are not in memory at once, from one container of bits after another.

use super::{ARRAY, ARRAY_CONTAINER_IDS_MAX, BITSET_BYTES, CONTAINER_WORDS, CONTAINERS};
use super::{COOKIE_NO_RUNS, low, push_len};
use gitmind_memory::{Alloc, MemoryError, Vec};

/// Ids, encoded as containers: 2 bytes for each id, or 8 KiB for each container with many.
pub(crate) struct IdsEncoder<'a> {
    /// For each container that is not empty, its upper 16 bits and its number of ids less one.
    headers: Vec<'a, [u8; 4]>,
    bodies: Vec<'a, u8>,
    count: usize,
}

impl<'a> IdsEncoder<'a> {
    pub(crate) fn new(alloc: Alloc<'a>) -> Self {
        Self { headers: Vec::new(alloc), bodies: Vec::new(alloc), count: 0 }
    }

    /// The number of ids.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Adds the ids whose upper 16 bits are `high`, a bit of `words` for each; `high` must ascend.
    pub(crate) fn try_push(&mut self, high: u32, words: &[u32]) -> Result<(), MemoryError> {
        debug_assert_eq!(words.len(), CONTAINER_WORDS, "the bits of one container");
        let count = words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        let Some(len_less_one) = count.checked_sub(1) else { return Ok(()) };
        let [high, len_less_one] = [high as usize, len_less_one].map(|number| {
            let number = u16::try_from(number);
            number.expect("this holds because a container has 2^16 ids").to_le_bytes()
        });
        self.headers.try_push([high[0], high[1], len_less_one[0], len_less_one[1]])?;
        if count > ARRAY_CONTAINER_IDS_MAX {
            self.bodies.try_extend(words.iter().flat_map(|word| word.to_le_bytes()))?;
        } else {
            for (word, first) in words.iter().zip((0..).step_by(32)) {
                let mut left = *word;
                while left != 0 {
                    let id = low(first + left.trailing_zeros());
                    self.bodies.try_extend_from_slice(&id.to_le_bytes())?;
                    left &= left - 1;
                }
            }
        }
        self.count += count;
        Ok(())
    }

    /// Appends the ids to `out`, as `encode_ids` does.
    pub(crate) fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        let Self { headers, bodies, count } = self;
        let (stream_len, array_len) = (8 + 8 * headers.len() + bodies.len(), 4 + 4 * count);
        out.try_reserve(1 + stream_len.min(array_len))?;
        if stream_len < array_len {
            let cookie = COOKIE_NO_RUNS.to_le_bytes();
            out.try_extend([CONTAINERS].into_iter().chain(cookie))?;
            push_len(headers.len(), out)?;
            out.try_extend_from_slice(headers.as_flattened())?;
            let mut offset = 8 + 8 * headers.len();
            for header in headers {
                push_len(offset, out)?;
                offset += body_len(header);
            }
            return out.try_extend_from_slice(bodies);
        }
        out.try_push(ARRAY)?;
        push_len(*count, out)?;
        let mut rest = &bodies[..];
        for header in headers {
            let body;
            (body, rest) = rest.split_at(body_len(header));
            // A container with so many ids that it is a bitset makes the stream shorter.
            for low in body.as_chunks::<2>().0 {
                out.try_extend_from_slice(&[low[0], low[1], header[0], header[1]])?;
            }
        }
        Ok(())
    }
}

/// The length of the body of a container with this header.
fn body_len([_, _, low, high]: &[u8; 4]) -> usize {
    let count = usize::from(u16::from_le_bytes([*low, *high])) + 1;
    if count <= ARRAY_CONTAINER_IDS_MAX { 2 * count } else { BITSET_BYTES }
}
