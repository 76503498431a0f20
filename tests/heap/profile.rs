//! The profile of the process's heap adds up to the peak, on any number of threads.

use std::hint::black_box;
use std::sync::PoisonError;

use gitmind::memory::Profile;
use gitmind::units::Bytes;

use crate::{PROCESS, TURN};

fn profiled(work: impl FnOnce()) -> Profile {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    PROCESS.start_profiling();
    work();
    // The report is of the heap that is counted, and is freed while it is.
    drop(PROCESS.profile());
    PROCESS.stop_counting();
    let profile = PROCESS.profile();
    let (sum, peak) = (sum(&profile), PROCESS.reconciliation().allocated_peak);
    assert_eq!(sum, i128::from(peak.get()), "{profile}");
    assert_eq!(profile.peak.bytes, peak);
    profile
}

fn sum(profile: &Profile) -> i128 {
    let held = profile.holders.iter().map(|holder| i128::from(holder.peak.bytes.get()));
    held.sum::<i128>() + i128::from(profile.unattributed_bytes)
}

#[inline(never)]
fn read(bytes: usize) -> Vec<u8> {
    vec![black_box(1); bytes]
}

#[test]
fn threads_that_take_resize_and_free_are_in_one_profile() {
    let profile = profiled(|| {
        std::thread::scope(|threads| {
            for thread in 0..4_usize {
                threads.spawn(move || {
                    let mut kept = Vec::new();
                    for round in 0..500 {
                        kept.push(read(1 + (thread + 7) * (round % 50)));
                        // Resized, mostly to another address.
                        if let Some(last) = kept.last_mut() {
                            last.reserve_exact(round % 90);
                        }
                        if round % 3 == 0 {
                            kept.swap_remove(round / 7 % kept.len());
                        }
                    }
                });
            }
        });
    });
    assert!(profile.peak.blocks > 300 && profile.total.blocks > 2000, "{profile}");
    assert!(profile.own_bytes > Bytes::ZERO);
}

#[test]
fn a_block_from_before_that_is_freed_belongs_to_no_call_site() {
    let before = black_box(read(10_000));
    let mut grows = black_box(read(100));
    let profile = profiled(|| {
        drop(before);
        grows.reserve_exact(50_000);
        drop(black_box(read(200_000)));
    });
    let freed = -10_000 - 100;
    // The harness may free some of its own.
    assert!((freed - 4096..=freed).contains(&profile.unattributed_bytes), "{profile}");
    drop(grows);
}

#[test]
fn the_profile_itself_is_in_no_figure() {
    let take = |blocks: usize| {
        profiled(|| {
            let kept: Vec<_> = (0..blocks).map(|_| Box::new(black_box(1_u64))).collect();
            drop(kept);
        })
    };
    let profile = take(20_000);
    assert!(profile.own_bytes.get() > 20_000 * 8, "a table of as many blocks: {profile}");
    let expected = 20_000 * 16;
    assert!(profile.peak.bytes.get().abs_diff(expected) < 16 << 10, "{profile}");
}
