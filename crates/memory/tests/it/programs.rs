//! Programs of operations on every stack, against a model that is a list of sizes.

use super::operation;
use std::alloc::Layout;
use std::ptr::NonNull;

use super::ports;
use gitmind_memory::units::Bytes;
use gitmind_memory::{OpStats, OpTag, Port};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// One step; an index picks among what is live, modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, align: usize, zeroed: bool },
    Resize { index: usize, size: usize },
    Free { index: usize },
    Charge { bytes: u64 },
    Refund { index: usize },
    Impossible,
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![0..300_usize, 0..70_000_usize];
    let align = (0..=12_u32).prop_map(|power| 1 << power);
    let allocate = (size.clone(), align, any::<bool>())
        .prop_map(|(size, align, zeroed)| Step::Allocate { size, align, zeroed });
    prop_oneof![
        4 => allocate,
        3 => (any::<usize>(), size).prop_map(|(index, size)| Step::Resize { index, size }),
        3 => any::<usize>().prop_map(|index| Step::Free { index }),
        1 => (0..100_000_u64).prop_map(|bytes| Step::Charge { bytes }),
        1 => any::<usize>().prop_map(|index| Step::Refund { index }),
        1 => Just(Step::Impossible),
    ]
}

/// What a port should say, from nothing but a list of live blocks and a list of charges.
#[derive(Default)]
struct Model {
    blocks: Vec<(NonNull<u8>, Layout, u8)>,
    charges: Vec<u64>,
    peak: u64,
    failures: u64,
    allocations: u64,
}

impl Model {
    fn outstanding(&self) -> u64 {
        let blocks: usize = self.blocks.iter().map(|(_, layout, _)| layout.size()).sum();
        blocks as u64 + self.charges.iter().sum::<u64>()
    }

    fn run(&mut self, port: &dyn Port, op: OpTag<'_>, number: u8, step: &Step) {
        match *step {
            Step::Allocate { size, align, zeroed } => {
                let layout = Layout::from_size_align(size, align).expect("small");
                let block = if zeroed {
                    port.allocate_zeroed(layout, op)
                } else {
                    port.allocate(layout, op)
                };
                let start = block.expect("the limit is far");
                // SAFETY: a fresh block of `size` bytes.
                unsafe { start.write_bytes(number, size) };
                self.blocks.push((start, layout, number));
                self.allocations += u64::from(size > 0);
            }
            Step::Resize { index, size } => self.resize(port, op, index, size),
            Step::Free { index } => {
                if let Some(index) = index.checked_rem(self.blocks.len()) {
                    let (start, layout, _) = self.blocks.swap_remove(index);
                    // SAFETY: the block is live in `port` with this layout and tag.
                    unsafe { port.deallocate(start, layout, op) };
                }
            }
            Step::Charge { bytes } => {
                port.charge(Bytes::new(bytes), op).expect("the limit is far");
                self.charges.push(bytes);
            }
            Step::Refund { index } => {
                if let Some(index) = index.checked_rem(self.charges.len()) {
                    port.refund(Bytes::new(self.charges.swap_remove(index)), op);
                }
            }
            Step::Impossible => {
                let layout = Layout::from_size_align(isize::MAX as usize, 1).expect("the limit");
                port.allocate(layout, op).expect_err("no heap has that much");
                self.failures += 1;
            }
        }
        self.peak = self.peak.max(self.outstanding());
    }

    fn resize(&mut self, port: &dyn Port, op: OpTag<'_>, index: usize, size: usize) {
        let Some(index) = index.checked_rem(self.blocks.len()) else { return };
        let (start, old, byte) = self.blocks[index];
        let new = Layout::from_size_align(size, old.align()).expect("small");
        let block = if size >= old.size() {
            // SAFETY: the block is live in `port` with `old` and this tag; `new` is not smaller.
            unsafe { port.grow(start, old, new, op) }
        } else {
            // SAFETY: the block is live in `port` with `old` and this tag; `new` is smaller.
            unsafe { port.shrink(start, old, new, op) }
        };
        let start = block.expect("the limit is far");
        let kept = NonNull::slice_from_raw_parts(start, size.min(old.size()));
        // SAFETY: these bytes were written when the block was made, and were kept.
        assert!(unsafe { kept.as_ref() }.iter().all(|kept| *kept == byte), "contents are kept");
        // SAFETY: the block has `size` bytes now.
        unsafe { start.write_bytes(byte, size) };
        self.blocks[index] = (start, new, byte);
    }

    /// Compares; the peak is exact unless a block was moved by hand, when it may be higher.
    fn compare(&self, name: &str, port: &dyn Port, account: Option<&OpStats>) {
        let said = port.diagnostics();
        assert_eq!(said.bytes_outstanding.get(), self.outstanding(), "{name}: outstanding");
        assert_eq!(said.failures_total, self.failures, "{name}: failures");
        assert!(said.peak_bytes.get() >= self.peak, "{name}: the peak is not too low");
        let live = self.blocks.iter().filter(|(_, layout, _)| layout.size() > 0).count();
        if name == "system" {
            assert_eq!(said.peak_bytes.get(), self.peak, "{name}: peak");
            assert!(said.blocks_outstanding == live as u64, "{name}: blocks");
        }
        if name.starts_with("traced") && !name.contains("on traced") {
            let account = account.expect("a tagged run").diagnostics();
            assert_eq!(account, said, "{name}: the account of the only operation is the port's");
        }
        if !name.contains("zeroizing") && name.starts_with("traced") {
            assert_eq!(said.peak_bytes.get(), self.peak, "{name}: peak");
            assert_eq!(said.blocks_outstanding, self.blocks.len() as u64, "{name}: blocks");
        }
    }
}

#[test]
fn programs_agree_with_a_list_of_sizes() {
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[4; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let programs = prop::collection::vec(step(), 1..120);
    let outcome = runner.run(&programs, |program| {
        ports::for_each_stack(|name, make| {
            let account = OpStats::new(operation::CACHE_REBUILD, 1);
            let (port, mut model) = (make(), Model::default());
            for (number, step) in (0..).zip(&program) {
                model.run(&port, OpTag::of(&account), number, step);
                model.compare(name, &port, Some(&account));
            }
            for (start, layout, _) in std::mem::take(&mut model.blocks) {
                // SAFETY: the block is live in `port` with this layout and tag.
                unsafe { port.deallocate(start, layout, OpTag::of(&account)) };
            }
            for bytes in std::mem::take(&mut model.charges) {
                port.refund(Bytes::new(bytes), OpTag::of(&account));
            }
            model.compare(name, &port, Some(&account));
        });
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
