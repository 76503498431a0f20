//! SIGUSR1, with which a person asks a long command how far it is, as of `dd`.
//!
//! The handler writes one byte to a pipe, which POSIX allows it. A thread that sleeps in a read of
//! the pipe does the rest. Interrupted calls are restarted (`SA_RESTART`, which `signal(2)` sets).

use rustix::process::Signal;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock, TryLockError};
use std::thread::{Builder, scope};

/// `SIG_IGN` (`signal(2)`), the same on every Linux.
const IGNORE: usize = 1;
/// What the handler writes.
const ASKED: u8 = b'?';
/// What ends the thread.
const END: u8 = b'.';
/// The thread formats a line and prints it; this has room for a build with a sanitizer too.
const STACK_BYTES: usize = 256 << 10;

static PIPE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();
/// Whether a byte of the handler is in the pipe, which so never fills up and blocks the handler.
static IS_ASKED: AtomicBool = AtomicBool::new(false);
/// Held while a thread reads the pipe.
static TURN: Mutex<()> = Mutex::new(());

fn handle(handler: usize) {
    unsafe extern "C" {
        safe fn signal(number: i32, handler: usize) -> usize;
    }
    // It fails only for an invalid signal number.
    let _ = signal(Signal::USR1.as_raw(), handler);
}

/// Runs in the place of any code, so it makes no call but one of the kernel, which leaves `errno`
/// alone because rustix makes it without the C library.
extern "C" fn asked(_signal: i32) {
    if let Some((_, writer)) = PIPE.get()
        && !IS_ASKED.swap(true, SeqCst)
    {
        // A pipe of one byte has room, and both ends stay open.
        let _ = rustix::io::write(writer, &[ASKED]);
    }
}

/// Makes SIGUSR1 do nothing, for the whole process; otherwise it would end the process.
pub fn ignore() {
    handle(IGNORE);
}

/// Runs `work`, and `answer` on another thread whenever the process gets SIGUSR1 meanwhile.
///
/// Best effort: without a pipe or a thread, and inside another call of this, nothing answers.
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
    if let (None, Ok(pipe)) = (PIPE.get(), std::io::pipe()) {
        // It is empty because whoever sets it has the turn.
        let _ = PIPE.set(pipe);
    }
    let Some((reader, writer)) = PIPE.get() else { return work() };
    handle(asked as extern "C" fn(i32) as usize);
    scope(|threads| {
        let wait = move || {
            while next(reader) == Some(ASKED) {
                IS_ASKED.store(false, SeqCst);
                answer();
            }
        };
        let thread = Builder::new().stack_size(STACK_BYTES).spawn_scoped(threads, wait);
        let _end = thread.is_ok().then_some(EndOf(writer));
        work()
    })
}

fn next(mut reader: &PipeReader) -> Option<u8> {
    let mut byte = [0];
    loop {
        match reader.read(&mut byte) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.is_ok_and(|count| count == 1).then_some(byte[0]),
        }
    }
}

/// Ends the thread when the work ends, also by unwinding.
struct EndOf<'p>(&'p PipeWriter);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        // A pipe of two bytes has room, and both ends stay open.
        let _ = self.0.write_all(&[END]);
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
                    for _ in 0..100 {
                        ask();
                        let other = answered_by.recv().expect("an answer");
                        assert_ne!(other, std::thread::current().id(), "handlers answer nothing");
                    }
                    // More signals than a pipe has bytes.
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
