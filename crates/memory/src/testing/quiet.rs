//! Panics that a sweep expects; they print nothing.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// Sets the hook of quiet threads, once.
pub(super) fn install() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            if !IS_QUIET.try_with(Cell::get).unwrap_or(false) {
                hook(info);
            }
        }));
    });
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The result of `body`, or its panic. The panic hook is not called for this thread; for all others
/// the program's own hook, as it is at the first call, is called.
pub(super) fn catch_quietly<T>(body: impl FnOnce() -> T) -> Result<T, Box<dyn Any + Send>> {
    install();
    let outer = IS_QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(body));
    IS_QUIET.set(outer);
    result
}
