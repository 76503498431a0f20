//! The queue with two ends against that of std, with requests that fail on the way.

use std::collections::VecDeque as Model;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use gitmind_memory::{Alloc, Faulty, Port, Schedule, System, Trace, Traced, VecDeque};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Elements at the back, or at the front, of which the request after so many others fails.
    Push {
        count: u8,
        is_back: bool,
        fails_after: Option<u64>,
    },
    Pop {
        count: u8,
        is_back: bool,
    },
    Reserve {
        additional: usize,
        fails: bool,
    },
    Drain {
        from: usize,
        to: usize,
        read: usize,
    },
    Retain {
        divisor: u8,
    },
    Change {
        index: usize,
    },
    Contiguous,
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let push = (0..20_u8, any::<bool>(), prop::option::of(1..4_u64));
    let push =
        push.prop_map(|(count, is_back, fails_after)| Step::Push { count, is_back, fails_after });
    let step = prop_oneof![
        4 => push,
        3 => (0..20_u8, any::<bool>()).prop_map(|(count, is_back)| Step::Pop { count, is_back }),
        1 => (0..40_usize, any::<bool>())
            .prop_map(|(additional, fails)| Step::Reserve { additional, fails }),
        1 => (0..99_usize, 0..99_usize, 0..99_usize)
            .prop_map(|(from, to, read)| Step::Drain { from, to, read }),
        1 => (1..5_u8).prop_map(|divisor| Step::Retain { divisor }),
        2 => (0..99_usize).prop_map(|index| Step::Change { index }),
        1 => Just(Step::Contiguous),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 0..60)
}

/// An element, and how many are alive.
type Element = (u8, Rc<()>);

/// Both queues, and the port of ours.
struct Pair<'p> {
    port: &'p Faulty<Traced<System>>,
    ours: VecDeque<'p, Element>,
    model: Model<u8>,
    alive: Rc<()>,
    next: u8,
}

impl Pair<'_> {
    fn run(&mut self, step: &Step) {
        let Self { port, ours, model, .. } = self;
        match *step {
            Step::Push { count, is_back, fails_after } => {
                port.reset(fails_after.map_or(Schedule::NEVER, Schedule::once));
                (0..count).for_each(|_| self.push(is_back));
            }
            Step::Pop { count, is_back } => {
                for _ in 0..count {
                    let popped = if is_back { ours.pop_back() } else { ours.pop_front() };
                    let expected = if is_back { model.pop_back() } else { model.pop_front() };
                    assert_eq!(popped.map(|(value, _)| value), expected);
                }
            }
            Step::Reserve { additional, fails } => {
                port.reset(if fails { Schedule::once(1) } else { Schedule::NEVER });
                if ours.try_reserve(additional).is_ok() {
                    assert!(ours.capacity() >= model.len() + additional);
                }
            }
            Step::Drain { from, to, read } => {
                let to = to.min(model.len());
                let from = from.min(to);
                let (mut drained, mut expected) = (ours.drain(from..to), model.drain(from..to));
                for _ in 0..read {
                    assert_eq!(drained.len(), expected.len());
                    assert_eq!(drained.next().map(|(value, _)| value), expected.next());
                }
            }
            Step::Retain { divisor } => {
                ours.retain(|(value, _)| value % divisor != 0);
                model.retain(|value| value % divisor != 0);
            }
            Step::Change { index } => {
                let ours = ours.get_mut(index).map(|(value, _)| value);
                assert_eq!(ours.as_deref(), model.get(index));
                ours.into_iter().chain(model.get_mut(index)).for_each(|value| *value ^= 0x55);
            }
            Step::Contiguous => {
                assert!(ours.make_contiguous().iter().map(|(value, _)| value).eq(&*model));
            }
            Step::Clear => {
                ours.clear();
                model.clear();
            }
        }
        self.compare();
    }

    fn push(&mut self, is_back: bool) {
        self.next = self.next.wrapping_add(1);
        let element = (self.next, Rc::clone(&self.alive));
        let pushed = if is_back {
            self.ours.try_push_back(element)
        } else {
            self.ours.try_push_front(element)
        };
        match pushed {
            Ok(()) if is_back => self.model.push_back(self.next),
            Ok(()) => self.model.push_front(self.next),
            Err(_) => assert_eq!(self.ours.capacity(), self.ours.len(), "there was no room"),
        }
    }

    fn compare(&mut self) {
        let Self { ours, model, alive, .. } = self;
        assert_eq!((ours.len(), ours.is_empty()), (model.len(), model.is_empty()));
        assert_eq!(Rc::strong_count(alive), model.len() + 1, "each element is alive once");
        assert!(ours.iter().map(|(value, _)| value).eq(&*model));
        assert!(ours.iter_mut().rev().map(|(value, _)| &*value).eq(model.iter().rev()));
        assert_eq!(ours.front().map(|(value, _)| value), model.front());
        assert_eq!(ours.back().map(|(value, _)| value), model.back());
        assert!((0..model.len()).all(|index| ours[index].0 == model[index]));
        assert!(ours.get(model.len()).is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deque_is_that_of_std_whatever_fails(steps in steps()) {
        let port = Faulty::new(Traced::new(System::new(), Trace::stamped()), Schedule::NEVER);
        let ours = VecDeque::new(Alloc::new(&port));
        let alive = Rc::new(());
        let mut pair = Pair { port: &port, ours, model: Model::new(), alive, next: 0 };
        steps.iter().for_each(|step| pair.run(step));
        let alive = Rc::clone(&pair.alive);
        drop(pair);
        prop_assert_eq!(Rc::strong_count(&alive), 1);
        prop_assert_eq!(port.diagnostics().blocks_outstanding, 0);
    }
}

#[test]
fn elements_without_a_size_take_no_memory() {
    let faulty = Faulty::new(System::new(), Schedule::forever(1));
    let mut deque = VecDeque::new(Alloc::new(&faulty));
    for _ in 0..100 {
        deque.try_push_front(()).expect("it takes none");
        deque.try_push_back(()).expect("it takes none");
    }
    assert_eq!((deque.iter().count(), deque.drain(50..).count()), (200, 150));
    assert!(deque.try_reserve(usize::MAX).is_err());
    assert!((0..50).all(|_| deque.pop_back().is_some()) && deque.pop_front().is_none());
}

#[test]
fn a_deque_drops_all_elements_when_one_of_them_unwinds() {
    struct Loud(u8, #[expect(dead_code, reason = "it counts")] Rc<()>);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert_ne!(self.0, 1, "the destructor unwinds");
        }
    }
    for front in 0..4 {
        let (system, alive) = (System::new(), Rc::new(()));
        let mut deque = VecDeque::new(Alloc::new(&system));
        for number in 0..4 {
            let loud = Loud(number, Rc::clone(&alive));
            let is_front = number >= 4 - front;
            let pushed =
                if is_front { deque.try_push_front(loud) } else { deque.try_push_back(loud) };
            pushed.expect("there is memory");
        }
        assert!(catch_unwind(AssertUnwindSafe(|| drop(deque))).is_err());
        assert_eq!(Rc::strong_count(&alive), 1);
        assert_eq!(system.diagnostics().blocks_outstanding, 0);
    }
}
