//! A file mapped for reading, whose pages can be released while it is in use.
//!
//! A page that was read stays resident until the mapping ends, so a pack that is read once would
//! count as resident memory in full. A released page is read from the file again on the next
//! access.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, UncheckedAdvice};

/// The bytes of a file. Clones are the same mapping.
#[derive(Clone, Debug)]
pub struct Mapped(Arc<Mmap>);

impl Mapped {
    /// Maps the file at `path`, which must be of a kind that is never changed in place, such as
    /// git's packs: reading a page beyond the end of a truncated file ends the program (SIGBUS).
    ///
    /// # Errors
    /// When it cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: it is mapped for reading, and files of this kind are replaced, never changed, as
        // the caller guarantees; gitoxide maps them on the same terms.
        let mapping = unsafe { Mmap::map(&file) }?;
        Ok(Self(Arc::new(mapping)))
    }

    /// Releases the resident pages of `range`, which is in bytes from the start of the file.
    pub fn release(&self, range: Range<u64>) {
        let len = self.0.len();
        let within = |offset: u64| usize::try_from(offset).unwrap_or(len).min(len);
        let (start, end) = (within(range.start), within(range.end));
        if start < end {
            debug_assert!(end <= len, "the range is in the file");
            // SAFETY: the mapping is shared with the file and read only, so that a page that was
            // dropped is filled with the same bytes again; `within` has put the range in bounds.
            let dropped = unsafe {
                self.0.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
            };
            // A failure is harmless: the pages stay resident.
            let _ = dropped;
        }
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn released_pages_read_back_the_same_bytes() {
        let mut file = tempfile::NamedTempFile::new().expect("writable");
        let bytes: Vec<u8> = (0..=250).cycle().take(100_000).collect();
        file.write_all(&bytes).expect("there is room on the disk");
        let mapped = Mapped::open(file.path()).expect("readable");
        for range in [0..0, 0..1, 5000..99_999, 0..u64::MAX, 200_000..300_000] {
            assert!(*mapped == *bytes);
            mapped.release(range);
        }
        assert!(*mapped.clone() == *bytes);
        assert!(Mapped::open(Path::new("/no/such/file")).is_err());
    }
}
