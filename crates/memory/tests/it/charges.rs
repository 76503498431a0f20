//! Charges that cannot be counted and refunds of what was never charged, on every stack of ports.

use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, Gate as _, Op, OpStats, OpTag, Port, System};

use super::ports::for_each_stack;

/// More than is charged: by one, by all that fits a signed number, by all there is.
const EXCESSES: [u64; 4] = [1, i64::MAX as u64, 1 << 63, u64::MAX - 30];

fn outstanding(port: &dyn Port) -> u64 {
    port.diagnostics().bytes_outstanding.get()
}

#[test]
fn a_charge_that_cannot_be_counted_is_refused_and_changes_nothing() {
    for_each_stack(|name, make| {
        let port = make();
        let held = Alloc::new(&port).charge(Bytes::new(30)).expect("it is granted");
        let before = port.diagnostics();
        for bytes in [u64::MAX, u64::MAX - 30, 1 << 63, i64::MAX as u64, 1 << 56] {
            Alloc::new(&port).charge(Bytes::new(bytes)).expect_err(name);
            let after = port.diagnostics();
            assert_eq!(after.bytes_outstanding, before.bytes_outstanding, "{name}: {bytes}");
            assert_eq!(after.peak_bytes, before.peak_bytes, "{name}: {bytes}");
        }
        drop(held);
        assert_eq!(outstanding(&port), 0, "{name}");
    });
}

#[test]
fn a_refund_of_more_than_was_charged_leaves_what_is_justified() {
    for_each_stack(|name, make| {
        let port = make();
        let stats = OpStats::new(Op::new(0, "refunds"), 1);
        let op = OpTag::of(&stats);
        let block =
            Alloc::new(&port).on_account_of(&stats).try_box([0_u8; 100]).expect("it is granted");
        for excess in EXCESSES {
            port.charge(Bytes::new(30), op).expect(name);
            let failures = port.diagnostics().failures_total;
            port.refund(Bytes::new(30 + excess), op);
            assert_eq!(outstanding(&port), 100, "{name}: {excess} too much, beside a block");
            assert_eq!(port.diagnostics().failures_total, failures + 1, "{name}: it is counted");
            port.refund(Bytes::new(excess), OpTag::NONE);
            assert_eq!(outstanding(&port), 100, "{name}: {excess} never charged");
        }
        drop(block);
        assert_eq!(outstanding(&port), 0, "{name}");
        assert_eq!(stats.diagnostics().bytes_outstanding, Bytes::ZERO, "{name}");
        assert_eq!(port.diagnostics().peak_bytes.get(), 130, "{name}: the peak is a true one");
        drop(Alloc::new(&port).try_box([0_u8; 100]).expect(name));
    });
}

#[test]
fn refunds_of_too_much_on_threads_never_wrap() {
    let budget = Budgeted::new(System::new(), Bytes::new(1000));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for bytes in (0..100).cycle().take(5000) {
                    if let Ok(()) = budget.charge(Bytes::new(bytes), OpTag::NONE) {
                        budget.gate().release(Bytes::new(bytes));
                        budget.refund(Bytes::new(2 * bytes), OpTag::NONE);
                    }
                }
            });
        }
    });
    assert_eq!((budget.used(), outstanding(&budget)), (Bytes::ZERO, 0));
    drop(Alloc::new(&budget).try_box([0_u8; 1000]).expect("the whole budget is there"));
}
