//! Names that are safe as a single component of a path.

use std::fmt;

/// Largest length of a name in bytes.
const NAME_BYTES_MAX: usize = 64;

/// 1 to 64 of `a-z`, `0-9` and `-`, not starting with `-`: a path component that cannot leave its
/// directory, and that no program takes for an option.
///
/// ```
/// use gitmind_ports::fs::SafeName;
/// assert!(SafeName::new("cache").is_ok());
/// assert!(SafeName::new("../cache").is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SafeName {
    bytes: [u8; NAME_BYTES_MAX],
    len: u8,
}

/// The text is not a [`SafeName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 of a-z, 0-9 and `-`, and does not begin with `-`")]
pub struct NameError;

impl SafeName {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`NameError`] when the text has another character or another length.
    pub const fn new(text: &str) -> Result<Self, NameError> {
        let text = text.as_bytes();
        if text.is_empty() || text.len() > NAME_BYTES_MAX || text[0] == b'-' {
            return Err(NameError);
        }
        let mut bytes = [0; NAME_BYTES_MAX];
        let mut at = 0;
        while at < text.len() {
            if !matches!(text[at], b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return Err(NameError);
            }
            bytes[at] = text[at];
            at += 1;
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is at most 64")]
        let len = text.len() as u8;
        Ok(Self { bytes, len })
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)])
            .expect("this holds because every byte was checked to be ASCII")
    }
}

impl fmt::Debug for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_plain_component_is_a_safe_name() {
        let longest = "a".repeat(64);
        for name in ["a", "cache", "0cd95507c3c28949", "a-b", longest.as_str()] {
            assert_eq!(SafeName::new(name).map(|safe| safe.as_str().to_owned()), Ok(name.into()));
        }
        let too_long = "a".repeat(65);
        for name in ["", ".", "..", "a/b", "-a", "A", "a.lock", "a\0", "é", too_long.as_str()] {
            assert_eq!(SafeName::new(name), Err(NameError), "{name}");
        }
    }
}
