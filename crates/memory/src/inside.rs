//! Heap allocations of this crate's allocators for their own use, which they do not observe.

use std::cell::Cell;

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// What `run` returns, unless this thread is inside already, or is ending.
pub(crate) fn inside<T>(run: impl FnOnce() -> T) -> Option<T> {
    let is_outermost = IS_INSIDE.try_with(|is_inside| !is_inside.replace(true)).ok()?;
    is_outermost.then(|| {
        let result = run();
        IS_INSIDE.set(false);
        result
    })
}
