//! Work that is done by several threads at once.

/// Runs `work` so many times at once, each with its number.
pub fn at_once(count: usize, work: impl Fn(usize) + Sync) {
    let work = &work;
    std::thread::scope(|scope| {
        (0..count).for_each(|number| drop(scope.spawn(move || work(number))));
    });
}

/// Runs `work` in the background again and again, at least once, while `body` runs.
pub fn meanwhile(work: impl Fn() + Sync, body: impl FnOnce()) {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Ends the background however the body ends.
    struct End<'e>(&'e AtomicBool);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                work();
                if is_over.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        let _end = End(&is_over);
        body();
    });
}
