//! The arena beside bumpalo, which it is built on, bump-scope and typed-arena.

mod subject;

use std::hint::black_box;
use std::process::ExitCode;

use gitmind_memory::{Alloc, Arena, System};
use gitmind_memory::units::Bytes;

use self::subject::{Keep, Typed};
use crate::callgrind;
use crate::report::Report;
use crate::rounds;

/// The yardstick: bumpalo with the minimum alignment that the arena has.
const BUMPALO: &str = "bumpalo, aligned to 16";
const OURS: &str = "arena";
const UNALIGNED: &str = "bumpalo, not aligned";
const NAMES: [&str; 5] = [BUMPALO, OURS, UNALIGNED, "bump-scope", "typed-arena"];

/// What is kept: values of 64 bytes, or copies of 1 to 64 bytes.
const WORKS: [&str; 2] = ["fixed", "bytes"];

const TIMED_STEPS: u64 = 1_000_000;
const COUNTED_STEPS: u64 = 200_000;

/// Objects that are live at the end of a round.
const ROUND_STEPS: u64 = 10_000;

/// The first block of every subject that has one: it holds a round, so that what is measured is
/// handing out, and neither the heap nor the kernel.
const FIRST_BYTES: usize = 1 << 20;

pub(crate) fn run() -> Report {
    let mut report = Report::new();
    let mut rows = Vec::new();
    let mut goals = Vec::new();
    for work in WORKS {
        let expected = on(BUMPALO, work, TIMED_STEPS);
        let timed = rounds::time(&NAMES, expected, |name| on(name, work, TIMED_STEPS));
        let count = |name: &str| callgrind::per_step("arena", name, work, COUNTED_STEPS);
        let yardstick = count(BUMPALO);
        for seen in &timed {
            let instructions = count(seen.name);
            rows.push(vec![
                format!("{work}, {}", seen.name),
                format!("{:.1}", seen.seconds * 1e9 / TIMED_STEPS as f64),
                format!("{:.2}", seen.ratio),
                format!("{instructions:.1}"),
                format!("{:.3}", instructions / yardstick),
            ]);
            if seen.name == OURS {
                goals.push((format!("{work}: time to bumpalo"), seen.ratio, 1.05));
                let ratio = instructions / yardstick;
                goals.push((format!("{work}: instructions to bumpalo"), ratio, 1.05));
            }
        }
    }
    let columns = ["kept", "ns", "time, ratio", "instructions", "ratio"];
    report.table("A million objects in rounds of 10 000, then all of a round end", &columns, &rows);
    report.table("Memory", &["what", "arena", "bumpalo"], &memory());
    for (what, seen, most) in goals {
        report.goal(&what, seen, most);
    }
    let (held, user) = held_by_arena();
    report.goal("bytes held for one of the user at 64 MB", held as f64 / user as f64, 1.25);
    let unused = 100.0 - pages_in_arena() as f64 * 100.0 / 16.0;
    report.goal("percent of a cap of 64 KiB not usable with 4 KiB objects", unused, 1.0);
    report
}

/// The count of one run; see `callgrind`.
pub(crate) fn child(subject: &str, work: &str, steps: &str) -> ExitCode {
    let steps = steps.parse().expect("a number");
    black_box(on(subject, work, steps));
    ExitCode::SUCCESS
}

/// Does `work` on a fresh subject; the result depends on work and steps only.
fn on(name: &str, work: &str, steps: u64) -> u64 {
    let system = System::uncounted();
    let size = FIRST_BYTES;
    match name {
        OURS => {
            let (hint, cap) = (Bytes::from(size), Bytes::new(u64::MAX));
            keep(Arena::begin(Alloc::new(&system), hint, cap), work, steps)
        }
        BUMPALO => keep(bumpalo::Bump::<16>::with_min_align_and_capacity(size), work, steps),
        UNALIGNED => keep(bumpalo::Bump::with_capacity(size), work, steps),
        "bump-scope" => keep(bump_scope::Bump::try_with_size(size).expect("memory"), work, steps),
        _ => keep(Typed::default(), work, steps),
    }
}

/// Keeps objects in rounds of [`ROUND_STEPS`], at the end of each of which all of them end.
fn keep<K: Keep>(mut keep: K, work: &str, steps: u64) -> u64 {
    let round = if work == WORKS[0] { fixed::<K> } else { bytes::<K> };
    let rounds = (0..steps / ROUND_STEPS).map(|_| {
        let sum = round(&keep, ROUND_STEPS);
        keep.end_all();
        sum
    });
    rounds.sum()
}

#[inline(never)]
fn fixed<K: Keep>(keep: &K, steps: u64) -> u64 {
    (0..steps).map(|step| keep.fixed(black_box([step; 8]))[7]).sum()
}

#[inline(never)]
fn bytes<K: Keep>(keep: &K, steps: u64) -> u64 {
    let text: [u8; 64] = std::array::from_fn(|index| b'a' + index as u8 % 26);
    let kept = |step: u64| {
        let len = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        let kept = keep.bytes(black_box(&text[..1 + len as usize]));
        u64::from(kept[kept.len() - 1])
    };
    (0..steps).map(kept).sum()
}

/// What a million objects and a full cap take of memory.
fn memory() -> Vec<Vec<String>> {
    let (held, user) = held_by_arena();
    let bump = bumpalo::Bump::with_capacity(64 << 10);
    fixed(&bump, 1_000_000);
    let bumpalo = bump.allocated_bytes_including_metadata();
    let ratio = |held: u64| format!("{:.2}", held as f64 / user as f64);
    let limited = bumpalo::Bump::new();
    limited.set_allocation_limit(Some(64 << 10));
    let pages = std::iter::from_fn(|| limited.try_alloc([0_u8; 4096]).ok()).count();
    vec![
        vec!["held for one byte of the user".into(), ratio(held), ratio(bumpalo as u64)],
        vec![
            "objects of 4 KiB under 64 KiB".into(),
            format!("{} of 16", pages_in_arena()),
            format!("{pages} of 16"),
        ],
    ]
}

/// Bytes held, and bytes asked for.
fn held_by_arena() -> (u64, u64) {
    let system = System::uncounted();
    let (hint, cap) = (Bytes::new(64 << 10), Bytes::new(u64::MAX));
    let arena = Arena::begin(Alloc::new(&system), hint, cap);
    fixed(&arena, 1_000_000);
    (arena.stats().held_bytes.get(), 64_000_000)
}

fn pages_in_arena() -> usize {
    let system = System::uncounted();
    let cap = Bytes::new(64 << 10);
    let arena = Arena::begin(Alloc::new(&system), Bytes::new(16 << 10), cap);
    std::iter::from_fn(|| arena.try_alloc([0_u8; 4096]).ok()).count()
}
