//! The attribution of new edges, from three environment variables.
//!
//! The names and the length limits are those of the C tool, which also fails on a longer value.

use super::edge::{Attribution, Confidence, Origin};

// Length limits of the values.
const SOURCE_BYTES_MAX: usize = 15;
const AUTHOR_BYTES_MAX: usize = Writer::AUTHOR_BYTES_MAX;
const SESSION_BYTES_MAX: usize = 31;

/// The writer of new edges.
///
/// ```
/// use gitmind_journal::{Origin, Writer};
/// let writer = Writer::new(b"claude", b"", b"s-1")?;
/// let attribution = writer.attribution();
/// assert_eq!(attribution.origin, Origin::CLAUDE);
/// assert_eq!(attribution.author, b"claude@anthropic");
/// assert_eq!(attribution.session, b"s-1");
/// # Ok::<(), gitmind_journal::WriterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    origin: Origin,
    author: Text<AUTHOR_BYTES_MAX>,
    session: Text<SESSION_BYTES_MAX>,
}

/// Why the value of a variable cannot be stored in an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriterError {
    /// The value is too long.
    #[error("{variable} has {len} bytes, the limit is {limit}")]
    TooLong {
        /// The variable that the value is from.
        variable: &'static str,
        /// Length of the value in bytes.
        len: usize,
        /// Largest length in bytes.
        limit: usize,
    },
    /// The value is not UTF-8, or has control characters, which a terminal would interpret.
    #[error("{variable} is not UTF-8 or has control characters")]
    NotText {
        /// The variable that the value is from.
        variable: &'static str,
    },
}

impl Writer {
    /// The length limit of an author in bytes.
    pub const AUTHOR_BYTES_MAX: usize = 63;
    /// The kinds of writers that can be named.
    pub const SOURCES: [&'static str; 7] =
        ["human", "claude", "gpt", "ai", "other", "system", "import"];
    /// The variable with the kind of writer: human, claude, gpt, ai or other, system, import.
    pub const SOURCE_VARIABLE: &'static str = "GIT_MIND_SOURCE";
    /// The variable with the name of the writer.
    pub const AUTHOR_VARIABLE: &'static str = "GIT_MIND_AUTHOR";
    /// The variable with the writer's session.
    pub const SESSION_VARIABLE: &'static str = "GIT_MIND_SESSION";

    /// The writer for the values of the three variables; an empty value counts as unset. The
    /// number of an unknown kind of writer is 255, as in the C tool.
    ///
    /// # Errors
    /// [`WriterError`] for a value that is too long or not text.
    pub fn new(source: &[u8], author: &[u8], session: &[u8]) -> Result<Self, WriterError> {
        check(Self::SOURCE_VARIABLE, source, SOURCE_BYTES_MAX)?;
        let origin = origin(source);
        let author = if author.is_empty() { default_author(origin) } else { author };
        Ok(Self {
            origin,
            author: Text::new(Self::AUTHOR_VARIABLE, author)?,
            session: Text::new(Self::SESSION_VARIABLE, session)?,
        })
    }

    /// Whether `source` names people: `human`, or nothing.
    pub fn is_person(source: &[u8]) -> bool {
        origin(source) == Origin::HUMAN
    }

    /// The attribution that is stored in the edges of this writer.
    pub fn attribution(&self) -> Attribution<'_> {
        let Self { origin, author, session } = self;
        Attribution {
            origin: *origin,
            author: author.as_bytes(),
            session: session.as_bytes(),
            ..Attribution::default()
        }
    }

    /// The default confidence: certain for people; for programs, the value that the C tool stores.
    pub fn confidence(&self) -> Confidence {
        if self.origin == Origin::HUMAN { Confidence::CERTAIN } else { Confidence::PROGRAMS }
    }
}

fn origin(source: &[u8]) -> Origin {
    match source {
        b"" | b"human" => Origin::HUMAN,
        b"claude" => Origin::CLAUDE,
        b"gpt" => Origin::GPT,
        b"ai" | b"other" => Origin::AI,
        b"system" => Origin::SYSTEM,
        b"import" => Origin::IMPORT,
        _ => Origin::UNKNOWN,
    }
}

/// The author when `GIT_MIND_AUTHOR` is unset, as in the C tool.
const fn default_author(origin: Origin) -> &'static [u8] {
    match origin {
        Origin::HUMAN => b"user@local",
        Origin::CLAUDE => b"claude@anthropic",
        Origin::GPT => b"gpt@openai",
        Origin::AI => b"ai@unknown",
        Origin::SYSTEM => b"system@git-mind",
        Origin::IMPORT => b"import@git-mind",
        _ => b"unknown@unknown",
    }
}

fn check(variable: &'static str, value: &[u8], limit: usize) -> Result<(), WriterError> {
    if value.len() > limit {
        return Err(WriterError::TooLong { variable, len: value.len(), limit });
    }
    match str::from_utf8(value) {
        Ok(text) if !text.contains(char::is_control) => Ok(()),
        _ => Err(WriterError::NotText { variable }),
    }
}

/// A text of at most `LIMIT` bytes, stored inline.
#[derive(Clone, Copy, Debug)]
struct Text<const LIMIT: usize> {
    bytes: [u8; LIMIT],
    len: usize,
}

impl<const LIMIT: usize> Text<LIMIT> {
    fn new(variable: &'static str, value: &[u8]) -> Result<Self, WriterError> {
        check(variable, value, LIMIT)?;
        let mut bytes = [0; LIMIT];
        bytes[..value.len()].copy_from_slice(value);
        Ok(Self { bytes, len: value.len() })
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_writer_has_a_default_author() {
        for (source, number, author) in [
            ("", 0, "user@local"),
            ("human", 0, "user@local"),
            ("claude", 1, "claude@anthropic"),
            ("gpt", 2, "gpt@openai"),
            ("ai", 3, "ai@unknown"),
            ("other", 3, "ai@unknown"),
            ("system", 4, "system@git-mind"),
            ("import", 5, "import@git-mind"),
            ("Claude", 255, "unknown@unknown"),
        ] {
            let writer = Writer::new(source.as_bytes(), b"", b"").expect("short values");
            assert_eq!(writer.attribution().origin, Origin(number), "{source}");
            assert_eq!(writer.attribution().author, author.as_bytes(), "{source}");
            assert_eq!(writer.confidence() == Confidence::CERTAIN, number == 0, "{source}");
        }
    }

    #[test]
    fn a_value_one_byte_over_its_limit_is_an_error_that_names_the_variable() {
        let long = [b'x'; 64];
        assert!(Writer::new(&long[..15], &long[..63], &long[..31]).is_ok());
        for (values, variable, limit) in [
            ([&long[..16], b"", b""], Writer::SOURCE_VARIABLE, 15),
            ([b"", &long[..64], b""], Writer::AUTHOR_VARIABLE, 63),
            ([b"", b"", &long[..32]], Writer::SESSION_VARIABLE, 31),
        ] {
            let [source, author, session] = values;
            let error = Writer::new(source, author, session).expect_err("one byte over");
            let expected = WriterError::TooLong { variable, len: limit + 1, limit };
            assert_eq!(error, expected);
        }
        for value in [b"\xff".as_slice(), b"a\nb", b"\x1b"] {
            let error = Writer::new(b"", value, b"").expect_err("not text");
            assert_eq!(error, WriterError::NotText { variable: Writer::AUTHOR_VARIABLE });
        }
    }
}
