//! Escaping of untrusted text, so that no control sequence reaches a terminal.
//!
//! Control characters, bytes that are not UTF-8, and characters that reorder or hide text become
//! visible escapes. A backslash doubles, so that no two texts print the same.

use std::fmt::{self, Write};

/// Untrusted text or bytes, printed with escapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Escaped<'a> {
    bytes: &'a [u8],
    double_backslash: bool,
}

impl<'a> Escaped<'a> {
    /// Bytes such as a path; backslashes double, so that the result is unambiguous.
    pub(super) fn bytes(bytes: &'a [u8]) -> Self {
        Self { bytes, double_backslash: true }
    }

    /// A sentence that may quote untrusted text; backslashes stay.
    pub(super) fn text(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), double_backslash: false }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' if self.double_backslash => f.write_str("\\\\")?,
                    '\0'..='\x7f' if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c if is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a character is invisible or changes how others are displayed.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(bytes: &[u8]) -> String {
        Escaped::bytes(bytes).to_string()
    }

    #[test]
    fn readable_text_of_any_language_is_unchanged() {
        assert_eq!(escaped("測試/файл é.md".as_bytes()), "測試/файл é.md");
    }

    #[test]
    fn control_characters_and_invalid_bytes_are_escaped() {
        assert_eq!(escaped(b"a\x1b[31m\n\x7f"), "a\\x1b[31m\\x0a\\x7f");
        assert_eq!(escaped("\u{9b}1m\u{202e}x".as_bytes()), "\\u{9b}1m\\u{202e}x");
        assert_eq!(escaped(b"\xff\xc0\xafz"), "\\xff\\xc0\\xafz");
    }

    proptest! {
        #[test]
        fn two_byte_strings_never_print_the_same(
            a in prop::collection::vec(prop::sample::select(b"\\x1b\x1b\xff{u}a".to_vec()), 0..8),
            b in prop::collection::vec(prop::sample::select(b"\\x1b\x1b\xff{u}a".to_vec()), 0..8),
        ) {
            prop_assert_eq!(a == b, escaped(&a) == escaped(&b));
        }
    }
}
