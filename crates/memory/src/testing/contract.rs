//! The suite that every port must pass, whatever it is stacked on.
//!
//! Each case panics with the claim that does not hold. The port must admit at least one mebibyte in
//! all, and must count (see [`Port::diagnostics`]).

use std::alloc::Layout;
use std::ops::Range;
use std::panic::resume_unwind;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::op::OpTag;
use crate::port::Port;
use crate::units::Bytes;

/// The largest alignment of all cases but one: a page.
const ALIGN_MAX: usize = 4096;

/// Alignments above a page, which few ports handle separately.
const LARGE_ALIGNMENTS: [usize; 4] = [8192, 16_384, 32_768, 65_536];

const SIZES: [usize; 12] = [0, 1, 7, 8, 9, 24, 63, 64, 1000, 4096, 20_000, 70_000];

/// Bytes between the patterns of two seeds.
const SEED_STEP: usize = 257;

/// The bytes of all patterns. They are copied and compared as a whole, since loops over bytes took
/// most of the time of a debug build. Neighbours differ, and so do bytes at a distance of 256.
static PATTERNS: [u8; 70_000 + 256 * SEED_STEP] = {
    let mut patterns = [0; _];
    let mut index = 0_usize;
    while index < patterns.len() {
        let [low, high, ..] = index.to_le_bytes();
        patterns[index] = low ^ high.rotate_left(4);
        index += 1;
    }
    patterns
};

/// Threads that use a port concurrently. Each runs this number of rounds, and then continues until
/// all have done so, so that they overlap; it stops at the limit, in case another thread has
/// panicked. Lost changes may cancel out, so there are several trials; a sanitizer reports the race
/// itself, and takes ten times as long.
const THREADS: u8 = 4;
const ROUNDS: usize = 200;
const TRIALS: usize = if cfg!(any(gm_asan, gm_msan, gm_tsan)) { 1 } else { 10 };
const THREADS_TIME_MAX: Duration = Duration::from_secs(5);

/// Runs every case on a fresh port from `make`.
///
/// # Panics
/// When the port breaks its contract; the message says which claim.
#[track_caller]
pub fn check<P: Port>(make: impl Fn() -> P) {
    const CASES: [fn(&dyn Port); 10] = [
        blocks_are_aligned_and_disjoint,
        large_alignments_are_kept,
        threads_get_blocks_of_their_own_and_every_change_is_counted,
        empty_blocks_cost_nothing,
        zeroed_blocks_are_zero,
        resizing_keeps_the_contents,
        an_impossible_size_fails_and_changes_nothing,
        a_failed_resize_leaves_the_block_intact,
        charges_and_refunds_balance,
        identity_is_stable_and_not_shared,
    ];
    for case in CASES {
        let port = make();
        case(&port);
        let left = port.diagnostics();
        assert_eq!(left.bytes_outstanding, Bytes::ZERO, "everything was freed: {left:?}");
        assert_eq!(left.blocks_outstanding, 0, "every block was freed: {left:?}");
    }
    assert_ne!(make().id(), make().id(), "two ports have two ids");
}

/// A live block of a test, filled with a pattern of its own.
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    seed: u8,
}

impl Block {
    fn take(port: &dyn Port, layout: Layout, seed: u8) -> Self {
        let block = port.allocate(layout, OpTag::NONE).expect("a small block is granted");
        let block = Self::checked(block, layout, seed);
        block.fill(0..layout.size());
        block
    }

    fn checked(start: NonNull<u8>, layout: Layout, seed: u8) -> Self {
        assert!(start.addr().get().is_multiple_of(layout.align()), "{layout:?} is aligned");
        Self { start, layout, seed }
    }

    /// The first `len` bytes of the block's pattern.
    fn pattern(&self, len: usize) -> &'static [u8] {
        &PATTERNS[usize::from(self.seed) * SEED_STEP..][..len]
    }

    fn fill(&self, range: Range<usize>) {
        let bytes = &self.pattern(self.layout.size())[range.clone()];
        let start = self.start.as_ptr().wrapping_add(range.start);
        // SAFETY: the block is live, the range is inside it, and a static is outside of it.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(start, bytes.len()) };
    }

    fn assert_kept(&self, len: usize) {
        // SAFETY: the block is live, the bytes below `len` were written by `fill`, and nothing
        // writes to them while the slice is used.
        let bytes = unsafe { std::slice::from_raw_parts(self.start.as_ptr(), len) };
        let pattern = self.pattern(len);
        if bytes != pattern {
            let differs = bytes.iter().zip(pattern).position(|(byte, kept)| byte != kept);
            panic!("byte {differs:?} of {len} was not kept");
        }
    }

    fn resize(&mut self, port: &dyn Port, new: Layout) -> bool {
        let (old, kept) = (self.layout, self.layout.size().min(new.size()));
        let resized = if new.size() >= old.size() {
            // SAFETY: the block is live in `port`, `old` fits it, and `new` is not smaller.
            unsafe { port.grow(self.start, old, new, OpTag::NONE) }
        } else {
            // SAFETY: the block is live in `port`, `old` fits it, and `new` is smaller.
            unsafe { port.shrink(self.start, old, new, OpTag::NONE) }
        };
        let Ok(block) = resized else {
            self.assert_kept(old.size());
            return false;
        };
        *self = Self::checked(block, new, self.seed);
        self.assert_kept(kept);
        self.fill(kept..new.size());
        true
    }

    fn free(self, port: &dyn Port) {
        self.assert_kept(self.layout.size());
        // SAFETY: the block is live in `port` and `layout` fits it.
        unsafe { port.deallocate(self.start, self.layout, OpTag::NONE) };
    }
}

fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("the sizes and alignments of the suite are valid")
}

fn alignments() -> impl Iterator<Item = usize> {
    (0..=ALIGN_MAX.ilog2()).map(|power| 1 << power)
}

fn blocks_are_aligned_and_disjoint(port: &dyn Port) {
    for align in alignments() {
        let take = |(seed, size): (u8, usize)| Block::take(port, layout(size, align), seed);
        // All patterns are written before any is checked, so an overlap shows.
        let blocks: Vec<Block> = (1..).zip(SIZES).map(take).collect();
        let sum: usize = SIZES.iter().sum();
        assert_eq!(port.diagnostics().bytes_outstanding, Bytes::from(sum), "sizes add up");
        blocks.into_iter().for_each(|block| block.free(port));
    }
    let peak = port.diagnostics().peak_bytes;
    assert_eq!(peak, Bytes::from(SIZES.iter().sum::<usize>()), "the peak is the highest sum");
}

fn large_alignments_are_kept(port: &dyn Port) {
    for align in LARGE_ALIGNMENTS {
        for size in [1, 5000] {
            let mut block = Block::take(port, layout(size, align), 9);
            let zeroed = port.allocate_zeroed(layout(size, align), OpTag::NONE);
            let zeroed = zeroed.expect("a small block is granted");
            let zeroed = Block::checked(zeroed, layout(size, align), 10);
            zeroed.fill(0..size);
            for next in [20_000, 100] {
                assert!(block.resize(port, layout(next, align)), "{size} to {next} is granted");
            }
            for other in [8, align] {
                assert!(block.resize(port, layout(200, other)), "an alignment may change as well");
            }
            block.free(port);
            zeroed.free(port);
        }
    }
}

fn threads_get_blocks_of_their_own_and_every_change_is_counted(port: &dyn Port) {
    for _ in 0..TRIALS {
        use_on_threads(port);
        let left = port.diagnostics();
        assert_eq!(left.bytes_outstanding, Bytes::ZERO, "each change is counted: {left:?}");
    }
}

fn use_on_threads(port: &dyn Port) {
    let failures = port.diagnostics().failures_total;
    let (start, done) = (Barrier::new(THREADS.into()), AtomicU8::new(0));
    let work = |seed| {
        start.wait();
        let began = Instant::now();
        for round in 1.. {
            if round == ROUNDS {
                done.fetch_add(1, Relaxed);
            }
            let is_late = round % ROUNDS == 0 && began.elapsed() > THREADS_TIME_MAX;
            if is_late || done.load(Relaxed) == THREADS {
                break;
            }
            let mut block = Block::take(port, layout(1 + round % 100, 8), seed);
            port.charge(Bytes::new(10), OpTag::NONE).expect("a small charge is granted");
            assert!(block.resize(port, layout(150, 8)), "a small block is granted");
            port.refund(Bytes::new(10), OpTag::NONE);
            assert!(block.resize(port, layout(1 + round % 50, 8)), "a smaller block is granted");
            block.free(port);
        }
        let impossible = layout(isize::MAX as usize & !7, 8);
        port.allocate(impossible, OpTag::NONE).expect_err("isize::MAX fails");
    };
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (1..=THREADS).map(|seed| scope.spawn(move || work(seed))).collect();
        for thread in threads {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
    let after = port.diagnostics();
    let failed = after.failures_total - failures;
    assert_eq!(failed, THREADS.into(), "a failure of any thread is counted once: {after:?}");
}

fn empty_blocks_cost_nothing(port: &dyn Port) {
    for align in alignments() {
        let blocks =
            [Block::take(port, layout(0, align), 1), Block::take(port, layout(0, align), 2)];
        assert_eq!(port.diagnostics().bytes_outstanding, Bytes::ZERO, "nothing costs nothing");
        blocks.into_iter().for_each(|block| block.free(port));
    }
}

fn zeroed_blocks_are_zero(port: &dyn Port) {
    for size in SIZES {
        // Dirty memory of the same size is the likeliest to be allocated again.
        Block::take(port, layout(size, 8), 0xa5).free(port);
        let zeroed = port.allocate_zeroed(layout(size, 8), OpTag::NONE).expect("it is granted");
        let block = Block::checked(zeroed, layout(size, 8), 0);
        // SAFETY: the block is live and zeroed, and nothing writes to it while the slice is used.
        let bytes = unsafe { std::slice::from_raw_parts(block.start.as_ptr(), size) };
        assert_eq!(bytes.iter().position(|byte| *byte != 0), None, "each byte of {size} is zero");
        block.fill(0..size);
        block.free(port);
    }
}

fn resizing_keeps_the_contents(port: &dyn Port) {
    for align in [1, 16, ALIGN_MAX] {
        for from in SIZES {
            for to in SIZES {
                let mut block = Block::take(port, layout(from, align), 3);
                assert!(block.resize(port, layout(to, align)), "{from} to {to} is granted");
                let outstanding = port.diagnostics().bytes_outstanding;
                assert_eq!(outstanding, Bytes::from(to), "only the new size is outstanding");
                block.free(port);
            }
        }
    }
    let mut block = Block::take(port, layout(100, 8), 4);
    for align in [64, 1, ALIGN_MAX, 16] {
        let size = block.layout.size() + 100;
        assert!(block.resize(port, layout(size, align)), "an alignment may change as well");
    }
    block.free(port);
}

fn an_impossible_size_fails_and_changes_nothing(port: &dyn Port) {
    for align in [1, 16, ALIGN_MAX] {
        let impossible = layout(isize::MAX as usize & !(align - 1), align);
        let before = port.diagnostics();
        port.allocate(impossible, OpTag::NONE).expect_err("isize::MAX fails");
        let after = port.diagnostics();
        assert_eq!(after.failures_total, before.failures_total + 1, "a failure is counted once");
        assert_eq!(after.bytes_outstanding, before.bytes_outstanding, "nothing was taken");
        assert_eq!(after.peak_bytes, before.peak_bytes, "what failed is in no peak");
        Block::take(port, layout(64, 8), 5).free(port);
        port.allocate_zeroed(impossible, OpTag::NONE).expect_err("isize::MAX fails");
    }
}

fn a_failed_resize_leaves_the_block_intact(port: &dyn Port) {
    for align in [1, 16, ALIGN_MAX] {
        let impossible = layout(isize::MAX as usize & !(align - 1), align);
        let mut block = Block::take(port, layout(100, align), 6);
        let failures = port.diagnostics().failures_total;
        assert!(!block.resize(port, impossible), "isize::MAX fails");
        assert_eq!(port.diagnostics().failures_total, failures + 1, "a failure is counted once");
        let outstanding = port.diagnostics().bytes_outstanding;
        assert_eq!(outstanding, Bytes::new(100), "the old block is still counted");
        assert!(block.resize(port, layout(5000, align)), "the next request works");
        block.free(port);
    }
}

fn charges_and_refunds_balance(port: &dyn Port) {
    let block = Block::take(port, layout(64, 8), 7);
    for bytes in [0, 1, 4096, 100_000] {
        port.charge(Bytes::new(bytes), OpTag::NONE).expect("a small charge is granted");
        let outstanding = port.diagnostics().bytes_outstanding;
        assert_eq!(outstanding, Bytes::new(64 + bytes), "a charge counts as outstanding");
        port.refund(Bytes::new(bytes), OpTag::NONE);
    }
    assert_eq!(
        port.diagnostics().bytes_outstanding,
        Bytes::new(64),
        "a refund is the whole charge"
    );
    assert_eq!(port.diagnostics().blocks_outstanding, 1, "a charge is no block");
    block.free(port);
}

fn identity_is_stable_and_not_shared(port: &dyn Port) {
    let id = port.id();
    Block::take(port, layout(64, 8), 8).free(port);
    assert_eq!(port.id(), id, "use does not change the id");
}
