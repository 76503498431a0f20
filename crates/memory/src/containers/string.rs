//! A text on a handle.

use std::fmt;
use std::ops::Deref;

use super::Vec;
use crate::alloc::Alloc;
use crate::error::MemoryError;

/// A text whose growth can fail.
///
/// ```
/// use std::fmt::Write as _;
/// use gitmind_memory::{self as memory, Alloc, System};
/// let system = System::new();
/// let mut line = memory::String::new(Alloc::new(&system));
/// line.try_push_str("edges: ")?;
/// write!(line, "{}", 7).expect("there is memory");
/// assert_eq!(&*line, "edges: 7");
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
pub struct String<'a>(Vec<'a, u8>);

impl<'a> String<'a> {
    /// An empty text; does not allocate.
    pub const fn new(alloc: Alloc<'a>) -> Self {
        Self(Vec::new(alloc))
    }

    /// Reserves capacity for at least `additional` more bytes.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`].
    pub fn try_reserve(&mut self, additional: usize) -> Result<(), MemoryError> {
        self.0.try_reserve(additional)
    }

    /// Appends `text`.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`]; the text is as before then.
    pub fn try_push_str(&mut self, text: &str) -> Result<(), MemoryError> {
        self.0.try_extend_from_slice(text.as_bytes())
    }

    /// Appends `character`.
    ///
    /// # Errors
    /// As [`Vec::try_reserve`]; the text is as before then.
    pub fn try_push(&mut self, character: char) -> Result<(), MemoryError> {
        self.try_push_str(character.encode_utf8(&mut [0; 4]))
    }

    /// Removes all characters; keeps the capacity.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Deref for String<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        debug_assert!(str::from_utf8(&self.0).is_ok(), "only whole texts are appended");
        // SAFETY: the bytes are texts, one behind the other: `try_push_str` alone appends, a whole
        // `str` or nothing.
        unsafe { str::from_utf8_unchecked(&self.0) }
    }
}

impl fmt::Write for String<'_> {
    /// Appends `text`; the error has no reason, as errors of `fmt` do not.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.try_push_str(text).map_err(|_| fmt::Error)
    }
}

impl fmt::Display for String<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for String<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
