//! Bitmap files: a set of edge ids behind a 16-byte header.
//!
//! The layout is that of the C tool: its header, then the non-portable serialization of CRoaring,
//! which is either an array of ids or a stream of the Roaring format (RoaringFormatSpec), whichever
//! is smaller. Encoding writes from a sorted list, without a bitmap object.
//!
//! Decoding does not trust claimed sizes: each is checked against the length of the file first.

mod ids_encoder;

pub(super) use self::ids_encoder::IdsEncoder;
use gitmind_memory::{Alloc, MemoryError, Vec};

const MAGIC: &[u8; 8] = b"GMCACHE\0";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 16;
/// The header of each bitmap file: magic number, version, flags.
pub(super) const HEADER: [u8; HEADER_BYTES] = {
    let mut header = [0; HEADER_BYTES];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    magic.copy_from_slice(MAGIC);
    rest.split_at_mut(size_of::<u32>()).0.copy_from_slice(&VERSION.to_le_bytes());
    header
};
/// CRoaring's type byte of an array of ids.
const ARRAY: u8 = 1;
/// CRoaring's type byte of a stream of containers.
const CONTAINERS: u8 = 2;
/// Cookie of a stream without run containers.
const COOKIE_NO_RUNS: u32 = 12346;
/// Largest number of ids in an array container.
const ARRAY_CONTAINER_IDS_MAX: usize = 4096;
/// Size of a bitset container in bytes.
const BITSET_BYTES: usize = 8192;
/// Words of a bitset container.
pub(super) const CONTAINER_WORDS: usize = BITSET_BYTES / 4;
/// Largest number of containers: one for each value of the upper 16 bits.
const CONTAINERS_MAX: usize = 1 << 16;

/// Appends the bitmap file of `ids`, which must be sorted and distinct.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, System};
/// let system = System::new();
/// let mut file = memory::Vec::new(Alloc::new(&system));
/// gitmind_cache::encode_bitmap(&[0, 2], &mut file)?;
/// assert_eq!(&file[..8], b"GMCACHE\0");
/// assert_eq!(*gitmind_cache::decode_bitmap(Alloc::new(&system), &file)?, [0, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When an allocation fails; `out` is then unchanged.
pub fn encode_bitmap(ids: &[u32], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    encode_behind(&HEADER, ids, out)
}

/// Appends what a bitmap file has behind its header: `ids`, which must be sorted and distinct.
pub(super) fn encode_ids(ids: &[u32], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    encode_behind(&[], ids, out)
}

/// Appends `header` and `ids`.
fn encode_behind(header: &[u8], ids: &[u32], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    debug_assert!(ids.is_sorted_by(|a, b| a < b), "ids must be sorted and distinct");
    let (stream_len, array_len) = (container_stream_len(ids), 4 + 4 * ids.len());
    // The exact length, so that no later push allocates.
    out.try_reserve(header.len() + 1 + stream_len.min(array_len))?;
    out.try_extend_from_slice(header)?;
    if stream_len < array_len {
        out.try_push(CONTAINERS)?;
        encode_containers(ids, out)
    } else {
        out.try_push(ARRAY)?;
        push_len(ids.len(), out)?;
        ids.iter().try_for_each(|id| out.try_extend_from_slice(&id.to_le_bytes()))
    }
}

/// The ids of each container, which share their upper 16 bits.
fn containers(ids: &[u32]) -> impl Iterator<Item = &[u32]> + Clone {
    ids.chunk_by(|a, b| a >> 16 == b >> 16)
}

fn container_len(ids: &[u32]) -> usize {
    if ids.len() <= ARRAY_CONTAINER_IDS_MAX { 2 * ids.len() } else { BITSET_BYTES }
}

/// The length of the container stream: cookie and count, then 8 bytes and a body per container.
fn container_stream_len(ids: &[u32]) -> usize {
    8 + containers(ids).map(|ids| 8 + container_len(ids)).sum::<usize>()
}

fn encode_containers(ids: &[u32], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let count = containers(ids).count();
    out.try_extend_from_slice(&COOKIE_NO_RUNS.to_le_bytes())?;
    push_len(count, out)?;
    for ids in containers(ids) {
        out.try_extend_from_slice(&high(ids[0]).to_le_bytes())?;
        let len_less_one = u16::try_from(ids.len() - 1);
        let len_less_one = len_less_one.expect("this holds because a container has 2^16 ids");
        out.try_extend_from_slice(&len_less_one.to_le_bytes())?;
    }
    let mut offset = 8 + 8 * count;
    for ids in containers(ids) {
        push_len(offset, out)?;
        offset += container_len(ids);
    }
    for ids in containers(ids) {
        if ids.len() <= ARRAY_CONTAINER_IDS_MAX {
            ids.iter().try_for_each(|&id| out.try_extend_from_slice(&low(id).to_le_bytes()))?;
        } else {
            let start = out.len();
            out.try_resize_zeroed(start + BITSET_BYTES)?;
            for &id in ids {
                out[start + usize::from(low(id) >> 3)] |= 1 << (id & 7);
            }
        }
    }
    Ok(())
}

/// The upper 16 bits, which are the key of the container.
fn high(id: u32) -> u16 {
    u16::try_from(id >> 16).expect("this holds because 16 bits are left")
}

/// The lower 16 bits, which are stored in the container.
fn low(id: u32) -> u16 {
    u16::try_from(id & 0xffff).expect("this holds because 16 bits are left")
}

fn push_len(len: usize, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let len = u32::try_from(len).expect("this holds because a set has at most 2^32 ids");
    out.try_extend_from_slice(&len.to_le_bytes())
}

/// Why a file is not a bitmap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitmapError {
    /// The magic number is wrong.
    #[error("the file does not start with the magic number of a bitmap")]
    NotABitmap,
    /// The version is not supported.
    #[error("bitmap version {0} is not supported, only 1")]
    Version(u32),
    /// The content is inconsistent or too short.
    #[error("the bitmap is damaged: {0}")]
    Damaged(&'static str),
    /// An allocation failed.
    #[error("no memory for the ids of a bitmap: {0}")]
    Memory(#[from] MemoryError),
}

/// Decodes the ids of a bitmap file, in ascending order. Allocates in proportion to the length of
/// the file.
///
/// # Errors
/// When the file is not exactly one bitmap, or an allocation fails.
pub fn decode_bitmap<'a>(alloc: Alloc<'a>, file: &[u8]) -> Result<Vec<'a, u32>, BitmapError> {
    let (header, body) = file.split_at_checked(HEADER_BYTES).ok_or(BitmapError::NotABitmap)?;
    if !header.starts_with(MAGIC) {
        return Err(BitmapError::NotABitmap);
    }
    let version = le_u32(&header[MAGIC.len()..]).ok_or(BitmapError::NotABitmap)?;
    if version != VERSION {
        return Err(BitmapError::Version(version));
    }
    decode_ids(alloc, body)
}

/// Decodes what `encode_ids` writes. Allocates in proportion to the length of `body`.
pub(super) fn decode_ids<'a>(alloc: Alloc<'a>, body: &[u8]) -> Result<Vec<'a, u32>, BitmapError> {
    let ids = match body.split_first() {
        Some((&ARRAY, body)) => decode_array(alloc, body),
        Some((&CONTAINERS, body)) => decode_containers(alloc, body),
        Some(_) => Err(BitmapError::Damaged("unknown type")),
        None => Err(BitmapError::Damaged("it ends after its header")),
    }?;
    if !ids.is_sorted_by(|a, b| a < b) {
        return Err(BitmapError::Damaged("its ids are not in order"));
    }
    Ok(ids)
}

fn decode_array<'a>(alloc: Alloc<'a>, body: &[u8]) -> Result<Vec<'a, u32>, BitmapError> {
    let (count, ids) = split_u32(body)?;
    let (ids, []) = ids.as_chunks::<4>() else {
        return Err(BitmapError::Damaged("its length does not match its number of ids"));
    };
    if ids.len() as u64 != u64::from(count) {
        return Err(BitmapError::Damaged("its length does not match its number of ids"));
    }
    let mut all = Vec::try_with_capacity(ids.len(), alloc)?;
    all.try_extend(ids.iter().map(|id| u32::from_le_bytes(*id)))?;
    Ok(all)
}

fn decode_containers<'a>(alloc: Alloc<'a>, stream: &[u8]) -> Result<Vec<'a, u32>, BitmapError> {
    let (cookie, rest) = split_u32(stream)?;
    if cookie != COOKIE_NO_RUNS {
        return Err(BitmapError::Damaged("unknown container stream"));
    }
    let (count, rest) = split_u32(rest)?;
    let count = usize::try_from(count).ok().filter(|&count| count <= CONTAINERS_MAX);
    let count = count.ok_or(BitmapError::Damaged("too many containers"))?;
    let (descriptions, rest) = rest.split_at_checked(4 * count).ok_or(TOO_SHORT)?;
    let (offsets, mut bodies) = rest.split_at_checked(4 * count).ok_or(TOO_SHORT)?;
    let mut ids = Vec::new(alloc);
    for (description, offset) in
        descriptions.as_chunks::<4>().0.iter().zip(offsets.as_chunks::<4>().0)
    {
        let [k0, k1, n0, n1] = *description;
        let base = u32::from(u16::from_le_bytes([k0, k1])) << 16;
        let len = usize::from(u16::from_le_bytes([n0, n1])) + 1;
        let start = stream.len() - bodies.len();
        if u64::from(u32::from_le_bytes(*offset)) != start as u64 {
            return Err(BitmapError::Damaged("a container is not at its offset"));
        }
        bodies = decode_container(base, len, bodies, &mut ids)?;
    }
    if !bodies.is_empty() {
        return Err(BitmapError::Damaged("there are bytes after its last container"));
    }
    Ok(ids)
}

/// Decodes one container of `len` ids and returns the bytes after it.
fn decode_container<'a>(
    base: u32,
    len: usize,
    bodies: &'a [u8],
    ids: &mut Vec<'_, u32>,
) -> Result<&'a [u8], BitmapError> {
    let is_array = len <= ARRAY_CONTAINER_IDS_MAX;
    let size = if is_array { 2 * len } else { BITSET_BYTES };
    let (body, rest) = bodies.split_at_checked(size).ok_or(TOO_SHORT)?;
    ids.try_reserve(len)?;
    let before = ids.len();
    if is_array {
        let lows = body.as_chunks::<2>().0;
        ids.try_extend(lows.iter().map(|low| base | u32::from(u16::from_le_bytes(*low))))?;
    } else {
        let set = body.iter().map(|byte| byte.count_ones() as usize).sum::<usize>();
        if set != len {
            return Err(BitmapError::Damaged(
                "a bitset does not have the number of ids in its header",
            ));
        }
        for (byte, first) in body.iter().zip((base..).step_by(8)) {
            ids.try_extend((0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| first + bit))?;
        }
    }
    debug_assert_eq!(ids.len() - before, len, "the reserved capacity is used exactly");
    Ok(rest)
}

const TOO_SHORT: BitmapError = BitmapError::Damaged("it ends too early");

fn split_u32(bytes: &[u8]) -> Result<(u32, &[u8]), BitmapError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(TOO_SHORT)?;
    Ok((u32::from_le_bytes(*word), rest))
}

fn le_u32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|word| u32::from_le_bytes(*word))
}

#[cfg(test)]
mod tests;
