//! Every interleaving of charges and refunds against a limit that not all of them fit.
//!
//! Run with `RUSTFLAGS="--cfg gm_loom" cargo test --lib loom_tests`.

use loom::sync::Arc;
use loom::sync::atomic::Ordering::SeqCst;

use super::Ledger;
use crate::units::Bytes;

#[test]
fn charges_never_pass_the_limit_and_no_refund_is_lost() {
    // Three threads that may each be interrupted in any two places.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let ledger = Arc::new(Ledger::new(Bytes::new(10)));
        let threads = [6, 4, 5].map(|bytes| {
            let ledger = Arc::clone(&ledger);
            loom::thread::spawn(move || {
                let used = ledger.charge(bytes);
                if let Some(used) = used {
                    assert!(used <= 10, "{used} of 10 in use");
                    ledger.refund(bytes);
                }
                used
            })
        });
        let seen = threads.map(|thread| thread.join().expect("the thread has no panic"));
        assert_eq!(ledger.used_bytes.load(SeqCst), 0, "a refund was lost");
        let peak = seen.iter().flatten().max().copied();
        assert_eq!(Some(ledger.peak_bytes.load(SeqCst)), peak, "the peak is a level not seen");
    });
}

#[test]
fn a_failed_charge_is_never_visible_to_another_thread() {
    loom::model(|| {
        let ledger = Arc::new(Ledger::new(Bytes::new(10)));
        assert_eq!(ledger.charge(4), Some(4));
        let failed = {
            let ledger = Arc::clone(&ledger);
            loom::thread::spawn(move || ledger.charge(7))
        };
        // It fits beside the 4, whether or not the other thread is in the middle of its failure.
        assert_eq!(ledger.charge(6), Some(10));
        assert_eq!(failed.join().expect("the thread has no panic"), None);
    });
}

#[test]
fn a_refund_of_too_much_ends_at_zero() {
    loom::model(|| {
        let ledger = Arc::new(Ledger::new(Bytes::new(10)));
        assert_eq!(ledger.charge(4), Some(4));
        let misuse = {
            let ledger = Arc::clone(&ledger);
            loom::thread::spawn(move || ledger.refund(7))
        };
        if ledger.charge(3).is_some() {
            ledger.refund(3);
        }
        misuse.join().expect("the thread has no panic");
        assert_eq!(ledger.used_bytes.load(SeqCst), 0, "what is below zero is left");
        assert_eq!(ledger.charge(10), Some(10), "the whole budget is there");
    });
}
