//! The slab from outside: reuse, alignment, what the port sees, threads, and failures.

use std::alloc::Layout;
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::{Barrier, mpsc};

use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec as RawVec;
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Budgeted, ErrorKind, MemoryError, Pooling, Port, Slab, SlabBox, SlabStats, System,
    Trace, Traced, Zeroing,
};

const KIB: u64 = 1 << 10;

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("small")
}

fn take(slab: &Slab<'_>, layout: Layout) -> NonNull<u8> {
    slab.allocate(layout).expect("there is memory").cast()
}

fn free(slab: &Slab<'_>, block: NonNull<u8>, layout: Layout) {
    // SAFETY: the tests pass each block they took with its layout, once.
    unsafe { slab.deallocate(block, layout) };
}

/// Has one meaning for what stays on its thread, and two for what is `Send`: the calls in the next
/// test do not compile for a type that is.
trait StaysOnItsThread<Meaning> {
    fn stays() -> bool {
        true
    }
}

struct AnotherMeaning;

impl<T: ?Sized> StaysOnItsThread<()> for T {}

impl<T: ?Sized + Send> StaysOnItsThread<AnotherMeaning> for T {}

#[test]
fn a_slab_and_its_containers_stay_on_their_thread_and_boxes_need_not() {
    assert!(<Slab<'_> as StaysOnItsThread<_>>::stays());
    assert!(<&Slab<'_> as StaysOnItsThread<_>>::stays());
    assert!(<RawVec<u8, &Slab<'_>> as StaysOnItsThread<_>>::stays());
    assert!(<SlabBox<'_, std::rc::Rc<u8>> as StaysOnItsThread<_>>::stays());
    let is_send = |_: &(dyn Send + Sync)| ();
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    is_send(&slab.try_box(7).expect("there is memory"));
}

#[test]
fn the_block_that_was_freed_last_is_the_next_one_of_its_bin() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    for (freed, next, is_same) in
        [(24, 32, true), (33, 64, true), (130, 256, true), (64, 65, false)]
    {
        let block = take(&slab, layout(freed, 8));
        free(&slab, block, layout(freed, 8));
        let other = take(&slab, layout(next, 8));
        assert_eq!(block == other, is_same, "{freed} and {next}");
        free(&slab, other, layout(next, 8));
    }
}

#[test]
fn an_alignment_up_to_256_is_served_and_a_larger_one_is_the_ports() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    for align in (0..=12).map(|power| 1 << power) {
        let blocks: Vec<_> = (0..100).map(|_| take(&slab, layout(24, align))).collect();
        assert!(blocks.iter().all(|block| block.addr().get().is_multiple_of(align)), "{align}");
        assert_eq!(blocks.iter().collect::<BTreeSet<_>>().len(), 100, "no two are the same");
        let pooled = slab.stats().blocks_outstanding;
        assert_eq!(pooled, if align <= 256 { 100 } else { 0 }, "{align}");
        blocks.into_iter().for_each(|block| free(&slab, block, layout(24, align)));
    }
}

#[test]
fn a_size_above_256_is_the_ports() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let block = take(&slab, layout(257, 1));
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::new(257));
    assert_eq!(slab.stats(), SlabStats::default());
    free(&slab, block, layout(257, 1));
    let nothing = take(&slab, layout(0, 64));
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::ZERO);
    free(&slab, nothing, layout(0, 64));
}

#[test]
fn a_slab_that_was_not_asked_has_taken_nothing() {
    let budget = Budgeted::new(System::new(), Bytes::ZERO);
    let slab = Slab::new(Alloc::new(&budget));
    slab.trim();
    assert_eq!((slab.stats(), budget.peak()), (SlabStats::default(), Bytes::ZERO));
}

#[test]
fn after_a_million_blocks_one_region_is_kept_and_after_trim_none() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    // Enough of each bin to need many regions, freed in an order of no bin.
    let layouts: Vec<_> = (0..1_000_000).map(|index| layout(1 + index * 37 % 256, 8)).collect();
    let blocks: Vec<_> = layouts.iter().map(|layout| take(&slab, *layout)).collect();
    let asked: usize = layouts.iter().map(|layout| layout.size().next_power_of_two().max(32)).sum();
    let held = slab.stats().held.get();
    assert!(held as f64 <= 1.02 * asked as f64, "headers and the last superblocks: {held}");
    for (block, layout) in blocks.into_iter().zip(layouts) {
        free(&slab, block, layout);
    }
    let kept = slab.stats();
    assert!(kept.superblocks <= 4 && kept.held <= Bytes::new(256 * KIB), "{kept:?}");
    assert_eq!(system.diagnostics().bytes_outstanding, kept.held);
    slab.trim();
    assert_eq!(system.diagnostics().bytes_outstanding, Bytes::ZERO);
}

#[test]
fn churn_at_the_edge_of_a_superblock_does_not_go_to_the_port() {
    let traced = Traced::new(System::uncounted(), Trace::stamped());
    let slab = Slab::new(Alloc::new(&traced));
    let mut blocks = Vec::new();
    while slab.stats().held < Bytes::new(512 * KIB) {
        blocks.push(take(&slab, layout(256, 8)));
    }
    let taken = traced.diagnostics().allocations_total;
    for _ in 0..1000 {
        let last = blocks.pop().expect("it is not empty");
        free(&slab, last, layout(256, 8));
        blocks.push(take(&slab, layout(256, 8)));
    }
    assert_eq!(traced.diagnostics().allocations_total, taken);
    blocks.into_iter().for_each(|block| free(&slab, block, layout(256, 8)));
}

#[test]
fn without_pooling_each_request_is_one_of_the_port() {
    let traced = Traced::new(System::uncounted(), Trace::sites());
    let slab = Slab::with(Alloc::new(&traced), Pooling::Off, Zeroing::Off);
    let blocks: Vec<_> = (1..=300).map(|size| (take(&slab, layout(size, 8)), size)).collect();
    let seen = traced.diagnostics();
    assert_eq!(seen.blocks_outstanding, 300);
    assert_eq!(seen.bytes_outstanding, Bytes::new(300 * 301 / 2));
    assert_eq!(slab.stats(), SlabStats::default());
    let boxed = slab.try_box([7_u64; 4]).expect("there is memory");
    std::thread::scope(|scope| {
        scope.spawn(move || assert_eq!(SlabBox::into_inner(boxed), [7; 4]));
    });
    assert_eq!(traced.diagnostics().blocks_outstanding, 300, "the box came back at once");
    blocks.into_iter().for_each(|(block, size)| free(&slab, block, layout(size, 8)));
    assert_eq!(traced.diagnostics().blocks_outstanding, 0);
}

#[test]
fn with_zeroing_no_block_shows_what_another_held() {
    let system = System::new();
    let slab = Slab::with(Alloc::new(&system), Pooling::On, Zeroing::On);
    for round in 0..3 {
        let blocks: Vec<_> = (1..=256)
            .map(|size| {
                let block = take(&slab, layout(size, 1));
                let bytes = NonNull::slice_from_raw_parts(block, size);
                // SAFETY: with zeroing a fresh block is initialised, with zeros.
                let is_zero = unsafe { bytes.as_ref() }.iter().all(|byte| *byte == 0);
                assert!(is_zero, "round {round}, {size}");
                // SAFETY: the block has this size.
                unsafe { block.write_bytes(0xa5, size) };
                (block, size)
            })
            .collect();
        for (block, size) in blocks {
            // What is cut off is cleared as well: it is not part of what is freed later.
            let less = size - size / 3;
            // SAFETY: the block is live with this layout, and the new one is not larger.
            let block = unsafe { slab_shrink(&slab, block, size, less) };
            free(&slab, block, layout(less, 1));
        }
    }
}

/// # Safety
/// `block` is live in `slab` with `size` bytes, and `less` is not more.
unsafe fn slab_shrink(
    slab: &Slab<'_>,
    block: NonNull<u8>,
    size: usize,
    less: usize,
) -> NonNull<u8> {
    // SAFETY: the caller's promises are passed on.
    let block = unsafe { slab.shrink(block, layout(size, 1), layout(less, 1)) };
    block.expect("there is memory").cast()
}

#[test]
fn a_failure_keeps_its_reason_and_the_slab_usable() {
    let budget = Budgeted::new(System::new(), Bytes::new(256 * KIB));
    let slab = Slab::new(Alloc::new(&budget));
    let mut boxes = Vec::new();
    let error = loop {
        match slab.try_box([0_u8; 200]) {
            Ok(value) => boxes.push(value),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.requested()), (ErrorKind::OverBudget, Bytes::new(256 * KIB)));
    assert!(boxes.len() * 256 >= 258_000, "nearly all of the budget is usable: {}", boxes.len());
    boxes.pop();
    drop(slab.try_box([1_u8; 200]).expect("what was freed is there again"));
}

#[test]
fn a_box_runs_its_destructor_once_on_whichever_thread() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let witness = std::sync::Arc::new(());
    let boxes = [(); 3].map(|()| slab.try_box(std::sync::Arc::clone(&witness)));
    let [here, there, out] = boxes.map(|value| value.expect("there is memory"));
    drop(here);
    let out = SlabBox::into_inner(out);
    std::thread::scope(|scope| {
        scope.spawn(move || drop(there));
    });
    assert_eq!(std::sync::Arc::strong_count(&witness), 2);
    assert_eq!(slab.stats().blocks_outstanding, 1, "one is in the remote-free list");
    slab.trim();
    assert_eq!(slab.stats(), SlabStats::default());
    drop(out);
}

#[test]
fn a_block_is_given_back_when_the_destructor_of_its_value_panics() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("as the test asks");
        }
    }
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let value = slab.try_box((Panics, 7)).expect("there is memory");
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(value))).expect_err("it panics");
    assert_eq!(slab.stats().blocks_outstanding, 0);
}

#[test]
fn what_comes_home_is_used_before_the_port_is_asked() {
    let traced = Traced::new(System::uncounted(), Trace::stamped());
    let slab = Slab::new(Alloc::new(&traced));
    for _ in 0..50 {
        let boxes: Vec<_> =
            (0..1000).map(|_| slab.try_box([1_u8; 200]).expect("there is memory")).collect();
        std::thread::scope(|scope| {
            scope.spawn(move || drop(boxes));
        });
    }
    assert!(slab.stats().held <= Bytes::new(512 * KIB), "{:?}", slab.stats());
}

#[test]
fn eight_threads_drop_each_others_blocks_and_nothing_is_lost() {
    const THREADS: usize = 8;
    let mut traced = Traced::new(System::uncounted(), Trace::stamped());
    let alloc = Alloc::new(&traced);
    let slabs_are_made = Barrier::new(THREADS);
    let slabs_may_go = Barrier::new(THREADS);
    // A slab lives on its thread, so boxes cross by being sent into scopes below it: each owner
    // starts two threads that drop its boxes while it takes others.
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (made, go) = (&slabs_are_made, &slabs_may_go);
            scope.spawn(move || {
                let zeroing = if thread % 2 == 0 { Zeroing::On } else { Zeroing::Off };
                let slab = Slab::with(alloc, Pooling::On, zeroing);
                made.wait();
                let sum = trade(&slab, thread as u64);
                assert_eq!(sum, (0..4000).map(|value| value ^ thread as u64).sum::<u64>());
                go.wait();
                slab.trim();
                assert_eq!(slab.stats(), SlabStats::default(), "every block was taken back");
            });
        }
    });
    traced.teardown().expect("this holds because everything was freed");
}

/// Sends 4000 boxes of four sizes to two threads, which read and drop them.
fn trade(slab: &Slab<'_>, owner: u64) -> u64 {
    std::thread::scope(|scope| {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..2).map(|_| mpsc::sync_channel(16)).unzip();
        let readers: Vec<_> = receivers
            .into_iter()
            .map(|receiver: mpsc::Receiver<Parcel<'_>>| {
                scope.spawn(move || receiver.into_iter().map(|parcel| parcel.value()).sum::<u64>())
            })
            .collect();
        let mut mine = std::collections::VecDeque::new();
        for value in 0..4000 {
            let parcel = Parcel::new(slab, value, owner).expect("there is memory");
            senders[(value % 2) as usize].send(parcel).expect("the reader is there");
            // Blocks of the owner's own come and go between them.
            mine.push_back(RawVec::<u64, _>::with_capacity_in((value % 40) as usize, slab));
            if mine.len() > 100 {
                mine.pop_front();
            }
        }
        drop(senders);
        readers.into_iter().map(|reader| reader.join().expect("no panic in it")).sum()
    })
}

/// A value in a block of one of four bins.
enum Parcel<'s> {
    Tiny(SlabBox<'s, [u64; 2]>),
    Small(SlabBox<'s, [u64; 8]>),
    Middle(SlabBox<'s, [u64; 13]>),
    Large(SlabBox<'s, [u64; 32]>),
}

impl<'s> Parcel<'s> {
    fn new(slab: &'s Slab<'_>, value: u64, owner: u64) -> Result<Self, MemoryError> {
        let word = value ^ owner;
        Ok(match value % 4 {
            0 => Self::Tiny(slab.try_box([word; 2])?),
            1 => Self::Small(slab.try_box([word; 8])?),
            2 => Self::Middle(slab.try_box([word; 13])?),
            _ => Self::Large(slab.try_box([word; 32])?),
        })
    }

    /// The value, which every word of the block holds.
    fn value(&self) -> u64 {
        let words: &[u64] = match self {
            Self::Tiny(words) => &words[..],
            Self::Small(words) => &words[..],
            Self::Middle(words) => &words[..],
            Self::Large(words) => &words[..],
        };
        assert!(words.iter().all(|word| *word == words[0]), "{words:?}");
        words[0]
    }
}
