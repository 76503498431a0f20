//! The handle that services hold: a port and the account that it charges.

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use super::error::{self, MemoryError};
use super::op::{OpStats, OpTag};
use super::port::Port;
use super::process::{self, Entered};
use crate::units::Bytes;

/// A copyable handle on a [`Port`]; the allocator of every container of a service.
///
/// It implements `allocator_api2`'s `Allocator` (the 0.2 that hashbrown and bumpalo share), and
/// keeps the reason of a failure for the conversion into [`MemoryError`].
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, System};
/// let system = System::new();
/// let mut ids = memory::Vec::new(Alloc::new(&system));
/// ids.try_push(7_u32)?;
/// assert_eq!(ids.as_slice(), [7]);
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Alloc<'a> {
    port: &'a dyn Port,
    op: OpTag<'a>,
}

impl<'a> Alloc<'a> {
    /// An untagged handle on `port`.
    #[inline]
    pub const fn new(port: &'a dyn Port) -> Self {
        Self { port, op: OpTag::NONE }
    }

    /// The same port on the account of `stats`.
    ///
    /// The borrow ends no later than the account's, so a block cannot outlive its account.
    #[inline]
    #[must_use]
    pub const fn on_account_of<'b>(self, stats: &'b OpStats) -> Alloc<'b>
    where
        'a: 'b,
    {
        Alloc { port: self.port, op: OpTag::of(stats) }
    }

    /// The port behind the handle.
    #[inline]
    pub const fn port(self) -> &'a dyn Port {
        self.port
    }

    /// The account that the handle charges.
    #[inline]
    pub const fn op(self) -> OpTag<'a> {
        self.op
    }

    /// Counts what this thread allocates from the process's own heap on the handle's operation as
    /// well, until the guard is dropped; `None` when the handle is untagged.
    pub fn enter(self) -> Option<Entered> {
        self.op.op().map(process::enter)
    }

    /// Admits `bytes` of memory from another source, until the returned [`Charge`] is dropped.
    ///
    /// # Errors
    /// As [`Port::charge`].
    pub fn charge(self, bytes: Bytes) -> Result<Charge<'a>, MemoryError> {
        self.port.charge(bytes, self.op)?;
        Ok(Charge { alloc: self, bytes })
    }
}

impl fmt::Debug for Alloc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alloc").field("id", &self.port.id()).field("op", &self.op.op()).finish()
    }
}

// SAFETY: the port guarantees blocks that stay valid until they are passed back or the port is
// dropped; the handle borrows the port, and copies of it name the same port.
unsafe impl Allocator for Alloc<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        sized(self.port.allocate(layout, self.op), layout, *self)
    }

    #[inline]
    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        sized(self.port.allocate_zeroed(layout, self.op), layout, *self)
    }

    #[inline]
    unsafe fn deallocate(&self, ptr: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller promises a live block of this allocator that fits; all its blocks
        // were taken from this port with this tag, because copies carry both.
        unsafe { self.port.deallocate(ptr, layout, self.op) }
    }

    #[inline]
    unsafe fn grow(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: as in `deallocate`; the caller promises that `new` is not smaller.
        sized(unsafe { self.port.grow(ptr, old, new, self.op) }, new, *self)
    }

    #[inline]
    unsafe fn shrink(
        &self,
        ptr: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: as in `deallocate`; the caller promises that `new` is not larger.
        sized(unsafe { self.port.shrink(ptr, old, new, self.op) }, new, *self)
    }
}

/// A port's answer as containers want it: with the size, which is the one asked for.
#[inline]
fn sized(
    block: Result<NonNull<u8>, MemoryError>,
    layout: Layout,
    alloc: Alloc<'_>,
) -> Result<NonNull<[u8]>, AllocError> {
    match block {
        Ok(start) => Ok(NonNull::slice_from_raw_parts(start, layout.size())),
        Err(error) => Err(error::remember(error, layout, alloc, 0)),
    }
}

/// Bytes admitted by a port for memory from another source; refunded when dropped.
#[derive(Debug)]
#[must_use = "the charge is refunded when this is dropped"]
pub struct Charge<'a> {
    alloc: Alloc<'a>,
    bytes: Bytes,
}

impl Charge<'_> {
    /// The bytes that are charged now.
    pub const fn bytes(&self) -> Bytes {
        self.bytes
    }

    /// Changes the charge to `bytes`.
    ///
    /// # Errors
    /// As [`Port::charge`] when it becomes larger; it is as before then.
    pub fn resize(&mut self, bytes: Bytes) -> Result<(), MemoryError> {
        let (old, new) = (self.bytes.get(), bytes.get());
        match new.checked_sub(old) {
            Some(more) => self.alloc.port.charge(Bytes::new(more), self.alloc.op)?,
            None => self.alloc.port.refund(Bytes::new(old - new), self.alloc.op),
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.alloc.port.refund(self.bytes, self.alloc.op);
    }
}
