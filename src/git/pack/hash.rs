//! SHA-1 with collision detection, as git itself hashes objects and packs.

use crate::git::{Error, ObjectKind};
use crate::oid::Oid;
use std::io::Write;

/// The name of the object with this kind and content, as git gives it: SHA-1, with detection of
/// collisions, over kind, size and content (`git help hash-object`).
///
/// ```
/// use gitmind::git::{EMPTY_TREE, ObjectKind, object_id};
/// assert_eq!(object_id(ObjectKind::Tree, b"")?, EMPTY_TREE);
/// # Ok::<(), gitmind::git::Error>(())
/// ```
///
/// # Errors
/// [`Error::Hash`] when the content is an attack on SHA-1.
pub fn object_id(kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
    let mut hasher = Hasher::default();
    hasher.update(ObjectHeader::new(kind, data.len()).as_bytes());
    hasher.update(data);
    hasher.finish()
}

/// What the name of an object is a hash of, before its content: kind, size and a NUL.
pub(crate) struct ObjectHeader {
    text: [u8; Self::BYTES_MAX],
    len: usize,
}

impl ObjectHeader {
    /// `commit`, a space, 20 digits and a NUL.
    const BYTES_MAX: usize = 28;

    /// The header of `len` bytes of content.
    pub(crate) fn new(kind: ObjectKind, len: usize) -> Self {
        let mut text = [0; Self::BYTES_MAX];
        let mut unused = &mut text[..];
        write!(unused, "{kind} {len}\0").expect("this holds because 64 bits have 20 digits");
        let len = Self::BYTES_MAX - unused.len();
        Self { text, len }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// A running SHA-1.
pub(super) struct Hasher(gix_hash::Hasher);

impl Default for Hasher {
    fn default() -> Self {
        Self(gix_hash::hasher(gix_hash::Kind::Sha1))
    }
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Result<Oid, Error> {
        let digest = self.0.try_finalize();
        let digest = digest.map_err(|error| Error::Hash(error.to_string()))?;
        let bytes = digest.as_bytes().try_into();
        Ok(Oid::new(bytes.expect("this holds because SHA-1 has 20 bytes")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_tree_has_its_famous_name() {
        let id = object_id(ObjectKind::Tree, b"").expect("no attack");
        assert_eq!(id, crate::git::EMPTY_TREE);
        assert_eq!(id.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn the_longest_header_fits() {
        let header = ObjectHeader::new(ObjectKind::Commit, usize::MAX);
        assert_eq!(header.as_bytes(), format!("commit {}\0", usize::MAX).as_bytes());
    }
}
