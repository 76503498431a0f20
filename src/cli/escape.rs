//! Escaping of untrusted text, so that no control sequence reaches a terminal.
//!
//! Control characters, bytes that are not UTF-8, and characters that reorder or hide text become
//! visible escapes. A backslash doubles, so that no two texts print the same.

use std::fmt;

/// Bytes that are looked at at once.
const CHUNK_BYTES: usize = 32;

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
            let is_plain = |byte| matches!(byte, b' '..=b'~') & (byte != b'\\');
            let is_escaped = |c| is_invisible(c) || c == '\\' && self.double_backslash;
            each_run(chunk.valid(), is_plain, is_escaped, |run, escaped| {
                f.write_str(run)?;
                match escaped {
                    None => Ok(()),
                    Some('\\') => f.write_str("\\\\"),
                    Some(c @ '\0'..='\x7f') => write!(f, "\\x{:02x}", u32::from(c)),
                    Some(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
                }
            })?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Calls `visit` with each part of `text` up to a character for which `is_escaped` holds, and with
/// that character, then with the rest. What is nearly all of the text is found many bytes at once:
/// those of which `is_plain` says that they are characters of ASCII for which it does not hold.
pub(super) fn each_run<E>(
    text: &str,
    is_plain: impl Fn(u8) -> bool,
    is_escaped: impl Fn(char) -> bool,
    mut visit: impl FnMut(&str, Option<char>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut start, mut at) = (0, 0);
    loop {
        let (chunks, _) = text.as_bytes()[at..].as_chunks::<CHUNK_BYTES>();
        // Without a branch for each byte, so that the compiler vectorizes it.
        let is_plain_chunk =
            |chunk: &&[u8; CHUNK_BYTES]| chunk.iter().fold(true, |all, byte| all & is_plain(*byte));
        at += chunks.iter().take_while(is_plain_chunk).count() * CHUNK_BYTES;
        at += text.as_bytes()[at..].iter().take_while(|byte| is_plain(**byte)).count();
        let Some(c) = text[at..].chars().next() else { break };
        if is_escaped(c) {
            visit(&text[start..at], Some(c))?;
            start = at + c.len_utf8();
        }
        at += c.len_utf8();
    }
    visit(&text[start..], None)
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
pub(in crate::cli) mod tests {
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

    /// Escapes each character by itself.
    fn naive(bytes: &[u8]) -> String {
        let valid = |c: char| match c {
            '\\' => "\\\\".to_owned(),
            '\0'..='\x7f' if c.is_control() => format!("\\x{:02x}", u32::from(c)),
            c if is_invisible(c) => format!("\\u{{{:x}}}", u32::from(c)),
            c => c.to_string(),
        };
        let escaped = bytes.utf8_chunks().flat_map(|chunk| {
            let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
            chunk.valid().chars().map(valid).chain(invalid).collect::<Vec<_>>()
        });
        escaped.collect()
    }

    /// Long texts that are mostly plain, with what is escaped in any place.
    pub(in crate::cli) fn texts() -> impl Strategy<Value = Vec<u8>> {
        let odd = ["\\", "\n", "\x1b", "\x7f", "\u{9b}", "\u{202e}", "\u{e0001}", "\"", "é", "測"];
        let part = prop_oneof![
            "[ -~]{0,80}".prop_map(String::into_bytes),
            prop::sample::select(odd.to_vec()).prop_map(|odd| odd.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn text_is_escaped_as_if_each_character_were_looked_at(bytes in texts()) {
            prop_assert_eq!(escaped(&bytes), naive(&bytes));
            let text = String::from_utf8_lossy(&bytes);
            let single = naive(text.as_bytes()).replace("\\\\", "\\");
            prop_assert_eq!(Escaped::text(&text).to_string(), single);
        }

        #[test]
        fn two_byte_strings_never_print_the_same(
            a in prop::collection::vec(prop::sample::select(b"\\x1b\x1b\xff{u}a".to_vec()), 0..8),
            b in prop::collection::vec(prop::sample::select(b"\\x1b\x1b\xff{u}a".to_vec()), 0..8),
        ) {
            prop_assert_eq!(a == b, escaped(&a) == escaped(&b));
        }
    }
}
