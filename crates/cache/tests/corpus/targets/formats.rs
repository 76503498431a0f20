//! Targets for the decoders of the formats, each by itself.

use super::contained;
use gitmind_cache::{
    BitmapError, CommitChunk, Meta, decode_bitmap, encode_bitmap, encode_commit_chunk,
};
use gitmind_git::branch::BranchName;
use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, Hasher, PathHistory, entries};
use gitmind_journal::{
    Edges, MESSAGE_BYTES_MAX, MessageError, decode_message, encode_edge, encode_message,
    encoded_len,
};
use gitmind_memory::Vec;

/// Constant part of the memory limit of a decoder, in bytes.
const SOME_BYTES: usize = 1 << 10;

/// A valid message is the canonical one of its payload.
pub(super) fn message(input: &[u8]) {
    contained(8 * input.len() + SOME_BYTES, |alloc| {
        let mut payload = Vec::new(alloc);
        match decode_message(input, &mut payload) {
            // A message of June 2025 is read into today's form, which is more.
            Ok(()) if matches!(input.first(), Some(0x87 | 0x88 | 0x8d)) => {}
            Ok(()) => {
                let mut again = Vec::new(alloc);
                encode_message(&payload, &mut again).expect("there is room for what was read");
                assert_eq!(*again, *input.split(|&byte| byte == 0).next().expect("a part"));
            }
            Err(MessageError::Memory(error)) => panic!("the message claims too much: {error}"),
            Err(_) => assert!(payload.is_empty(), "there is no part of a payload"),
        }
        assert!(payload.len() <= MESSAGE_BYTES_MAX.max(4 * input.len()));
    });
}

/// Valid edges encode and decode to themselves; an error is the last item.
pub(super) fn edges(input: &[u8]) {
    contained(8 * input.len() + 4 * SOME_BYTES, |alloc| {
        let mut written = Vec::new(alloc);
        let mut is_over = false;
        for edge in Edges::new(input) {
            assert!(!is_over, "nothing follows an error");
            let edge = match edge {
                Ok(edge) => edge,
                Err(error) => {
                    assert!(error.offset < input.len());
                    is_over = true;
                    continue;
                }
            };
            written.clear();
            encode_edge(&edge, &mut written).expect("what was read is within the limits");
            assert_eq!(written.len(), encoded_len(&edge));
            let mut again = Edges::new(&written);
            let read = again.next().expect("an edge").expect("a whole one");
            assert_eq!(read, edge, "what is written is read as it is");
            assert!(again.next().is_none(), "it is one edge");
        }
    });
}

/// A valid bitmap has sorted ids, and at most 8 per byte, as in a bitset container.
pub(super) fn bitmap(input: &[u8]) {
    contained(80 * input.len() + SOME_BYTES, |alloc| {
        let ids = match decode_bitmap(alloc, input) {
            Ok(ids) => ids,
            Err(BitmapError::Memory(error)) => panic!("the bitmap claims too much: {error}"),
            Err(_) => return,
        };
        assert!(ids.is_sorted_by(|a, b| a < b), "each id once, in order");
        assert!(ids.len() <= 8 * input.len());
    });
    contained(1 << 24, |alloc| {
        let Ok(ids) = decode_bitmap(alloc, input) else { return };
        let mut file = Vec::new(alloc);
        encode_bitmap(&ids, &mut file).expect("there is memory");
        let again = decode_bitmap(alloc, &file).expect("it was written by us");
        assert!(*again == *ids, "what is written is read as it is");
    });
}

/// Valid metadata prints as it was read.
pub(super) fn meta(input: &[u8]) {
    if let Ok(meta) = Meta::parse(input) {
        assert_eq!(meta.to_string().as_bytes(), input);
    }
}

/// A valid chunk encodes as it was read, and the first edge of each record is found.
pub(super) fn commit_index(input: &[u8]) {
    let Ok(chunk) = CommitChunk::parse(input) else { return };
    let count = usize::try_from(chunk.count()).expect("few");
    let records = || (0..count).map(|index| chunk.record(index).expect("it is below the count"));
    contained(4 * input.len() + SOME_BYTES, |alloc| {
        let mut again = Vec::new(alloc);
        encode_commit_chunk(records(), &mut again).expect("there is memory");
        assert!(*again == *input, "what is read is written as it was");
    });
    assert_eq!(chunk.record(count), None);
    for (index, record) in records().enumerate() {
        assert_eq!(chunk.find(record.first_edge), Some(index));
    }
}

/// A valid branch name has valid refs and no control characters; an error prints none.
pub(super) fn branch(input: &[u8]) {
    let Ok(name) = str::from_utf8(input) else { return };
    match BranchName::new(name) {
        Ok(branch) => {
            for full in [branch.journal_ref(), branch.cache_ref()] {
                assert!(gix_validate::reference::name(full.as_str().into()).is_ok(), "{full:?}");
                assert!(!full.split('/').any(|part| part == ".." || part.starts_with('.')));
            }
            assert!(!name.chars().any(|c| c.is_ascii_control()), "{name:?}");
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// Parsed parts of git commits and trees lie within the input.
pub(super) fn objects(input: &[u8]) {
    if let Ok(commit) = Commit::parse(Oid::ZERO, input) {
        assert!(input.ends_with(commit.message));
        assert!(commit.parents().count() * 48 <= input.len());
        let _any = Commit::committer_seconds(input);
    }
    let mut bytes = 0;
    for entry in entries(input) {
        let Ok(entry) = entry else { break };
        bytes += entry.name.len() + Oid::LEN + 2;
    }
    assert!(bytes <= input.len());
}

/// A stored walk is restored, or ignored; what it has found is found, and stored again. Its hash is
/// added here, since no mutation would find it.
pub(super) fn ages(input: &[u8]) {
    let hashed = |bytes: &[u8]| {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        Some([bytes, hasher.finish().ok()?.as_bytes()].concat())
    };
    let head = input.get(8..).and_then(|rest| rest.first_chunk()).copied();
    let (Some(stored), Some(head)) = (hashed(input), head.map(Oid::new)) else { return };
    let repository = FakeRepository::default();
    contained(64 * input.len() + 16 * SOME_BYTES, |alloc| {
        let begin = || PathHistory::new(&repository, alloc, head, b"a").expect("there is room");
        let mut walk = begin();
        if !walk.restore(&stored).expect("there is room for what was read") {
            return;
        }
        // No object is there, so that the walk ends after the stored one.
        let found = |walk: &mut PathHistory<'_>, content: &[u8]| {
            let content = Oid::new(content.try_into().expect("of its size"));
            let found = walk.find(content).expect("a missing object is no failure");
            found.map(|found| (found.edits, found.path.to_vec()))
        };
        let contents = || input.windows(Oid::LEN).take(64);
        let before: std::vec::Vec<_> =
            contents().map(|content| found(&mut walk, content)).collect();
        let mut again = Vec::new(alloc);
        if walk.store(&mut again).expect("there is room") {
            let mut walk = begin();
            assert!(walk.restore(&again).expect("there is room"), "what is stored is restored");
            assert!(contents().map(|content| found(&mut walk, content)).eq(before));
        }
    });
}
