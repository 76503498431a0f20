//! The id of a repository, which names its folder among the state.
//!
//! Source: FNV-1a, twice, as the C tool computes it; its seed lacks a digit of the standard one.

use std::fmt;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::name::SafeName;

const SEED: u64 = 1_469_598_103_934_665_603;
const SEED_MIX: u64 = 0x9E37_79B9_7F4A_7C15;
const PRIME: u64 = 1_099_511_628_211;

/// 128 bits of the canonical path of a git folder.
///
/// ```
/// use gitmind::fs::RepoId;
/// let id = RepoId::of("/srv/r0/.git".as_ref());
/// assert_eq!(id.to_string(), "f04f05fa662ef6074116c780409d583e");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepoId {
    high: u64,
    low: u64,
}

impl RepoId {
    /// The id of the git folder at `path`, which is canonical.
    pub fn of(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        let high = fnv1a(SEED, bytes);
        Self { high, low: fnv1a(high ^ SEED_MIX, bytes) }
    }

    /// The name of its folder: 32 hex digits.
    pub fn name(self) -> SafeName {
        let mut digits = [0; 32];
        write!(&mut digits[..], "{self}").expect("this holds because there are 32 digits");
        let text = std::str::from_utf8(&digits).expect("this holds because digits are ASCII");
        SafeName::new(text).expect("this holds because 32 hex digits are a name")
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.high, self.low)
    }
}

/// FNV-1a with 64 bits, from `seed`.
///
/// Source: Fowler, Noll, Vo; the standard seed is 0xcbf29ce484222325.
pub fn fnv1a(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_text() {
        for path in ["/srv/r0/.git", "/", "/a b"] {
            let id = RepoId::of(Path::new(path));
            assert_eq!(id.name().as_str(), id.to_string());
        }
    }
}
