//! Tags, which distinguish the time series of a metric.
//!
//! Their number and length are limited, since a collector stores each combination indefinitely.

use std::ops::Range;
use std::path::Path;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256};

use super::settings::{RepoHash, RepoTag, Settings};

/// Most tags of a run.
pub const TAGS_MAX: usize = 5;
/// Most bytes of all tags as `key=value,...`.
pub const TAGS_BYTES_MAX: usize = 255;
/// Most bytes of a repository's path as a tag.
const PLAIN_PATH_BYTES_MAX: usize = 64;
/// The offset basis of 64-bit FNV-1a.
const FNV_SEED: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;
/// Hex digits of a repository's hash.
const HASH_DIGITS: usize = 12;

/// The tags of one run. Their number and length are limited, so they are on the stack.
#[derive(Debug)]
pub struct Tags {
    /// `key=value,...`
    text: ArrayVec<u8, TAGS_BYTES_MAX>,
    list: ArrayVec<Place, TAGS_MAX>,
    dropped: u64,
}

/// Where the key and the value of a tag are in the text.
type Place = (Range<usize>, Range<usize>);

/// A key and its value.
#[derive(Clone, Copy, Debug)]
pub struct Tag<'t> {
    key: &'t [u8],
    value: &'t [u8],
}

impl<'t> Tag<'t> {
    /// The key.
    pub const fn key(self) -> &'t [u8] {
        self.key
    }

    /// The value.
    pub const fn value(self) -> &'t [u8] {
        self.value
    }

    /// The bytes of the key as the name of a label; bytes that are invalid there become `_`.
    pub fn label(self) -> impl Iterator<Item = u8> {
        let starts_with_digit = self.key.first().is_some_and(u8::is_ascii_digit);
        let underscore = starts_with_digit.then_some(b'_');
        underscore.into_iter().chain(self.key.iter().map(|byte| label_byte(*byte)))
    }
}

const fn label_byte(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte } else { b'_' }
}

impl Tags {
    /// The tags that `settings` select, of those values that are known.
    pub fn build(
        settings: &Settings,
        branch: Option<&[u8]>,
        mode: Option<&str>,
        repository: Option<&Path>,
    ) -> Self {
        let (text, list, dropped) = (ArrayVec::new(), ArrayVec::new(), settings.extras_dropped);
        let mut tags = Self { text, list, dropped };
        if let Some(branch) = branch.filter(|_| settings.branch_tag) {
            tags.add(b"branch", branch);
        }
        if let Some(mode) = mode.filter(|_| settings.mode_tag) {
            tags.add(b"mode", mode.as_bytes());
        }
        if let Some(path) = repository {
            tags.add_repository(settings, path);
        }
        for (key, value) in &settings.extra_tags {
            tags.add(key.as_bytes(), value.as_bytes());
        }
        tags
    }

    fn add_repository(&mut self, settings: &Settings, path: &Path) {
        let bytes = path.as_os_str().as_encoded_bytes();
        match (settings.repo_tag, settings.repo_hash) {
            (RepoTag::Off, _) => {}
            (RepoTag::Plain, _) if bytes.len() > PLAIN_PATH_BYTES_MAX => self.dropped += 1,
            (RepoTag::Plain, _) => self.add(b"repo", bytes),
            (RepoTag::Hash, RepoHash::Fnv) => self.add(b"repo", &hex(&fnv1a(bytes).to_be_bytes())),
            (RepoTag::Hash, RepoHash::Sha256) => self.add(b"repo", &hex(&Sha256::digest(bytes))),
        }
    }

    /// Adds a tag. It is dropped and counted when there are too many, when it is too long, or when
    /// its label exists already.
    fn add(&mut self, key: &[u8], value: &[u8]) {
        let tag = Tag { key, value };
        let is_taken =
            tag.label().eq(*b"alloc_op") || self.iter().any(|other| other.label().eq(tag.label()));
        let comma = if self.list.is_empty() { &b""[..] } else { b"," };
        let start = self.text.len() + comma.len();
        let (middle, end) = (start + key.len(), start + key.len() + 1 + value.len());
        if is_taken || self.list.is_full() || end > TAGS_BYTES_MAX {
            self.dropped += 1;
            return;
        }
        for part in [comma, key, b"=", value] {
            let added = self.text.try_extend_from_slice(part);
            added.expect("this holds because the end was compared with the limit");
        }
        self.list.push((start..middle, middle + 1..end));
    }

    /// The tags in their order.
    pub fn iter(&self) -> impl Iterator<Item = Tag<'_>> {
        let part = |range: &Range<usize>| &self.text[range.clone()];
        self.list.iter().map(move |(key, value)| Tag { key: part(key), value: part(value) })
    }

    /// The number of dropped tags.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

fn hex(bytes: &[u8]) -> [u8; HASH_DIGITS] {
    let mut digits = [0; HASH_DIGITS];
    data_encoding::HEXLOWER.encode_mut(&bytes[..HASH_DIGITS / 2], &mut digits);
    digits
}
/// FNV-1a with 64 bits (Fowler, Noll, Vo).
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(FNV_SEED, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}
