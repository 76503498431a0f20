//! SHA-1 with collision detection, as git itself hashes objects and packs.

use crate::oid::Oid;
use crate::{Error, ObjectKind};
use arrayvec::ArrayString;
use std::fmt::Write;

/// The name of the object with this kind and content, as git gives it: SHA-1, with detection of
/// collisions, over kind, size and content (`git help hash-object`).
///
/// ```
/// use gitmind_git::{EMPTY_TREE, ObjectKind, object_id};
/// assert_eq!(object_id(ObjectKind::Tree, b"")?, EMPTY_TREE);
/// # Ok::<(), gitmind_git::Error>(())
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
#[derive(Clone, Copy, Debug)]
pub struct ObjectHeader(ArrayString<{ Self::BYTES_MAX }>);

impl ObjectHeader {
    /// `commit`, a space, 20 digits and a NUL.
    const BYTES_MAX: usize = 28;

    /// The header of `len` bytes of content.
    pub fn new(kind: ObjectKind, len: usize) -> Self {
        let mut text = ArrayString::new();
        write!(text, "{kind} {len}\0").expect("this holds because 64 bits have 20 digits");
        Self(text)
    }

    /// The header.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A running SHA-1.
#[derive(Clone, Debug, Default)]
pub struct Hasher(sha1dc::Hasher);

impl Hasher {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The name of what was added.
    ///
    /// # Errors
    /// [`Error::Hash`] when it is an attack on SHA-1.
    pub fn finish(self) -> Result<Oid, Error> {
        match self.0.finalize() {
            Ok(digest) => Ok(id(digest)),
            Err(collision) => Err(Error::Hash(id(collision.digest()))),
        }
    }
}

fn id(digest: sha1dc::Digest) -> Oid {
    let bytes = digest.as_ref().try_into();
    Oid::new(bytes.expect("this holds because SHA-1 has 20 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_tree_has_its_famous_name() {
        let id = object_id(ObjectKind::Tree, b"").expect("no attack");
        assert_eq!(id, crate::EMPTY_TREE);
        assert_eq!(id.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn the_longest_header_fits() {
        let header = ObjectHeader::new(ObjectKind::Commit, usize::MAX);
        assert_eq!(header.as_bytes(), format!("commit {}\0", usize::MAX).as_bytes());
    }
}
