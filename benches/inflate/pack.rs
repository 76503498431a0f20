//! Inflating the commits of a pack by the threads and the decoder of a rebuild.

use std::ops::Range;
use std::path::{Path, PathBuf};

use gitmind::gitoxide::Inflater;
use gitmind::memory::{Alloc, MemoryError, System, Vec};
use gitmind_inflate::BlockInflater;
use gitmind_ports::pipeline::{Work, pipeline, workers};
use gitmind_system::mapped::Mapped;

/// Entries of a job.
const JOB_ENTRIES: usize = 256;
/// The kind of a commit in the first byte of an entry.
const COMMIT: u8 = 1;

/// Inflates all commits of the oldest pack of a bare repository; returns how many.
pub(crate) fn inflate_all(repository: &Path) -> usize {
    let pack = oldest_pack(&repository.join("objects/pack"));
    let index = std::fs::read(pack.with_extension("idx")).expect("readable");
    let bytes = Mapped::open(&pack).expect("readable");
    let (system, offsets) = (System::uncounted(), offsets(&index));
    let entries = Entries { pack: &bytes, offsets: &offsets, alloc: Alloc::new(&system) };
    let starts = (0..offsets.len()).step_by(JOB_ENTRIES);
    let jobs = starts.map(|start| start..offsets.len().min(start + JOB_ENTRIES));
    let mut inflated = 0;
    pipeline(&entries, jobs, entries.alloc, workers(), |jobs| {
        let mut inflaters = <(Inflater, BlockInflater)>::default();
        while let Some(output) = jobs.next(&mut inflaters) {
            let (count, buffer) = output.expect("there is memory");
            inflated += count;
            jobs.done((count, buffer));
        }
    });
    inflated
}

/// The pack that was there before any rebuild.
fn oldest_pack(directory: &Path) -> PathBuf {
    let files = std::fs::read_dir(directory).expect("it is a repository").flatten();
    let packs = files.filter(|file| file.path().extension().is_some_and(|name| name == "pack"));
    let age = |file: &std::fs::DirEntry| file.metadata().and_then(|data| data.modified()).ok();
    packs.min_by_key(age).expect("there is a pack").path()
}

/// The offsets in an index of version 2, in the order of the pack (`git help gitformat-pack`).
fn offsets(index: &[u8]) -> std::vec::Vec<usize> {
    let number = |at: usize| {
        let bytes = index[at..].first_chunk().expect("the index is whole");
        usize::try_from(u32::from_be_bytes(*bytes)).expect("it fits")
    };
    let (fan_out, count) = (8, number(8 + 255 * 4));
    let first = fan_out + 256 * 4 + count * (20 + 4);
    let mut offsets: std::vec::Vec<usize> = (0..count).map(|at| number(first + at * 4)).collect();
    offsets.sort_unstable();
    offsets
}

/// The entries of a pack, none of which is a delta.
struct Entries<'e, 'a> {
    pack: &'e [u8],
    offsets: &'e [usize],
    alloc: Alloc<'a>,
}

impl<'a> Work for Entries<'_, 'a> {
    type Job = Range<usize>;
    type Output = (usize, Vec<'a, u8>);
    type Error = MemoryError;
    type Tools = (Inflater, BlockInflater);

    fn run(
        &self,
        job: Range<usize>,
        old: Option<Self::Output>,
        (inflater, block): &mut Self::Tools,
    ) -> Result<Self::Output, MemoryError> {
        let mut bytes = old.map_or_else(|| Vec::new(self.alloc), |(_, bytes)| bytes);
        bytes.clear();
        let entries = self.offsets[job].iter().map(|offset| &self.pack[*offset..]);
        let mut commits = entries.filter(|entry| entry[0] >> 4 & 7 == COMMIT).map(header);
        let mut count = 0;
        while let Some((size, data)) = commits.next() {
            count += match commits.next() {
                Some((second_size, second)) => {
                    let (inputs, sizes) = ([data, second], [size, second_size]);
                    2 * usize::from(Inflater::append_two(inputs, sizes, block, &mut bytes)?)
                }
                None => {
                    usize::from(inflater.append(data, size, Some(block), &mut bytes)?.is_some())
                }
            };
        }
        Ok((count, bytes))
    }
}

/// The size that an entry claims, and its data: four bits beside the kind, then seven a byte.
fn header(entry: &[u8]) -> (usize, &[u8]) {
    let len = 1 + entry.iter().take_while(|byte| **byte & 0x80 != 0).count();
    let low = usize::from(entry[0] & 0x0f);
    let bits = entry[1..len].iter().zip((4..).step_by(7));
    (bits.fold(low, |size, (byte, shift)| size | usize::from(byte & 0x7f) << shift), &entry[len..])
}
