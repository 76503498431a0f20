//! The pieces of work whose instructions are counted.

use flate2::{Compress, Compression, FlushCompress, Status};
use gitmind::cache::encode_bitmap;
use gitmind::journal::{Attribution, Edge, Edges, Relation, encode_edge};
use gitmind::memory::{Alloc, Arena, InternTable, Pooling, Slab, System, Vec, Zeroing};
use gitmind::oid::Oid;
use gitmind::units::Bytes;
use gitmind_inflate::BlockInflater;
use sha2::{Digest, Sha256};
use std::hint::black_box;

/// A piece of work by its name: it does so many steps and returns a sum, which is the one
/// below times the steps.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    run: fn(u64) -> u64,
    sum_of_step: u64,
}

impl Work {
    /// Does so many steps of it.
    pub(crate) fn count(&self, steps: u64) {
        assert_eq!((self.run)(steps), steps * self.sum_of_step, "the work was done");
    }
}

pub(crate) const WORKS: [Work; 7] = [
    Work { name: "decode an edge", run: decode_edge, sum_of_step: 41 },
    Work { name: "inflate a commit", run: inflate, sum_of_step: 517 },
    Work { name: "encode a bitmap of 3 ids", run: bitmap, sum_of_step: 33 },
    Work { name: "arena, a value of 64 bytes", run: arena, sum_of_step: 64 },
    Work { name: "slab, a box of 64 bytes and its drop", run: slab, sum_of_step: 64 },
    Work { name: "intern table, a known string", run: intern, sum_of_step: 1 },
    Work { name: "intern table, a known string, unshared", run: unshared, sum_of_step: 1 },
];

const FITS: &str = "there is memory";

/// An edge as a hook writes it.
fn edge() -> Edge<'static> {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    Edge {
        relation: Relation::REFERENCES,
        timestamp_ms: 1_700_000_000_000,
        source_path: b"src/journal/append.rs",
        target_path: b"docs/decisions/0014",
        ulid: b"01ARZ3NDEKTSV4RRFFQ69G5FAV",
        source: Oid::new([1; 20]),
        target: Oid::new([2; 20]),
        attribution: Some(Attribution { author: b"hook", ..Attribution::default() }),
        ..blank
    }
}

fn decode_edge(steps: u64) -> u64 {
    let system = System::uncounted();
    let mut payload = Vec::new(Alloc::new(&system));
    encode_edge(&edge(), &mut payload).expect(FITS);
    let decode = |_| {
        let edge = Edges::new(black_box(&payload)).next().expect("an edge").expect("whole");
        (edge.source_path.len() + edge.target.as_bytes().len()) as u64
    };
    (0..steps).map(decode).sum()
}

/// A commit like those of a journal, with base64 of hashes.
fn inflate(steps: u64) -> u64 {
    let hashes = [1_u8, 2, 3, 4].map(|byte| Sha256::digest([byte]));
    let text = data_encoding::BASE64.encode(&hashes.concat());
    let hex = Oid::new([0x5a; 20]);
    let commit = format!("tree {hex}\nparent {hex}\nauthor a <a@b.c> 1700000000 +0000\n\n{text}");
    let mut stream = std::vec::Vec::with_capacity(1000);
    let mut compress = Compress::new(Compression::new(6), true);
    let status = compress.compress_vec(commit.as_bytes(), &mut stream, FlushCompress::Finish);
    assert!(matches!(status, Ok(Status::StreamEnd)), "there is room");
    stream.extend([0; 16]);
    let (mut inflater, mut content) = (BlockInflater::new(), vec![0; commit.len()]);
    let inflate = |_| {
        let read = inflater.inflate(black_box(&stream), &mut content).expect("it is accepted");
        (read + content.len()) as u64
    };
    (0..steps).map(inflate).sum()
}

fn bitmap(steps: u64) -> u64 {
    let system = System::uncounted();
    let mut file = Vec::new(Alloc::new(&system));
    let encode = |_| {
        file.clear();
        encode_bitmap(black_box(&[1, 5, 9]), &mut file).expect(FITS);
        file.len() as u64
    };
    (0..steps).map(encode).sum()
}

fn arena(steps: u64) -> u64 {
    let system = System::uncounted();
    let mut arena = Arena::begin(Alloc::new(&system), Bytes::from_mib(1), Bytes::from_mib(1));
    let mut sum = 0;
    for step in 0..steps {
        if step.is_multiple_of(10_000) {
            arena.reset();
        }
        let value = arena.try_alloc(black_box([step; 8])).expect(FITS);
        sum += size_of_val(black_box(value)) as u64;
    }
    sum
}

fn slab(steps: u64) -> u64 {
    let system = System::uncounted();
    let slab = Slab::new(Alloc::new(&system));
    let pair = |step| size_of_val(&*black_box(slab.try_box([step; 8]).expect(FITS))) as u64;
    (0..steps).map(pair).sum()
}

/// A table that knows a thousand paths, and how many steps find the one that is looked for.
fn intern_with(steps: u64, find: impl Fn(&mut InternTable<'_>, &[u8]) -> bool) -> u64 {
    let system = System::uncounted();
    let mut table = InternTable::seeded(Alloc::new(&system), Pooling::On, Zeroing::Off, 9);
    let paths: std::vec::Vec<String> =
        (0..1000).map(|number| format!("src/part-{number:04}/of/a/path/to/a/file.rs")).collect();
    for path in &paths {
        table.acquire(path.as_bytes()).expect(FITS);
    }
    let mut found = 0;
    for path in paths.iter().cycle().take(usize::try_from(steps).expect("few")) {
        found += u64::from(find(&mut table, path.as_bytes()));
    }
    assert_eq!(table.len(), 1000);
    found
}

fn intern(steps: u64) -> u64 {
    intern_with(steps, |table, path| table.acquire(black_box(path)).is_ok())
}

fn unshared(steps: u64) -> u64 {
    intern_with(steps, |table, path| table.unshared().acquire(black_box(path)).is_ok())
}
