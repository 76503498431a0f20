//! Every callback, in every operation of every container, runs every operation of the same one.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use gitmind_memory::units::Bytes;
use gitmind_memory::{MemoryError, OpTag, Port, System, Trace, Traced};

use super::ErrorKind;
use super::callbacks::{self, Callback};
use super::subjects::{SUBJECTS, Subject, Thing, leak};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Allocate,
    Grow,
    Shrink,
    Free,
    Report,
}

impl Operation {
    const ALL: [Self; 5] = [Self::Allocate, Self::Grow, Self::Shrink, Self::Free, Self::Report];
}

/// What is live before, how often the callback runs its operation, and how many calls pass first.
const SHAPES: [(u64, u32, u32); 4] = [(1, 1, 0), (1, 36, 0), (36, 36, 0), (18, 3, 1)];

#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "it is read by `Debug`")]
struct Case {
    container: &'static str,
    callback: Callback,
    outer: Operation,
    inner: Operation,
    shape: (u64, u32, u32),
}

/// A container with what is live of it.
struct Run {
    subject: Subject,
    things: RefCell<Vec<Box<dyn Thing>>>,
    seed: Cell<u64>,
    refused: Cell<u32>,
}

impl Run {
    /// What is being changed may refuse a callback, by this kind; anything else is served.
    fn served<T>(&self, answer: Result<T, MemoryError>, is_inner: bool) -> Option<T> {
        answer
            .inspect_err(|error| {
                assert!(is_inner && error.kind() == ErrorKind::Reentrant, "{error}");
                self.refused.set(self.refused.get() + 1);
            })
            .ok()
    }

    fn allocate(&self, is_inner: bool) {
        self.seed.set(self.seed.get() + 1);
        let made = (self.subject.make)(self.seed.get());
        if let Some(thing) = self.served(made, is_inner) {
            self.things.borrow_mut().push(thing);
        }
    }

    /// Takes a thing out, so that no borrow is held while it is changed.
    fn take(&self, is_inner: bool) -> Option<Box<dyn Thing>> {
        let mut things = self.things.borrow_mut();
        let last = things.len().checked_sub(1)?;
        // The one after the other, since what is put back comes last.
        Some(things.remove(if is_inner { 0 } else { last / 2 }))
    }

    fn perform(&self, operation: Operation, is_inner: bool) {
        match operation {
            Operation::Allocate => self.allocate(is_inner),
            Operation::Report => (self.subject.report)(),
            Operation::Free => {
                let thing = self.take(is_inner);
                assert!(thing.iter().all(|thing| thing.is_whole()));
            }
            Operation::Grow | Operation::Shrink => {
                let Some(mut thing) = self.take(is_inner) else { return };
                let resized = thing.resize(operation == Operation::Grow);
                self.served(resized, is_inner);
                assert!(thing.is_whole());
                self.things.borrow_mut().push(thing);
            }
        }
    }

    fn assert_whole(&self) {
        assert!(self.things.borrow().iter().all(|thing| thing.is_whole()), "blocks overlap");
    }
}

/// Names the cell that fails.
struct Named(Case);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(format_args!("in {:?}", self.0));
        }
    }
}

fn say(line: std::fmt::Arguments<'_>) {
    // Nothing can be reported when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether the callback was reached, and how often it was refused.
fn run(cell: Case, build: fn(&'static callbacks::Stack) -> Subject) -> (bool, u32) {
    let _named = Named(cell);
    let bottom = Traced::new(System::new(), Trace::stamped());
    let (port, end) = leak(callbacks::stack(bottom));
    let (live, times, passing) = cell.shape;
    let run = Rc::new(Run {
        subject: build(port),
        things: RefCell::default(),
        seed: Cell::new(0),
        refused: Cell::new(0),
    });
    (0..live).for_each(|_| run.allocate(false));
    // The next byte passes the soft limit, of which the observer is told once.
    let left = Bytes::new(port.soft_limit().get() - port.used().get() - 1);
    port.charge(left, OpTag::NONE).expect("it is below the limit");
    let inner = Rc::clone(&run);
    callbacks::arm(cell.callback, passing, move || {
        (0..times).for_each(|_| inner.perform(cell.inner, true));
        inner.assert_whole();
    });
    run.perform(cell.outer, false);
    let is_reached = !callbacks::disarm();
    port.refund(left, OpTag::NONE);
    run.assert_whole();
    // Whatever was left in disorder hands a block out twice now.
    (0..40).for_each(|_| run.allocate(false));
    run.assert_whole();
    run.things.borrow_mut().clear();
    (run.subject.report)();
    let run = Rc::into_inner(run).expect("the callback is gone because it has run or was disarmed");
    let refused = run.refused.get();
    (run.subject.end)();
    drop(run.subject.make);
    drop(run.subject.report);
    assert_eq!(port.used(), Bytes::ZERO, "the budget is back");
    let report = port.inner().inner().inner.report();
    assert!(report.is_clean(), "{report}");
    end();
    (is_reached, refused)
}

type Progress = Mutex<Option<(Case, Instant)>>;

/// Aborts when one cell takes too long: a lock that waits for itself cannot be unwound.
fn watch(progress: &Weak<Progress>) {
    while let Some(progress) = progress.upgrade() {
        let now = *progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((cell, _)) = now.filter(|(_, since)| since.elapsed().as_secs() >= 20) {
            say(format_args!("{cell:?} hangs"));
            std::process::abort();
        }
        drop(progress);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_callback_may_do_to_its_container_whatever_safe_code_can() {
    let progress = Arc::new(Progress::default());
    let watched = Arc::downgrade(&progress);
    std::thread::spawn(move || watch(&watched));
    let (mut cells, mut reached, mut refused) = (0_u32, 0_u32, 0_u32);
    for (container, build) in SUBJECTS {
        for callback in Callback::ALL {
            for outer in Operation::ALL {
                let mut is_any_reached = false;
                for (inner, shape) in
                    Operation::ALL.into_iter().flat_map(|inner| SHAPES.map(|shape| (inner, shape)))
                {
                    let cell = Case { container, callback, outer, inner, shape };
                    *progress.lock().expect("the watch does not panic") =
                        Some((cell, Instant::now()));
                    let (is_reached, times) = run(cell, build);
                    cells += 1;
                    reached += u32::from(is_reached);
                    is_any_reached |= is_reached;
                    refused += times;
                    // What no call reaches does not depend on what it would have done.
                    if !is_any_reached && shape == SHAPES[3] {
                        break;
                    }
                }
            }
        }
    }
    assert!(cells >= 4900 && reached >= 1500, "{cells} cells, {reached} reached");
    say(format_args!("{cells} cells, {reached} reached, {refused} requests refused"));
}
