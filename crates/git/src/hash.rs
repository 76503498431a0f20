//! SHA-1 with collision detection, which git uses to hash objects and packs.

use crate::oid::Oid;
use crate::{Error, ObjectKind};
use arrayvec::ArrayString;
use std::fmt::Write;

/// The id of the object with this kind and content: SHA-1 with collision detection over kind, size
/// and content (`git help hash-object`).
///
/// ```
/// use gitmind_git::{EMPTY_TREE, ObjectKind, object_id};
/// assert_eq!(object_id(ObjectKind::Tree, b"")?, EMPTY_TREE);
/// # Ok::<(), gitmind_git::Error>(())
/// ```
///
/// # Errors
/// [`Error::Hash`] when the content is a SHA-1 collision attack.
pub fn object_id(kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
    let mut hasher = Hasher::default();
    hasher.update(ObjectHeader::new(kind, data.len()).as_bytes());
    hasher.update(data);
    hasher.finish()
}

/// The header that is hashed before an object's content: kind, size and a NUL.
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

/// An incremental SHA-1 computation.
#[derive(Clone, Debug, Default)]
pub struct Hasher(sha1dc::Hasher);

impl Hasher {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes that were added.
    ///
    /// # Errors
    /// [`Error::Hash`] when the bytes are a SHA-1 collision attack.
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
    fn the_empty_tree_has_its_well_known_id() {
        let id = object_id(ObjectKind::Tree, b"").expect("no SHA-1 collision");
        assert_eq!(id, crate::EMPTY_TREE);
        assert_eq!(id.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn the_longest_header_fits() {
        let header = ObjectHeader::new(ObjectKind::Commit, usize::MAX);
        assert_eq!(header.as_bytes(), format!("commit {}\0", usize::MAX).as_bytes());
    }
}
