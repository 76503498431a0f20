//! An event: a name with keys and values, stored in a slab.

use arrayvec::ArrayString;
use std::fmt::Write;

use allocator_api2::vec::Vec;

use super::level::Level;
use gitmind_memory::{MemoryError, Slab};

/// Most bytes of a value; a longer one is truncated and ends in `...`.
pub const VALUE_BYTES_MAX: usize = 1024;
/// Initial capacity of the fields, which fits a block of the slab.
const FIELDS_USUAL: usize = 4;

type SlabVec<'s, 'a, T> = Vec<T, &'s Slab<'a>>;

/// A logged event. Keys are constants of the program, values are untrusted bytes.
pub struct Event<'s, 'a> {
    pub(super) level: Level,
    pub(super) component: &'static str,
    pub(super) name: &'static str,
    fields: SlabVec<'s, 'a, Field<'s, 'a>>,
}

struct Field<'s, 'a> {
    key: Key<'s, 'a>,
    value: SlabVec<'s, 'a, u8>,
}

enum Key<'s, 'a> {
    Word(&'static str),
    Copied(SlabVec<'s, 'a, u8>),
}

impl std::fmt::Debug for Event<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct(self.name).field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

impl<'s, 'a> Event<'s, 'a> {
    /// An event without fields; allocates nothing.
    pub const fn new(
        level: Level,
        component: &'static str,
        name: &'static str,
        slab: &'s Slab<'a>,
    ) -> Self {
        Self { level, component, name, fields: Vec::new_in(slab) }
    }

    /// Adds a field with a copy of `value`.
    ///
    /// # Errors
    /// Every allocation failure; the event is unchanged then.
    pub fn text(&mut self, key: &'static str, value: &[u8]) -> Result<(), MemoryError> {
        self.add(Key::Word(key), value)
    }

    /// Adds a field with copies of `key`, which has bytes that are valid in a tag, and `value`.
    ///
    /// # Errors
    /// As [`Event::text`].
    pub(super) fn field(&mut self, key: &[u8], value: &[u8]) -> Result<(), MemoryError> {
        let key = copy(self.fields.allocator(), key, b"")?;
        self.add(Key::Copied(key), value)
    }

    fn add(&mut self, key: Key<'s, 'a>, value: &[u8]) -> Result<(), MemoryError> {
        let (kept, end) = match value.len() {
            0..=VALUE_BYTES_MAX => (value, &b""[..]),
            _ => (&value[..char_end(value, VALUE_BYTES_MAX - 3)], &b"..."[..]),
        };
        let value = copy(self.fields.allocator(), kept, end)?;
        if self.fields.is_empty() {
            self.fields.try_reserve_exact(FIELDS_USUAL)?;
        }
        self.fields.try_reserve(1)?;
        // There is room, so this does not grow.
        self.fields.push(Field { key, value });
        Ok(())
    }

    /// Adds a field with a number.
    ///
    /// # Errors
    /// As [`Event::text`].
    pub fn number(&mut self, key: &'static str, value: u64) -> Result<(), MemoryError> {
        let mut digits = ArrayString::<20>::new();
        write!(digits, "{value}").expect("this holds because 2^64 has 20 digits");
        self.text(key, digits.as_bytes())
    }

    /// The fields in the order in which they were added.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| {
            let key = match &field.key {
                Key::Word(word) => word.as_bytes(),
                Key::Copied(bytes) => bytes.as_slice(),
            };
            (key, field.value.as_slice())
        })
    }
}

/// The bytes of `head` and `tail`, copied to the slab.
fn copy<'s, 'a>(
    slab: &'s Slab<'a>,
    head: &[u8],
    tail: &[u8],
) -> Result<SlabVec<'s, 'a, u8>, MemoryError> {
    let mut bytes = Vec::new_in(slab);
    bytes.try_reserve_exact(head.len() + tail.len())?;
    // There is room, so these do not grow.
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(tail);
    Ok(bytes)
}

/// The last character boundary at or before `max`.
fn char_end(bytes: &[u8], max: usize) -> usize {
    let is_inside = |at: usize| bytes[at] & 0xc0 == 0x80;
    (max.saturating_sub(3)..=max).rev().find(|at| !is_inside(*at)).unwrap_or(max)
}
