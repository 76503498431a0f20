//! With the kill switch the memory of a context has no budget, no injected failure and no trace,
//! and each object of an arena, a slab or an intern table is an allocation of the system.

use crate::support::SWITCH;
use gitmind::context::operation;
use gitmind::context::{Memory, Toggles};
use gitmind::env::FixedEnvironment;
use gitmind::memory::{Diagnostics, ErrorKind, MemoryError, Vec};
use gitmind::units::Bytes;

fn memory<const N: usize>(variables: [(&str, &str); N]) -> Memory {
    let toggles = Toggles::read(&FixedEnvironment::from(variables)).expect("they are valid");
    Memory::new(&toggles, Bytes::from_mib(1))
}

/// Doubles a vector until an allocation fails or it holds 4 MiB.
fn work(memory: &Memory) -> Result<usize, MemoryError> {
    let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
    let mut bytes: Vec<'_, u8> = Vec::new(scope.tag(memory.alloc()));
    while bytes.len() < 4 << 20 {
        bytes.try_resize(bytes.len().max(8) * 2, 1)?;
    }
    Ok(bytes.len())
}

#[test]
fn with_the_switch_only_the_system_allocator_is_used() {
    let everything =
        |value| memory([(SWITCH, value), ("GM_ALLOC_TRACE", "sites"), ("GM_TEST_OOM_N", "1+")]);
    let refused = work(&everything("0")).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::Injected), "without the switch the variables count");
    let memory = everything("1");
    assert_eq!(work(&memory), Ok(4 << 20), "no budget, no injected failure");
    assert_eq!(memory.warning(), None);
    let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
    assert_eq!(scope.stats().diagnostics(), Diagnostics::default(), "there are no accounts");
}

/// Objects that are allocated from each of arena, slab and intern table.
const OBJECTS: u64 = 200;

#[test]
fn each_object_is_an_allocation_of_the_system() {
    for (value, is_pooling) in [("0", true), ("1", false)] {
        let memory = memory([(SWITCH, value), ("GM_ARENA_HINT_CACHE_REBUILD", "64KiB")]);
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        let alloc = scope.tag(memory.alloc());
        let mut before = memory.diagnostics().allocations_total;
        let mut are_apart = || {
            let now = memory.diagnostics().allocations_total;
            std::mem::replace(&mut before, now) + OBJECTS <= now
        };
        let arena = memory.arena(alloc);
        for number in 0..OBJECTS {
            arena.try_alloc(number).expect("there is room");
        }
        assert_eq!(are_apart(), !is_pooling, "arena, {SWITCH}={value}: {:?}", arena.stats());
        assert_eq!(arena.stats().blocks > 0, is_pooling, "{:?}", arena.stats());
        let slab = memory.slab(alloc);
        let kept: std::vec::Vec<_> = (0..OBJECTS).map(|number| slab.try_box(number)).collect();
        assert!(kept.iter().all(Result::is_ok));
        assert_eq!(are_apart(), !is_pooling, "slab, {SWITCH}={value}: {:?}", slab.stats());
        assert_eq!(slab.stats().superblocks > 0, is_pooling, "{:?}", slab.stats());
        let table = memory.intern_table(alloc);
        let texts = (0..OBJECTS).map(|number| table.intern(format!("text {number}").as_bytes()));
        let texts: std::vec::Vec<_> = texts.collect();
        assert!(texts.iter().all(Result::is_ok));
        assert_eq!(are_apart(), !is_pooling, "intern table, {SWITCH}={value}");
    }
}

#[test]
fn the_cap_of_an_arena_holds_with_the_switch_as_well() {
    for value in ["0", "1"] {
        let memory = memory([
            (SWITCH, value),
            ("GM_ARENA_CAP_CACHE_REBUILD", "64KiB"),
            ("GM_ARENA_HINT_CACHE_REBUILD", "4KiB"),
        ]);
        let scope = memory.begin(operation::CACHE_REBUILD).expect("it is the only one");
        let arena = memory.arena(scope.tag(memory.alloc()));
        arena.try_alloc(7_u8).expect("there is room");
        let error = arena.try_alloc([0_u8; 64 << 10]).expect_err("the cap is that of a rebuild");
        assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, Bytes::new(64 << 10)));
        let other = memory.arena(memory.alloc());
        assert!(other.try_alloc([0_u8; 64 << 10]).is_ok(), "the cap is that of a query");
    }
}
