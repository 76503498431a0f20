//! The books against a plain model, which copies everything at each peak.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const OPS: [Option<Op>; 3] = [None, Some(Op::new(0, "read")), Some(Op::new(9, "write"))];

#[derive(Clone, Debug)]
enum Step {
    Take { size: usize, stack: usize, op: usize },
    Free { which: usize },
    Resize { which: usize, size: usize, stack: usize, op: usize },
    ResizeThatFails { which: usize },
    Charge { bytes: u64, stack: usize, op: usize },
    Refund { which: usize },
    Unattributed { bytes: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let (stack, op, which) = (0..4_usize, 0..OPS.len(), any::<usize>());
    prop_oneof![
        4 => (1..200_usize, stack.clone(), op.clone())
            .prop_map(|(size, stack, op)| Step::Take { size, stack, op }),
        3 => which.prop_map(|which| Step::Free { which }),
        3 => (any::<usize>(), 0..200_usize, stack.clone(), op.clone())
            .prop_map(|(which, size, stack, op)| Step::Resize { which, size, stack, op }),
        1 => any::<usize>().prop_map(|which| Step::ResizeThatFails { which }),
        1 => (1..200_u64, stack, op)
            .prop_map(|(bytes, stack, op)| Step::Charge { bytes, stack, op }),
        1 => any::<usize>().prop_map(|which| Step::Refund { which }),
        1 => (-50..50_i64).prop_map(|bytes| Step::Unattributed { bytes }),
    ]
}

/// Bytes and blocks by stack and operation.
type Holders = BTreeMap<(usize, usize), (i64, i64)>;

/// A model that copies all amounts at each peak, for all and for each operation.
#[derive(Default)]
struct Model {
    now: Holders,
    unattributed: i64,
    peaks: BTreeMap<Option<usize>, (i64, Holders, i64)>,
}

impl Model {
    fn sum(&self, of: Option<usize>) -> i64 {
        let holders = self.now.iter().filter(|((_, op), _)| of.is_none_or(|of| of == *op));
        let held: i64 = holders.map(|(_, (bytes, _))| bytes).sum();
        held + if of.is_none() { self.unattributed } else { 0 }
    }

    fn change(&mut self, holder: (usize, usize), bytes: i64, blocks: i64) {
        let held = self.now.entry(holder).or_default();
        (held.0, held.1) = (held.0 + bytes, held.1 + blocks);
    }

    /// Ends an event.
    fn look(&mut self) {
        for of in [None, Some(1), Some(2)] {
            let sum = self.sum(of);
            if sum > self.peaks.get(&of).map_or(0, |peak| peak.0) {
                self.peaks.insert(of, (sum, self.now.clone(), self.unattributed));
            }
        }
    }
}

/// The same steps on the books and the model.
#[derive(Default)]
struct Run {
    model: Model,
    /// Start, size and holder of the blocks.
    blocks: Vec<(usize, usize, (usize, usize))>,
    charges: Vec<(u64, (usize, usize))>,
    next: usize,
}

impl Run {
    fn step(&mut self, books: &mut SiteLedger, step: Step) {
        let entry = |books: &mut SiteLedger, (stack, op): (usize, usize)| {
            books.entry(OPS[op], &CallStack::of(&[7, stack])).expect("there is memory")
        };
        let pick = |which: usize, len: usize| which.checked_rem(len);
        self.next += 1;
        match step {
            Step::Take { size, stack, op } => {
                let id = entry(books, (stack, op));
                books.insert(self.next, size, id, 0);
                self.blocks.push((self.next, size, (stack, op)));
                self.model.change((stack, op), Bytes::from(size).signed(), 1);
            }
            Step::Free { which } => {
                let Some(at) = pick(which, self.blocks.len()) else { return };
                let (start, size, holder) = self.blocks.swap_remove(at);
                assert!(!books.remove(start, size + 1), "it has another size");
                assert!(books.remove(start, size));
                self.model.change(holder, -Bytes::from(size).signed(), -1);
            }
            Step::Resize { which, size, stack, op } => {
                let Some(at) = pick(which, self.blocks.len()) else { return };
                let (start, old, holder) = self.blocks.swap_remove(at);
                let id = entry(books, (stack, op));
                let block = books.detach(start, old).expect("it is live");
                books.replace(block, (self.next, size), (id, 0));
                self.model.change(holder, -Bytes::from(old).signed(), -1);
                self.model.change((stack, op), Bytes::from(size).signed(), i64::from(size > 0));
                if size > 0 {
                    self.blocks.push((self.next, size, (stack, op)));
                }
            }
            Step::ResizeThatFails { which } => {
                let Some(at) = pick(which, self.blocks.len()) else { return };
                let (start, size, _) = self.blocks[at];
                let block = books.detach(start, size).expect("it is live");
                assert!(!books.contains(start, size));
                books.attach(start, block);
            }
            Step::Charge { bytes, stack, op } => {
                let id = entry(books, (stack, op));
                books.charge(id, Bytes::new(bytes)).expect("there is memory");
                self.charges.push((bytes, (stack, op)));
                self.model.change((stack, op), bytes.cast_signed(), 0);
            }
            Step::Refund { which } => self.refund(books, which),
            Step::Unattributed { bytes } => {
                books.unattributed(bytes);
                self.model.unattributed += bytes;
            }
        }
        self.model.look();
    }

    /// Refunds a charge: the latest one of its size and operation.
    fn refund(&mut self, ledger: &mut SiteLedger, which: usize) {
        let Some(at) = which.checked_rem(self.charges.len()) else { return };
        let (bytes, (_, op)) = self.charges[at];
        let is_meant = |(other, holder): &(u64, (usize, usize))| *other == bytes && holder.1 == op;
        let at = self.charges.iter().rposition(is_meant).expect("it is one of them");
        let (_, holder) = self.charges.remove(at);
        ledger.refund(OPS[op], Bytes::new(bytes));
        self.model.change(holder, -bytes.cast_signed(), 0);
    }
}

proptest! {
    #[test]
    fn the_books_hold_at_the_peak_what_a_copy_made_there_holds(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        let (mut books, mut run) = (SiteLedger::new(), Run::default());
        for step in steps {
            run.step(&mut books, step);
        }
        for (of, op) in [(None, None), (Some(1), OPS[1]), (Some(2), OPS[2])] {
            let profile = books.profile(op);
            let nothing = (0, Holders::new(), 0);
            let (sum, holders, unattributed) = run.model.peaks.get(&of).unwrap_or(&nothing);
            prop_assert_eq!(profile.peak.bytes.get().cast_signed(), *sum);
            prop_assert_eq!(profile.end.bytes.get().cast_signed(), run.model.sum(of).max(0));
            let expected_unattributed = if of.is_none() { *unattributed } else { 0 };
            prop_assert_eq!(profile.unattributed_bytes, expected_unattributed);
            let found: u64 = profile.holders.iter().map(|holder| holder.peak.bytes.get()).sum();
            prop_assert_eq!(found.cast_signed() + profile.unattributed_bytes, *sum);
            for holder in &profile.holders {
                let stack = holder.stack.addresses()[1];
                let index = OPS.iter().position(|op| *op == holder.op).expect("one of them");
                let (bytes, blocks) = holders.get(&(stack, index)).copied().unwrap_or_default();
                let held = (holder.peak.bytes.get().cast_signed(), holder.peak.blocks);
                prop_assert_eq!(held, (bytes, blocks.unsigned_abs()));
            }
        }
    }
}

#[test]
fn a_refund_of_another_size_takes_from_the_latest_charges_of_its_operation() {
    let mut books = SiteLedger::new();
    for (stack, bytes) in [(1, 100), (2, 30), (3, 50)] {
        let entry = books.entry(OPS[1], &CallStack::of(&[stack])).expect("there is memory");
        books.charge(entry, Bytes::new(bytes)).expect("there is memory");
    }
    books.refund(OPS[1], Bytes::new(60));
    let end: BTreeMap<usize, u64> = books
        .profile(None)
        .holders
        .iter()
        .map(|holder| (holder.stack.addresses()[0], holder.end.bytes.get()))
        .collect();
    assert_eq!(end, BTreeMap::from([(1, 100), (2, 20), (3, 0)]));
}
