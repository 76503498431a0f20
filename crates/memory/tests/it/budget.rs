//! Budgets: exact under threads, one warning, and a failure that changes nothing.

use std::sync::Mutex;

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, BudgetObserver, BudgetWarning, Budgeted, ErrorKind, Gate as _, MemoryError, OpTag, Port,
    System, Vec,
};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

#[test]
fn refused_charge_leaves_the_budget_unchanged() {
    let budget = Budgeted::new(System::new(), Bytes::new(100));
    budget.charge(Bytes::new(60), OpTag::NONE).expect("it fits");
    let failed = budget.charge(Bytes::new(41), OpTag::NONE);
    let expected = MemoryError::new(ErrorKind::OverBudget, None, Bytes::new(41));
    assert_eq!(failed, Err(expected.with_limit(Bytes::new(100))));
    assert_eq!(budget.used(), Bytes::new(60));
    assert_eq!(budget.peak(), Bytes::new(60));
    budget.charge(Bytes::new(40), OpTag::NONE).expect("the limit itself fits");
    budget.refund(Bytes::new(100), OpTag::NONE);
}

#[test]
fn a_charge_near_the_integer_limit_fails() {
    let budget = Budgeted::new(System::new(), Bytes::new(u64::MAX));
    budget.charge(Bytes::new((1 << 56) - 1), OpTag::NONE).expect("it fits");
    let error = budget.charge(Bytes::new(2), OpTag::NONE).expect_err("it cannot be counted");
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    let error = budget.charge(Bytes::new(u64::MAX), OpTag::NONE).expect_err("the sum overflows");
    assert_eq!(error.kind(), ErrorKind::OverBudget);
    budget.refund(Bytes::new((1 << 56) - 1), OpTag::NONE);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn what_its_gate_is_told_too_often_ends_at_zero() {
    let budget = Budgeted::new(System::new(), Bytes::new(100));
    let block = Alloc::new(&budget).try_box([0_u8; 60]).expect("it fits");
    for (failures, less) in [61, u64::MAX, 1 << 63].into_iter().enumerate() {
        budget.gate().release(Bytes::new(less));
        assert_eq!(budget.used(), Bytes::ZERO, "after a release of {less}");
        assert_eq!(budget.diagnostics().failures_total, failures as u64 + 1);
    }
    drop(block);
    assert_eq!(budget.used(), Bytes::ZERO, "the block was released before");
    drop(Alloc::new(&budget).try_box([0_u8; 100]).expect("the whole budget is there"));
}

#[test]
fn a_failure_below_refunds_the_charge() {
    let budget = Budgeted::new(System::new(), Bytes::new(u64::MAX));
    let mut bytes: Vec<'_, u8> = Vec::new(Alloc::new(&budget));
    let error = bytes.try_reserve_exact(isize::MAX as usize).expect_err("no heap has that much");
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert_eq!(budget.used(), Bytes::ZERO);
}

#[test]
fn a_guard_refunds_exactly_what_it_charged() {
    let budget = Budgeted::new(System::new(), Bytes::new(100));
    let alloc = Alloc::new(&budget);
    let mut charge = alloc.charge(Bytes::new(30)).expect("it fits");
    charge.resize(Bytes::new(90)).expect("it fits");
    charge.resize(Bytes::new(101)).expect_err("it does not fit");
    assert_eq!((charge.bytes(), budget.used()), (Bytes::new(90), Bytes::new(90)));
    charge.resize(Bytes::new(10)).expect("less always fits");
    assert_eq!(budget.used(), Bytes::new(10));
    drop(charge);
    assert_eq!((budget.used(), budget.peak()), (Bytes::ZERO, Bytes::new(90)));
}

#[derive(Default)]
struct Heard(Mutex<std::vec::Vec<BudgetWarning>>);

impl BudgetObserver for &Heard {
    fn soft_limit_passed(&self, warning: BudgetWarning) {
        self.0.lock().expect("no holder panics").push(warning);
    }
}

#[test]
fn the_warning_comes_once_at_four_fifths() {
    let heard = Heard::default();
    let budget = Budgeted::with_observer(System::new(), Bytes::from_mib(256), &heard);
    assert_eq!(budget.soft_limit(), Bytes::new((256 << 20) * 4 / 5));
    let soft = budget.soft_limit().get();
    budget.charge(Bytes::new(soft - 1), OpTag::NONE).expect("it fits");
    assert!(heard.0.lock().expect("no holder panics").is_empty(), "below the soft limit");
    for _ in 0..3 {
        budget.charge(Bytes::new(1), OpTag::NONE).expect("it fits");
        budget.refund(Bytes::new(1), OpTag::NONE);
    }
    let heard = heard.0.lock().expect("no holder panics");
    let [warning] = heard[..] else { panic!("{heard:?}") };
    let told = (warning.used, warning.soft_limit, warning.hard_limit);
    assert_eq!(told, (Bytes::new(soft), Bytes::new(soft), Bytes::from_mib(256)));
    assert_eq!(warning.to_string(), "memory runs low: 204.7 MiB of 256.0 MiB in use");
    budget.refund(Bytes::new(soft - 1), OpTag::NONE);
}

#[test]
fn eight_threads_never_pass_the_limit_and_lose_nothing() {
    const LIMIT: u64 = 10_000;
    let budget = Budgeted::new(System::new(), Bytes::new(LIMIT));
    let work = |seed| {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut held, mut granted, mut failed) = (std::vec::Vec::new(), 0_u64, 0_u64);
        for _ in 0..20_000 {
            let bytes = Bytes::new(random.next_u64() % 2000);
            if random.next_u64() % 2 == 0 || held.is_empty() {
                match budget.charge(bytes, OpTag::NONE) {
                    Ok(()) => {
                        held.push(bytes);
                        granted += 1;
                    }
                    Err(_) => failed += 1,
                }
            } else if let Some(bytes) = held.pop() {
                budget.refund(bytes, OpTag::NONE);
            }
            assert!(budget.used().get() <= LIMIT, "over the limit");
        }
        held.into_iter().for_each(|bytes| budget.refund(bytes, OpTag::NONE));
        (granted, failed)
    };
    let totals = std::thread::scope(|scope| {
        let threads: std::vec::Vec<_> =
            (0..8).map(|seed| scope.spawn(move || work(seed))).collect();
        threads.into_iter().fold((0, 0), |sum, thread| {
            let (granted, failed) = thread.join().expect("no thread panics");
            (sum.0 + granted, sum.1 + failed)
        })
    });
    assert_eq!(budget.used(), Bytes::ZERO, "nothing is lost");
    assert!(budget.peak().get() <= LIMIT, "the peak is a level that was reached");
    assert!(totals.0 > 0 && totals.1 > 0, "both outcomes were exercised: {totals:?}");
    assert_eq!(budget.diagnostics().failures_total, totals.1, "each failure is counted");
}
