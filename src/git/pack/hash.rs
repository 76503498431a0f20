//! SHA-1 with collision detection, as git itself hashes objects and packs.

use crate::git::{Error, ObjectKind};
use crate::oid::Oid;

/// The name of the object with this kind and content.
///
/// # Errors
/// [`Error::Hash`] when the content is an attack on SHA-1.
pub(crate) fn object_id(kind: ObjectKind, data: &[u8]) -> Result<Oid, Error> {
    let mut hasher = Hasher::default();
    hasher.update(kind.to_string().as_bytes());
    hasher.update(format!(" {}\0", data.len()).as_bytes());
    hasher.update(data);
    hasher.finish()
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
        assert_eq!(id.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }
}
