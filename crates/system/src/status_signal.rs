//! SIGUSR1, with which a person asks a long command how far it is, as of `dd`.
//!
//! The handler sets a flag, and a thread looks at it ten times a second. It waits for nothing that
//! can be refused: a thread that sleeps in a read of a pipe never ends when no byte can be written.
//! Interrupted calls are restarted (`SA_RESTART`, which `signal(2)` sets).

use rustix::process::Signal;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, TryLockError};
use std::thread::{Builder, Thread, park_timeout, scope};
use std::time::Duration;

/// `SIG_IGN` (`signal(2)`), the same on every Unix.
const IGNORE: usize = 1;
/// How long a signal waits for its answer at most.
const PERIOD: Duration = Duration::from_millis(100);
/// The thread formats a line and prints it; this has room for a build with a sanitizer too.
const STACK_BYTES: usize = 256 << 10;

/// Whether the process got a signal that was not answered.
static IS_ASKED: AtomicBool = AtomicBool::new(false);
/// Held while a thread answers.
static TURN: Mutex<()> = Mutex::new(());

fn handle(handler: usize) {
    unsafe extern "C" {
        safe fn signal(number: i32, handler: usize) -> usize;
    }
    // It fails only for an invalid signal number.
    let _ = signal(Signal::USR1.as_raw(), handler);
}

/// Runs in the place of any code.
extern "C" fn asked(_signal: i32) {
    IS_ASKED.store(true, SeqCst);
}

/// Makes SIGUSR1 do nothing, for the whole process; otherwise it would end the process.
pub fn ignore() {
    handle(IGNORE);
}

/// Runs `work`, and `answer` on another thread whenever the process gets SIGUSR1 meanwhile.
///
/// Best effort: without a thread, and inside another call of this, nothing answers. The thread has
/// taken and freed all that it needs from the heap before `work` begins.
///
/// ```
/// use std::sync::mpsc::channel;
/// let (answers, answered) = channel();
/// let sum = gitmind_system::status_signal::answered(
///     || answers.send("half of it").expect("the receiver is there"),
///     || {
///         let own = rustix::process::getpid();
///         rustix::process::kill_process(own, rustix::process::Signal::USR1).expect("it is ours");
///         assert_eq!(answered.recv(), Ok("half of it"));
///         1 + 1
///     },
/// );
/// assert_eq!(sum, 2);
/// ```
pub fn answered<T>(answer: impl Fn() + Send, work: impl FnOnce() -> T) -> T {
    // A turn that ended by unwinding left nothing half done.
    let turn = TURN.try_lock();
    if matches!(turn, Err(TryLockError::WouldBlock)) {
        return work();
    }
    handle(asked as extern "C" fn(i32) as usize);
    let (is_ended, started) = (&AtomicBool::new(false), &Barrier::new(2));
    scope(|threads| {
        let wait = move || {
            started.wait();
            while !is_ended.load(SeqCst) {
                if IS_ASKED.swap(false, SeqCst) {
                    answer();
                }
                park_timeout(PERIOD);
            }
        };
        let thread = Builder::new().stack_size(STACK_BYTES).spawn_scoped(threads, wait);
        let _end = thread.ok().map(|thread| {
            started.wait();
            EndOf(thread.thread().clone(), is_ended)
        });
        work()
    })
}

/// Ends the thread when the work ends, also by unwinding.
struct EndOf<'e>(Thread, &'e AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.1.store(true, SeqCst);
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{getpid, kill_process};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::mpsc::channel;

    fn ask() {
        kill_process(getpid(), Signal::USR1).expect("it is our own process");
    }

    #[test]
    fn each_signal_is_answered_until_the_work_ends() {
        let (answers, answered_by) = channel();
        let all = || {
            answered(
                || answers.send(std::thread::current().id()).expect("it is received"),
                || {
                    for _ in 0..5 {
                        ask();
                        let other = answered_by.recv().expect("an answer");
                        assert_ne!(other, std::thread::current().id(), "handlers answer nothing");
                    }
                    (0..100_000).for_each(|_| ask());
                    // Inside, only the work is done.
                    assert_eq!(answered(|| panic!("the outer one answers"), || 7), 7);
                },
            );
        };
        all();
        ask();
        all();
        let panicked = catch_unwind(AssertUnwindSafe(|| answered(|| {}, || panic!("work"))));
        panicked.expect_err("the panic of the work arrives");
        ignore();
        ask();
    }
}
