//! Tracing: what leaks or is passed to the wrong port is named with its place.

use super::operation;
use std::alloc::Layout;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Mutex;

use super::leak::leak;
use super::watched::{Watch, Watched};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, ErrorKind, Misuse, OpStats, OpTag, Port, System, Trace, Traced, Vec};

const LAYOUT: Layout = Layout::new::<[u64; 5]>();

fn message(body: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err("the planted fault is found");
    *panic.downcast::<String>().expect("the message is formatted")
}

fn block(port: &dyn Port) -> NonNull<u8> {
    port.allocate(LAYOUT, OpTag::NONE).expect("a small block is granted")
}

#[inline(never)]
fn plant_a_leak(alloc: Alloc<'_>) {
    // A number that the compiler does not know, so that both blocks are taken by one call.
    for _ in 0..std::hint::black_box(2) {
        let mut vec = Vec::new(alloc);
        vec.try_extend_from_slice(&[0_u8; 60]).expect("it is granted");
        leak(vec);
    }
}

#[test]
fn a_planted_leak_fails_with_op_size_count_and_place() {
    let account = OpStats::new(operation::CACHE_REBUILD, 7);
    let report = message(|| {
        let traced = Traced::new(System::new(), Trace::sites());
        plant_a_leak(Alloc::new(&traced).on_account_of(&account));
    });
    let expected = "120 bytes in 2 blocks outstanding, 0 foreign blocks\n  \
                    cache.rebuild #7: 2 x 60 bytes, allocated by ";
    assert!(report.contains(expected), "{report}");
    let place = if cfg!(feature = "backtrace") { "plant_a_leak" } else { "an unknown call site" };
    assert!(report.contains(place), "{report}");
    assert_eq!(account.diagnostics().bytes_outstanding, Bytes::new(120));
}

#[test]
fn without_sites_a_leak_still_fails_and_says_how_to_name_it() {
    let report = message(|| {
        let traced = Traced::new(System::new(), Trace::stamped());
        plant_a_leak(Alloc::new(&traced));
    });
    assert!(report.contains("120 bytes in 2 blocks outstanding"), "{report}");
    assert!(report.ends_with("`Trace::sites` names them"), "{report}");
}

#[test]
fn a_charge_that_is_not_refunded_fails() {
    let report = message(|| {
        let traced = Traced::new(System::new(), Trace::sites());
        traced.charge(Bytes::new(9), OpTag::NONE).expect("it is granted");
    });
    assert!(report.contains("9 bytes in 0 blocks"), "{report}");
    assert!(report.contains("charged and not refunded"), "{report}");
}

#[inline(never)]
fn plant_a_cross_free(port: &dyn Port, foreign: NonNull<u8>) {
    // SAFETY: planted: the block is another port's, and every port here checks before it touches.
    unsafe { port.deallocate(foreign, LAYOUT, OpTag::NONE) };
    // Not the last call, which would be a jump that leaves no frame.
    std::hint::black_box(foreign);
}

#[test]
fn a_planted_cross_free_is_refused_and_named() {
    for trace in [Trace::stamped(), Trace::sites()] {
        let owner = Traced::new(System::new(), trace);
        let mut other = Traced::new(System::new(), trace);
        let owned = block(&owner);
        plant_a_cross_free(&other, owned);
        let report = other.teardown().expect_err("a foreign block was passed in");
        assert_eq!(report.violations_total, 1);
        assert_eq!(report.violations[0].misuse, Misuse::Free);
        let text = report.to_string();
        assert!(text.contains("refused to free a foreign block of 40 bytes"), "{text}");
        assert_eq!(text.contains("plant_a_cross_free"), cfg!(feature = "backtrace"), "{text}");
        assert_eq!(owner.diagnostics().blocks_outstanding, 1, "it was not freed");
        plant_a_cross_free(&owner, owned); // By its owner, so it is none.
        assert!(owner.report().is_clean());
    }
}

#[test]
fn foreign_blocks_do_not_grow_or_shrink() {
    for trace in [Trace::stamped(), Trace::sites(), Trace::sites().zeroizing(true)] {
        let owner = Traced::new(System::new(), trace);
        let mut other = Traced::new(System::new(), trace);
        let owned = block(&owner);
        let (small, large) = (Layout::new::<u64>(), Layout::new::<[u64; 9]>());
        // SAFETY: planted: the block is another port's, and every port here checks before.
        let grown = unsafe { other.grow(owned, LAYOUT, large, OpTag::NONE) };
        // SAFETY: as above.
        let shrunk = unsafe { other.shrink(owned, LAYOUT, small, OpTag::NONE) };
        assert_eq!(grown.map_err(|error| error.kind()), Err(ErrorKind::Foreign));
        assert_eq!(shrunk.map_err(|error| error.kind()), Err(ErrorKind::Foreign));
        assert_eq!(other.diagnostics().failures_total, 2);
        let report = other.teardown().expect_err("foreign blocks were passed in");
        let misuses = report.violations.iter().map(|violation| violation.misuse);
        assert!(misuses.eq([Misuse::Grow, Misuse::Shrink]));
        plant_a_cross_free(&owner, owned); // By its owner, so it is none.
    }
}

#[test]
fn a_wrong_size_and_a_write_past_the_end_are_found() {
    let mut traced = Traced::new(System::new(), Trace::sites());
    let owned = block(&traced);
    // SAFETY: planted: the size is wrong, which the table knows without touching the block.
    unsafe { traced.deallocate(owned, Layout::new::<[u64; 4]>(), OpTag::NONE) };
    assert_eq!(traced.report().violations_total, 1);
    // SAFETY: the block is live with this layout.
    unsafe { traced.deallocate(owned, LAYOUT, OpTag::NONE) };
    traced.teardown().expect_err("the wrong size was reported");

    let mut traced = Traced::new(System::new(), Trace::stamped());
    let owned = block(&traced);
    // SAFETY: planted: one byte past the block, inside the memory of its stamp.
    let past = unsafe { owned.add(LAYOUT.size()) };
    // SAFETY: as above.
    let stamp = unsafe { past.read() };
    // SAFETY: as above.
    unsafe { past.write(!stamp) };
    // SAFETY: the block is live with this layout; its stamp is damaged.
    unsafe { traced.deallocate(owned, LAYOUT, OpTag::NONE) };
    assert_eq!(traced.report().violations_total, 1, "a damaged stamp is not ours");
    // SAFETY: as above; the stamp is restored, so that the test itself leaks nothing.
    unsafe { past.write(stamp) };
    // SAFETY: the block is still live, because the free was refused.
    unsafe { traced.deallocate(owned, LAYOUT, OpTag::NONE) };
    traced.teardown().expect_err("the damage was reported");
}

/// Keeps the bytes that come back.
#[derive(Default)]
struct Kept(Mutex<std::vec::Vec<std::vec::Vec<u8>>>);

impl Watch for Kept {
    const LOOKS: bool = true;

    fn freed(&self, bytes: &[u8]) {
        self.0.lock().expect("no holder panics").push(bytes.to_vec());
    }
}

#[test]
fn zeroizing_overwrites_what_is_given_back_also_by_growing() {
    let traced = Traced::new(Watched::<System, Kept>::default(), Trace::sites().zeroizing(true));
    let mut secret = Vec::new(Alloc::new(&traced));
    secret.try_extend_from_slice(b"a path not to be found").expect("it is granted");
    secret.try_extend_from_slice(&[b'x'; 100]).expect("it is granted");
    drop(secret);
    let freed = traced.inner().watch.0.lock().expect("no holder panics");
    assert_eq!(freed.len(), 2, "one block before it grew, one after");
    assert!(freed.iter().all(|contents| contents.iter().all(|byte| *byte == 0)));
}
