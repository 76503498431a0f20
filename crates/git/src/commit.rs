//! Commit objects: parsing the parts that a journal uses, and encoding a whole commit.

use super::{Error, Signature};
use crate::oid::Oid;
use arrayvec::ArrayString;
use gitmind_memory::{MemoryError, Vec};
use gitmind_ports::clock::Timestamp;
use memchr::memmem;
use std::fmt::Write;

/// A commit, borrowed from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The commit's id.
    pub id: Oid,
    /// The tree that it records.
    pub tree: Oid,
    first_parent: Option<Oid>,
    /// The `parent` lines after the first one.
    more_parents: &'a [u8],
    /// The headers after the parents.
    headers: &'a [u8],
    /// Everything after the empty line that ends the headers, unchanged; empty without that line.
    pub message: &'a [u8],
}

const TREE: &[u8] = b"tree ";
const PARENT: &[u8] = b"parent ";
const BAD_PARENT: &str = "a parent is not an object id";

impl<'a> Commit<'a> {
    /// Parses the commit object `bytes` with the id `id` (`git help gitformat-pack` and
    /// `git cat-file commit` show the form).
    ///
    /// ```
    /// use gitmind_ports::clock::Timestamp;
    /// use gitmind_git::{Authors, Commit, CommitDraft, EMPTY_TREE};
    /// use gitmind_memory::{self as memory, Alloc, System};
    /// use gitmind_git::oid::Oid;
    /// let (system, authors) = (System::new(), Authors::default());
    /// let draft = CommitDraft {
    ///     tree: EMPTY_TREE,
    ///     parents: &[Oid::new([7; 20])],
    ///     authors: &authors,
    ///     time: Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 },
    ///     message: b"oA==",
    /// };
    /// let mut bytes = memory::Vec::new(Alloc::new(&system));
    /// draft.encode(&mut bytes)?;
    /// let commit = Commit::parse(Oid::ZERO, &bytes)?;
    /// assert_eq!((commit.tree, commit.message), (draft.tree, draft.message));
    /// assert!(commit.parents().eq(draft.parents.iter().copied()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A sentence on what is malformed. Only the headers that are used are checked.
    ///
    /// # Ownership
    /// The sentence is a constant.
    pub fn parse(id: Oid, bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (tree, rest) = oid_line(bytes, TREE).ok_or("it does not start with its tree")?;
        let mut headers = rest;
        let mut first_parent = None;
        if rest.starts_with(PARENT) {
            let (parent, after) = oid_line(rest, PARENT).ok_or(BAD_PARENT)?;
            (first_parent, headers) = (Some(parent), after);
        }
        let more_parents = headers;
        while headers.starts_with(PARENT) {
            (_, headers) = oid_line(headers, PARENT).ok_or(BAD_PARENT)?;
        }
        let more_parents = &more_parents[..more_parents.len() - headers.len()];
        // The search starts at the line feed before the headers, because there may be no headers.
        let headers = &bytes[bytes.len() - headers.len() - 1..];
        // A search for both would first make tables, which takes longer than three lines.
        let mut ends = memchr::memchr_iter(b'\n', headers);
        let message = match ends.find(|end| headers.get(end + 1) == Some(&b'\n')) {
            Some(end) => &headers[end + 2..],
            // A commit without a message needs no empty line either.
            None if headers.ends_with(b"\n") => &[],
            None => return Err("its headers break off"),
        };
        let headers = &headers[1..headers.len() - message.len()];
        Ok(Self { id, tree, first_parent, more_parents, headers, message })
    }

    /// As [`Self::parse`], for bytes that the repository holds under `id`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the sentence.
    pub fn parse_stored(id: Oid, bytes: &'a [u8]) -> Result<Self, Error> {
        Self::parse(id, bytes).map_err(|problem| Error::Corrupt { id, reason: problem.into() })
    }

    /// Parses only the first parent of the commit `bytes`; `None` when it has no parent or does not
    /// start like a commit.
    pub fn first_parent(bytes: &[u8]) -> Option<Oid> {
        let (_, rest) = oid_line(bytes, TREE)?;
        Some(oid_line(rest, PARENT)?.0)
    }

    /// When it was committed, in seconds since 1970; 0 when that cannot be read, as for git.
    pub fn committed_seconds(&self) -> i64 {
        committer_seconds(self.headers).unwrap_or(0)
    }

    /// Parses only the time of the commit `bytes`, in seconds since 1970; `None` when it has none
    /// or one that is no number.
    pub fn committer_seconds(bytes: &[u8]) -> Option<i64> {
        committer_seconds(&bytes[..memmem::find(bytes, b"\n\n").unwrap_or(bytes.len())])
    }

    /// The author and the time of the commit; `None` when the header is malformed.
    pub fn author(&self) -> Option<Signature<'a>> {
        let line = self.headers.strip_prefix(b"author ")?;
        let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
        Signature::parse(&line[..end])
    }

    /// The parents in their order, the first parent first.
    pub fn parents(&self) -> impl Iterator<Item = Oid> + use<'a> {
        let mut rest = self.more_parents;
        let more = std::iter::from_fn(move || {
            let (parent, after) = oid_line(rest, PARENT)?;
            rest = after;
            Some(parent)
        });
        self.first_parent.into_iter().chain(more)
    }
}

/// The time of the line `committer` of a commit's headers, in seconds since 1970.
fn committer_seconds(headers: &[u8]) -> Option<i64> {
    let start = memmem::find(headers, b"\ncommitter ")? + 1;
    let line = headers[start..].split(|byte| *byte == b'\n').next()?;
    let after_address = line.iter().rposition(|byte| *byte == b'>')? + 1;
    let time = str::from_utf8(&line[after_address..]).ok()?;
    time.split_ascii_whitespace().next()?.parse().ok()
}

/// Splits a line `<prefix><40 hex>\n` off `bytes`.
fn oid_line<'a>(bytes: &'a [u8], prefix: &[u8]) -> Option<(Oid, &'a [u8])> {
    let (hex, rest) = bytes.strip_prefix(prefix)?.split_at_checked(Oid::HEX_LEN)?;
    Some((Oid::from_hex(hex)?, rest.strip_prefix(b"\n")?))
}

/// A commit's author or committer. Name and address are bytes, of which git writes any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: std::vec::Vec<u8>,
    /// The email address, which may be empty.
    pub email: std::vec::Vec<u8>,
    /// The time of commits; `None` is the time at which they are made.
    pub time: Option<Timestamp>,
}

impl Identity {
    /// A name and an email address.
    pub fn new(name: impl Into<std::vec::Vec<u8>>, email: impl Into<std::vec::Vec<u8>>) -> Self {
        Self { name: name.into(), email: email.into(), time: None }
    }

    /// The address, or the name when there is no address; `None` when both are stand-ins.
    ///
    /// ```
    /// use gitmind_git::Identity;
    /// let ann = Identity::new("Ann", "ann@example.org");
    /// assert_eq!(ann.address_or_name(), Some(&b"ann@example.org"[..]));
    /// assert_eq!(Identity::new("Ann", "").address_or_name(), Some(&b"Ann"[..]));
    /// assert_eq!(Identity::default().address_or_name(), None);
    /// ```
    pub fn address_or_name(&self) -> Option<&[u8]> {
        let stand_in = Self::default();
        let is_own = |own: &[u8], stand_in: &[u8]| !is_blank_name(own) && own != stand_in;
        let address = is_own(&self.email, &stand_in.email).then_some(&self.email);
        let name = is_own(&self.name, &stand_in.name).then_some(&self.name);
        address.or(name).map(std::vec::Vec::as_slice)
    }

    /// Appends a line as git writes it: `before`, name, email address, time, offset, `after`. The
    /// time is `now` unless the identity has one of its own.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails; `out` then holds a part of the line.
    pub fn encode(
        &self,
        before: &[u8],
        now: Timestamp,
        after: &[u8],
        out: &mut Vec<'_, u8>,
    ) -> Result<(), MemoryError> {
        let Timestamp { seconds, offset_seconds } = self.time.unwrap_or(now);
        let sign = if offset_seconds < 0 { '-' } else { '+' };
        let minutes = offset_seconds.unsigned_abs() / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        out.try_extend_from_slice(before)?;
        plain(&self.name, out)?;
        out.try_extend_from_slice(b" <")?;
        plain(&self.email, out)?;
        let mut time = ArrayString::<40>::new();
        write!(time, "> {seconds} {sign}{hours:02}{minutes:02}")
            .expect("this holds because 64 bits have 20 digits and 32 bits of minutes have 8");
        line(out, time.as_bytes(), after)
    }
}

/// The author and the committer of new commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// The author of the recorded changes.
    pub author: Identity,
    /// The committer.
    pub committer: Identity,
}

impl From<Identity> for Authors {
    fn from(identity: Identity) -> Self {
        Self { author: identity.clone(), committer: identity }
    }
}

impl Default for Identity {
    /// The C tool's default identity, used when git has no user configured.
    fn default() -> Self {
        Self::new("gitmind", "gitmind@example.invalid")
    }
}

/// A commit that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct CommitDraft<'a> {
    /// The tree to record.
    pub tree: Oid,
    /// The parents in their order, the first parent first.
    pub parents: &'a [Oid],
    /// Author and committer.
    pub authors: &'a Authors,
    /// When it is made.
    pub time: Timestamp,
    /// The message, written as it is.
    pub message: &'a [u8],
}

impl CommitDraft<'_> {
    /// Appends the commit object's bytes to `out`.
    ///
    /// # Errors
    /// [`MemoryError`] when an allocation fails; `out` then holds a part of the commit.
    pub fn encode(&self, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
        line(out, b"tree ", &self.tree.to_hex())?;
        self.parents.iter().try_for_each(|parent| line(out, PARENT, &parent.to_hex()))?;
        self.authors.author.encode(b"author ", self.time, b"", out)?;
        self.authors.committer.encode(b"committer ", self.time, b"", out)?;
        out.try_push(b'\n')?;
        out.try_extend_from_slice(self.message)
    }
}

fn line(out: &mut Vec<'_, u8>, start: &[u8], end: &[u8]) -> Result<(), MemoryError> {
    [start, end, b"\n"].iter().try_for_each(|part| out.try_extend_from_slice(part))
}

/// Whether nothing of the name would be left in a commit, which git does not allow.
pub fn is_blank_name(name: &[u8]) -> bool {
    name.iter().all(is_trimmed)
}

/// Whether git drops the character at both ends of a name or an address.
const fn is_trimmed(byte: &u8) -> bool {
    matches!(byte, 0..=b' ' | b',' | b':' | b';' | b'<' | b'>' | b'"' | b'\\' | b'\'')
}

/// Appends a name or an address as git does: without punctuation at both ends, and without the
/// characters that would end the field early.
fn plain(text: &[u8], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let start = text.iter().position(|byte| !is_trimmed(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_trimmed(byte)).map_or(start, |last| last + 1);
    let inner = text[start..end].iter().copied();
    out.try_extend(inner.filter(|byte| !matches!(byte, b'<' | b'>' | b'\n' | b'\0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, System};

    const TREE_ID: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    #[test]
    fn a_written_commit_reads_back() {
        let parents = [Oid::new([1; 20]), Oid::new([2; 20]), Oid::new([3; 20])];
        let tree = Oid::from_hex(TREE_ID.as_bytes()).expect("40 digits");
        let authors = Identity::new("\"A <b\n> J.\", ", "a@b").into();
        let time = Timestamp { seconds: 1_700_000_000, offset_seconds: -(5 * 3600 + 30 * 60) };
        for count in 0..=3 {
            let parents = &parents[..count];
            let draft = CommitDraft { tree, parents, authors: &authors, time, message: b"x\n\ny" };
            let system = System::new();
            let mut bytes = Vec::new(Alloc::new(&system));
            draft.encode(&mut bytes).expect("there is memory");
            let commit = Commit::parse(Oid::ZERO, &bytes).expect("a sound commit");
            assert_eq!((commit.tree, commit.message), (tree, b"x\n\ny".as_slice()));
            assert!(commit.parents().eq(parents.iter().copied()));
            let text = std::str::from_utf8(&bytes).expect("ASCII");
            let author = commit.author().expect("it was just written");
            assert_eq!((author.person, author.time), (&b"A b J. <a@b>"[..], time));
            assert!(text.contains("author A b J. <a@b> 1700000000 -0530\n"), "{text}");
            assert_eq!(Commit::committer_seconds(&bytes), Some(1_700_000_000));
        }
    }

    #[test]
    fn the_time_is_the_committers_or_0_as_for_git() {
        for (headers, expected) in [
            ("author a <a> 7 +0000\ncommitter b <b> 1700000000 -0530\n\nx", 1_700_000_000),
            ("author a <a> 7 +0000\ncommitter > <b> 5 -0530\n", 5),
            ("author committer <a> 7 +0000\ncommitter b <b> no date\n\nx", 0),
            ("committer b <b> 99999999999999999999 +0000\n\nx", 0),
            ("author a <a> 7 +0000\n\ncommitter b <b> 9 +0000\n\n", 0),
            ("\n", 0),
        ] {
            for parents in ["", &format!("parent {TREE_ID}\n").repeat(2)] {
                let bytes = format!("tree {TREE_ID}\n{parents}{headers}");
                let commit = Commit::parse(Oid::ZERO, bytes.as_bytes()).expect("a commit");
                assert_eq!(commit.committed_seconds(), expected, "{bytes}");
            }
        }
    }

    #[test]
    fn extra_headers_and_empty_messages_are_read() {
        let bytes = format!("tree {TREE_ID}\nauthor a\ngpgsig x\n y\n  \n z\n\n");
        let commit = Commit::parse(Oid::ZERO, bytes.as_bytes()).expect("a commit");
        assert_eq!(commit.message, b"");
        assert_eq!(commit.parents().count(), 0);
        assert_eq!(commit.author(), None);
    }

    #[test]
    fn a_commit_cut_anywhere_within_a_header_is_an_error() {
        let bytes = format!("tree {TREE_ID}\nparent {TREE_ID}\nauthor a\ncommitter b\n\nmessage");
        let headers = bytes.len() - "\nmessage".len();
        for cut in 0..headers {
            let bytes = &bytes.as_bytes()[..cut];
            let is_whole = bytes.ends_with(b"\n");
            assert_eq!(Commit::parse(Oid::ZERO, bytes).is_ok(), is_whole, "cut at {cut}");
        }
    }

    #[test]
    fn headers_alone_are_a_commit_without_a_message() {
        // Regression: git accepts such a commit; here it was an error that hid older commits.
        let bytes = format!("tree {TREE_ID}\nparent {TREE_ID}\nauthor a\ncommitter b\n");
        let commit = Commit::parse(Oid::ZERO, bytes.as_bytes()).expect("a commit");
        assert_eq!((commit.message, commit.parents().count()), (&b""[..], 1));
        assert_eq!(Commit::committer_seconds(bytes.as_bytes()), None);
    }
}
