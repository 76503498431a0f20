//! What is measured: ways to keep many objects until all of them end.

use gitmind_memory::{Arena, MemoryError};

/// A value of a fixed size.
pub(super) type Fixed = [u64; 8];

/// Keeps objects until it is dropped.
pub(super) trait Keep {
    /// Keeps a value and returns it.
    fn fixed(&self, value: Fixed) -> &Fixed;

    /// Keeps a copy of bytes and returns it.
    fn bytes(&self, bytes: &[u8]) -> &[u8];

    /// Frees all values.
    fn end_all(&mut self);
}

const FITS: &str = "there is memory";

impl Keep for Arena<'_> {
    #[inline(always)]
    fn fixed(&self, value: Fixed) -> &Fixed {
        let kept: Result<_, MemoryError> = self.try_alloc(value);
        kept.expect(FITS)
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.try_alloc_slice_copy(bytes).expect(FITS)
    }

    fn end_all(&mut self) {
        self.reset();
    }
}

impl<const MIN_ALIGN: usize> Keep for bumpalo::Bump<MIN_ALIGN> {
    #[inline(always)]
    fn fixed(&self, value: Fixed) -> &Fixed {
        self.try_alloc(value).expect(FITS)
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.try_alloc_slice_copy(bytes).expect(FITS)
    }

    fn end_all(&mut self) {
        self.reset();
    }
}

impl Keep for bump_scope::Bump {
    #[inline(always)]
    fn fixed(&self, value: Fixed) -> &Fixed {
        bump_scope::BumpBox::into_ref(self.try_alloc(value).expect(FITS))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> &[u8] {
        bump_scope::BumpBox::into_ref(self.try_alloc_slice_copy(bytes).expect(FITS))
    }

    fn end_all(&mut self) {
        self.reset();
    }
}

/// typed-arena has an arena for each type.
#[derive(Default)]
pub(super) struct Typed {
    fixed: typed_arena::Arena<Fixed>,
    bytes: typed_arena::Arena<u8>,
}

impl Keep for Typed {
    #[inline(always)]
    fn fixed(&self, value: Fixed) -> &Fixed {
        self.fixed.alloc(value)
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.bytes.alloc_extend(bytes.iter().copied())
    }

    fn end_all(&mut self) {
        // It has no reset.
        *self = Self::default();
    }
}
