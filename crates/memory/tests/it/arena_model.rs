//! Programs of operations on an arena, against a model that is a list of live objects.
//!
//! Capacity, alignment, cap, budget and order are all part of a program, so growth, clipping and
//! failures happen in every run.

use std::alloc::Layout;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator as _;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, Budgeted, ErrorKind, MemoryError, Pooling, System, Zeroing};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A page of records of dedicated allocations; the first 16 records cost nothing.
const RECORDS_BYTES: u64 = 400;

/// One step; an index picks among what is live, counted from the newest, modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, align: usize, zeroed: bool },
    Resize { index: usize, size: usize },
    Free { index: usize },
    Reset,
}

/// How an arena is made.
#[derive(Clone, Debug)]
struct Setup {
    hint: u64,
    cap: u64,
    limit: u64,
    pooling: Pooling,
    zeroing: Zeroing,
}

fn setup() -> impl Strategy<Value = Setup> {
    let cap = prop_oneof![0..2000_u64, 2000..70_000_u64, 70_000..2_000_000_u64];
    let hint = prop_oneof![0..2000_u64, 2000..200_000_u64];
    let limit = prop_oneof![3 => Just(u64::MAX), 1 => 0..100_000_u64];
    let pooling = prop_oneof![3 => Just(Pooling::On), 1 => Just(Pooling::Off)];
    let zeroing = prop_oneof![Just(Zeroing::On), Just(Zeroing::Off)];
    (hint, cap, limit, pooling, zeroing).prop_map(|(hint, cap, limit, pooling, zeroing)| Setup {
        hint,
        cap,
        limit,
        pooling,
        zeroing,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 0..300_usize, 2 => 0..5000_usize, 1 => 0..50_000_usize];
    // An old object is seldom the last one, so that one is picked often.
    let index = prop_oneof![Just(0), any::<usize>()];
    let align = (0..=12_u32).prop_map(|power| 1 << power);
    let allocate = (size.clone(), align, any::<bool>())
        .prop_map(|(size, align, zeroed)| Step::Allocate { size, align, zeroed });
    prop_oneof![
        20 => allocate,
        8 => (index.clone(), size).prop_map(|(index, size)| Step::Resize { index, size }),
        8 => index.prop_map(|index| Step::Free { index }),
        1 => Just(Step::Reset),
    ]
}

/// What is live, with the byte that fills it.
#[derive(Default)]
struct Model {
    objects: Vec<(NonNull<u8>, Layout, u8)>,
    failed: u64,
}

impl Model {
    fn run(&mut self, arena: &mut Arena<'_>, number: u8, step: &Step, setup: &Setup) {
        let held = arena.stats().held_bytes.get();
        let arena_ref: &Arena<'_> = arena;
        match *step {
            Step::Allocate { size, align, zeroed } => {
                let layout = Layout::from_size_align(size, align).expect("small");
                let object = if zeroed {
                    arena_ref.allocate_zeroed(layout)
                } else {
                    arena_ref.allocate(layout)
                };
                match object {
                    Ok(start) => self.add(start, layout, number, zeroed),
                    Err(error) => self.fail(error.into(), size, held, setup),
                }
            }
            Step::Resize { index, size } => self.resize(arena_ref, index, size, held, setup),
            Step::Free { index } => {
                if let Some(index) = index.checked_rem(self.objects.len()) {
                    let (start, layout, _) = self.objects.remove(self.objects.len() - 1 - index);
                    // SAFETY: the object is live in the arena with this layout.
                    unsafe { arena_ref.deallocate(start, layout) };
                }
            }
            Step::Reset => {
                self.objects.clear();
                arena.reset();
                assert_eq!(arena.stats().used_bytes, Bytes::ZERO);
                assert!(arena.stats().blocks <= 1);
            }
        }
    }

    fn add(&mut self, object: NonNull<[u8]>, layout: Layout, byte: u8, zeroed: bool) {
        assert_eq!(object.len(), layout.size());
        let start: NonNull<u8> = object.cast();
        assert!(start.addr().get().is_multiple_of(layout.align()), "{layout:?}");
        if zeroed {
            // SAFETY: all bytes were written by the arena.
            assert!(unsafe { object.as_ref() }.iter().all(|byte| *byte == 0), "zeroed");
        }
        // SAFETY: a fresh object of this many bytes.
        unsafe { start.write_bytes(byte, layout.size()) };
        self.objects.push((start, layout, byte));
    }

    /// Only a limit makes a request fail, and only one that does not fit it.
    fn fail(&mut self, error: MemoryError, size: usize, held: u64, setup: &Setup) {
        self.failed += 1;
        match error.kind() {
            ErrorKind::OverCap => {
                let needed = held + size as u64 + RECORDS_BYTES;
                assert!(needed > setup.cap, "{size} with {held} held in {setup:?}");
            }
            ErrorKind::OverBudget => assert!(setup.limit < setup.cap, "{setup:?}"),
            kind => panic!("{kind:?} is no limit of {setup:?}"),
        }
    }

    fn resize(&mut self, arena: &Arena<'_>, index: usize, size: usize, held: u64, setup: &Setup) {
        let Some(index) = index.checked_rem(self.objects.len()) else { return };
        let index = self.objects.len() - 1 - index;
        let (start, old, byte) = self.objects[index];
        let new = Layout::from_size_align(size, old.align()).expect("small");
        let object = if size >= old.size() {
            // SAFETY: the object is live in the arena with `old`; `new` is not smaller.
            unsafe { arena.grow(start, old, new) }
        } else {
            // SAFETY: the object is live in the arena with `old`; `new` is smaller.
            unsafe { arena.shrink(start, old, new) }
        };
        let object = match object {
            Ok(object) => object,
            Err(error) => return self.fail(error.into(), size, held, setup),
        };
        let kept = NonNull::slice_from_raw_parts(object.cast::<u8>(), size.min(old.size()));
        // SAFETY: these bytes were written when the object was made, and were kept.
        assert!(unsafe { kept.as_ref() }.iter().all(|kept| *kept == byte), "contents are kept");
        self.objects.remove(index);
        self.add(object, new, byte, false);
    }

    fn compare(&self, arena: &Arena<'_>, budget: &Budgeted<System>, setup: &Setup) {
        let stats = arena.stats();
        assert!(stats.held_bytes <= Bytes::new(setup.cap), "over the cap: {stats:?}");
        assert!(stats.used_bytes <= stats.held_bytes, "{stats:?}");
        assert_eq!(stats.held_bytes, budget.used(), "the port has admitted what is held");
        assert_eq!(stats.peak_bytes, budget.peak(), "{stats:?}");
        assert_eq!(stats.failures_total, self.failed, "{stats:?}");
        let live: usize = self.objects.iter().map(|(_, layout, _)| layout.size()).sum();
        assert!(Bytes::from(live) <= stats.used_bytes, "{live} in {stats:?}");
        let mut ranges: Vec<_> = self.objects.iter().filter(|object| object.1.size() > 0).collect();
        ranges.sort_by_key(|object| object.0);
        for pair in ranges.windows(2) {
            let end = pair[0].0.addr().get() + pair[0].1.size();
            assert!(end <= pair[1].0.addr().get(), "two objects overlap");
        }
        for (start, layout, byte) in ranges {
            let object = NonNull::slice_from_raw_parts(*start, layout.size());
            // SAFETY: the object is live and was written as a whole.
            let is_intact = unsafe { object.as_ref() }.iter().all(|found| found == byte);
            assert!(is_intact, "an object was overwritten");
        }
    }
}

#[test]
fn programs_agree_with_a_list_of_objects() {
    let config = Config { failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let programs = (setup(), prop::collection::vec(step(), 1..150));
    let outcome = runner.run(&programs, |(setup, program)| {
        let budget = Budgeted::new(System::new(), Bytes::new(setup.limit));
        let (hint, cap) = (Bytes::new(setup.hint), Bytes::new(setup.cap));
        let alloc = Alloc::new(&budget);
        let mut arena = Arena::with(alloc, hint, cap, setup.pooling, setup.zeroing);
        let mut model = Model::default();
        for (number, step) in (1..).zip(&program) {
            model.run(&mut arena, number, step, &setup);
            model.compare(&arena, &budget, &setup);
        }
        drop(arena);
        assert_eq!(budget.used(), Bytes::ZERO, "everything was freed");
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
