//! Schedules of failures: which request fails, and that the next one works.

use gitmind_memory::{
    Alloc, ErrorKind, Faulty, Map, MemoryError, Schedule, System, Trace, Traced, Vec,
};

/// The numbers that the C tool's tests fail at.
const NTH: [u64; 4] = [1, 3, 7, 37];

/// A workload on containers with well over 37 requests.
fn workload(alloc: Alloc<'_>) -> Result<u64, MemoryError> {
    let (mut rows, mut degrees) = (Vec::new(alloc), Map::new(alloc));
    for row in 0..50_u64 {
        let mut cells = Vec::try_with_capacity(2, alloc)?;
        cells.try_extend(0..row)?;
        *degrees.try_get_or_insert_with(row % 17, || 0_u64)? += cells.iter().sum::<u64>();
        rows.try_push(alloc.try_box(cells)?)?;
    }
    Ok(degrees.iter().map(|(_, sum)| sum).sum())
}

const EXPECTED: u64 = 20_825 - 1225; // The sum over rows of row * (row - 1) / 2.

#[test]
fn the_nth_failure_surfaces_leaks_nothing_and_the_next_call_works() {
    for schedule in [Schedule::once as fn(u64) -> Schedule, Schedule::forever] {
        for nth in NTH {
            let memory = Faulty::new(Traced::new(System::new(), Trace::sites()), schedule(nth));
            let error = workload(Alloc::new(&memory)).expect_err("the schedule fails one");
            assert_eq!(error.kind(), ErrorKind::Injected);
            assert!(memory.inner().report().is_clean(), "{}", memory.inner().report());
            let first = memory.faults();
            assert_eq!((first.requests, first.failed), (nth, 1), "nothing is tried afterwards");

            memory.reset(schedule(nth));
            assert_eq!(workload(Alloc::new(&memory)), Err(error), "the second run is the first");
            assert_eq!(memory.faults(), first);

            memory.reset(Schedule::NEVER);
            assert_eq!(workload(Alloc::new(&memory)), Ok(EXPECTED), "the next call works");
        }
    }
}

#[test]
fn every_request_of_a_workload_can_fail() {
    let memory = Faulty::new(Traced::new(System::new(), Trace::stamped()), Schedule::NEVER);
    workload(Alloc::new(&memory)).expect("nothing fails");
    let requests = memory.faults().requests;
    assert!(requests > 37, "{requests} requests are too few for the test to mean much");
    for nth in 1..=requests {
        for schedule in [Schedule::once(nth), Schedule::forever(nth)] {
            memory.reset(schedule);
            let error = workload(Alloc::new(&memory)).expect_err("the schedule fails one");
            assert_eq!(error.kind(), ErrorKind::Injected, "request {nth}");
            assert!(memory.inner().report().is_clean(), "request {nth}");
        }
    }
    memory.reset(Schedule::once(requests + 1));
    assert_eq!(workload(Alloc::new(&memory)), Ok(EXPECTED), "the sweep has reached the end");
    assert_eq!(memory.faults().failed, 0);
}

#[test]
fn a_schedule_fails_exactly_its_numbers() {
    use gitmind_memory::units::Bytes;
    use gitmind_memory::{OpTag, Port};
    let failed = |schedule| {
        let memory = Faulty::new(System::new(), schedule);
        let try_one = |_: &u64| memory.charge(Bytes::new(0), OpTag::NONE).is_err();
        let numbers: std::vec::Vec<u64> = (1..=9).filter(try_one).collect();
        (numbers, memory.faults().granted_after)
    };
    assert_eq!(failed(Schedule::NEVER), (vec![], 0));
    assert_eq!(failed(Schedule::once(0)), (vec![], 0));
    assert_eq!(failed(Schedule::once(3)), (vec![3], 6));
    assert_eq!(failed(Schedule::times(3, 2)), (vec![3, 4], 5));
    assert_eq!(failed(Schedule::forever(7)), (vec![7, 8, 9], 0));
    assert_eq!(failed(Schedule::once(10)), (vec![], 0));
}
