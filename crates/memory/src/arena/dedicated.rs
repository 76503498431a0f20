//! The objects that are dedicated blocks of the port.
//!
//! The record of an object is stored apart from it, not in front of it, so that an object of a page
//! takes a page. The newest records are in the arena itself; older ones are in blocks of the port,
//! one for each page of records.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr::NonNull;

use super::ledger::{Failure, Ledger};
use super::size::ALIGN_MIN;
use super::wipe::wipe;
use crate::poison;
use crate::pooling::Zeroing;
use crate::undo::Undo;

/// Records of a page; only the newest page is searched when an object is freed.
const RECORDS: usize = 16;

/// An object and the layout it was allocated with, whose alignment may be larger than the requested
/// one.
#[derive(Clone, Copy, Debug)]
struct Record {
    start: NonNull<u8>,
    layout: Layout,
}

#[derive(Clone, Debug)]
struct Page {
    records: [Cell<Record>; RECORDS],
    /// How many of the records are in use, from the first on.
    len: Cell<usize>,
    /// The page before, a block of the port; this is the only pointer to it.
    previous: Cell<Option<NonNull<Self>>>,
}

impl Page {
    const LAYOUT: Layout = Layout::new::<Self>();

    const fn new() -> Self {
        const NONE: Record = Record { start: NonNull::dangling(), layout: Layout::new::<()>() };
        let records = [const { Cell::new(NONE) }; RECORDS];
        Self { records, len: Cell::new(0), previous: Cell::new(None) }
    }

    fn used(&self) -> &[Cell<Record>] {
        &self.records[..self.len.get()]
    }

    fn push(&self, record: Record) {
        self.records[self.len.get()].set(record);
        self.len.set(self.len.get() + 1);
    }

    fn pop(&self) -> Option<Record> {
        let last = self.len.get().checked_sub(1)?;
        self.len.set(last);
        Some(self.records[last].get())
    }
}

/// The dedicated allocations.
#[derive(Debug)]
pub(super) struct Dedicated {
    newest: Page,
}

impl Dedicated {
    /// Bytes of a further page of records.
    pub(super) const PAGE_BYTES: u64 = Page::LAYOUT.size() as u64;

    pub(super) const fn new() -> Self {
        Self { newest: Page::new() }
    }

    /// Allocates `layout` from the port.
    pub(super) fn take(&self, layout: Layout, ledger: &Ledger<'_>) -> Result<NonNull<u8>, Failure> {
        let layout = layout.align_to(ALIGN_MIN).map_err(|_| Failure::OverCap)?;
        if ledger.is_busy() {
            return Err(Failure::Reentrant);
        }
        // The object may be large and the page is not: so the page, if any, comes first.
        if layout.size() as u64 > ledger.left_bytes() {
            return Err(Failure::OverCap);
        }
        if self.newest.len.get() == RECORDS {
            self.start_page(layout.size() as u64, ledger)?;
        }
        let (port, op) = (ledger.alloc.port(), ledger.alloc.op());
        let take = || port.allocate(layout, op);
        let start = ledger.admitted(layout.size() as u64, take)?;
        self.newest.push(Record { start, layout });
        Ok(start)
    }

    /// Moves the full page of records to the port, if `object_bytes` fit under the cap as well.
    #[cold]
    fn start_page(&self, object_bytes: u64, ledger: &Ledger<'_>) -> Result<(), Failure> {
        if Self::PAGE_BYTES + object_bytes > ledger.left_bytes() {
            return Err(Failure::OverCap);
        }
        let (port, op) = (ledger.alloc.port(), ledger.alloc.op());
        let place = ledger.admitted(Self::PAGE_BYTES, || port.allocate(Page::LAYOUT, op))?;
        let place = place.cast::<Page>();
        // SAFETY: the port has allocated a block for a page, which nothing else refers to.
        unsafe { place.write(self.newest.clone()) };
        self.newest.previous.set(Some(place));
        self.newest.len.set(0);
        Ok(())
    }

    /// Moves the page before back into the arena, whose own page is empty.
    fn end_page(&self, ledger: &Ledger<'_>) -> bool {
        debug_assert_eq!(self.newest.len.get(), 0, "no record is lost");
        let Some(place) = self.newest.previous.get() else { return false };
        // SAFETY: `start_page` has written it, and the pointer to it is replaced below.
        let page = unsafe { place.read() };
        for record in page.used() {
            self.newest.push(record.get());
        }
        self.newest.previous.set(page.previous.get());
        let _released = Undo::new(|| ledger.released(Self::PAGE_BYTES));
        // SAFETY: `start_page` has taken it from this port with this layout and tag.
        unsafe { ledger.alloc.port().deallocate(place.cast(), Page::LAYOUT, ledger.alloc.op()) };
        true
    }

    /// The record of `object`, when it is among the newest.
    fn find(&self, object: NonNull<u8>, ledger: &Ledger<'_>) -> Option<&Cell<Record>> {
        // A record may be in use by the request whose callback this is. The object stays.
        if ledger.is_busy() || self.newest.len.get() == 0 && !self.end_page(ledger) {
            return None;
        }
        self.newest.used().iter().rev().find(|record| record.get().start == object)
    }

    /// Frees `object` at the port; `false` when it is not among the newest, in which case it stays.
    ///
    /// # Safety
    /// If `object` is the arena's, nothing uses it any more.
    pub(super) unsafe fn give_back(
        &self,
        object: NonNull<u8>,
        zeroing: Zeroing,
        ledger: &Ledger<'_>,
    ) -> bool {
        let Some(slot) = self.find(object, ledger) else { return false };
        let record = slot.get();
        let last = self.newest.len.get() - 1;
        slot.set(self.newest.records[last].get());
        self.newest.len.set(last);
        // SAFETY: the record is gone, so this is done once; the caller gives up the object.
        unsafe { end(record, zeroing, ledger) };
        true
    }

    /// Calls the port to resize `object`; `None` when it is not among the newest or has a smaller
    /// alignment.
    ///
    /// # Safety
    /// If `object` is the arena's, the caller uses the returned pointer instead.
    pub(super) unsafe fn resize(
        &self,
        object: NonNull<u8>,
        new: Layout,
        ledger: &Ledger<'_>,
    ) -> Option<Result<NonNull<u8>, Failure>> {
        let slot = self.find(object, ledger)?;
        let Record { start, layout: old } = slot.get();
        if new.align() > old.align() {
            return None;
        }
        let layout = Layout::from_size_align(new.size(), old.align()).ok()?;
        let (port, op) = (ledger.alloc.port(), ledger.alloc.op());
        let resized = match (layout.size() as u64).checked_sub(old.size() as u64) {
            Some(more) => ledger.admitted(more, || {
                // SAFETY: the block is this port's, has the layout of its record, and the new size
                // is not smaller.
                unsafe { port.grow(start, old, layout, op) }
            }),
            None => {
                // SAFETY: the block is this port's, has the layout of its record, and the new size
                // is smaller.
                let shrink = || unsafe { port.shrink(start, old, layout, op) };
                ledger.undisturbed(shrink).inspect(|_| {
                    ledger.released((old.size() - layout.size()) as u64);
                })
            }
        };
        Some(resized.inspect(|start| slot.set(Record { start: *start, layout })))
    }

    /// Frees every object.
    pub(super) fn end(&mut self, zeroing: Zeroing, ledger: &Ledger<'_>) {
        loop {
            while let Some(record) = self.newest.pop() {
                // SAFETY: `&mut` says that nothing uses an object, and the record is gone.
                unsafe { end(record, zeroing, ledger) };
            }
            if !self.end_page(ledger) {
                return;
            }
        }
    }

    /// How many dedicated allocations there are, and their bytes.
    pub(super) fn count(&self) -> (usize, usize) {
        let (mut objects, mut bytes) = (0, 0);
        let mut next = Some(&self.newest);
        while let Some(page) = next {
            objects += page.len.get();
            bytes += page.used().iter().map(|record| record.get().layout.size()).sum::<usize>();
            // SAFETY: `start_page` has written it, and it lives while the pointer leads to it.
            next = page.previous.get().map(|previous| unsafe { previous.as_ref() });
        }
        (objects, bytes)
    }
}

/// Frees an object at the port.
///
/// # Safety
/// The object is live, nothing uses it, and the record is not used again.
unsafe fn end(record: Record, zeroing: Zeroing, ledger: &Ledger<'_>) {
    let Record { start, layout } = record;
    // SAFETY: the bytes are a live block's, and the caller gives them up; it is aligned to 16.
    unsafe { poison::release(start, layout.size()) };
    // SAFETY: as above.
    unsafe { wipe(start, layout.size(), zeroing) };
    // After the call, also when it unwinds.
    let _released = Undo::new(|| ledger.released(layout.size() as u64));
    // SAFETY: the record has what the block was taken with, from this port.
    unsafe { ledger.alloc.port().deallocate(start, layout, ledger.alloc.op()) };
}
