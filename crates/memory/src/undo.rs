//! A guard that undoes a change when a scope is left early, by an error or by unwinding.

/// Runs its closure when dropped, unless it was disarmed.
pub(crate) struct Undo<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Undo<F> {
    #[inline]
    pub(crate) const fn new(undo: F) -> Self {
        Self(Some(undo))
    }

    /// Disarms the guard: the change stays.
    #[inline]
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<F: FnOnce()> Drop for Undo<F> {
    #[inline]
    fn drop(&mut self) {
        if let Some(undo) = self.0.take() {
            undo();
        }
    }
}
