//! Operations: accounts that follow the work across threads and keep apart.

use super::leak::leak;
use super::operation;
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, OPERATIONS_MAX, Registry, Scope, System, Trace, Traced, Vec};

fn take<'a>(alloc: Alloc<'a>, bytes: usize) -> Vec<'a, u8> {
    Vec::try_with_capacity(bytes, alloc).expect("it is granted")
}

#[test]
fn an_account_follows_the_handle_to_other_threads() {
    let (registry, traced) = (Registry::new(), Traced::new(System::new(), Trace::stamped()));
    let scope = registry.begin(operation::CACHE_REBUILD).expect("there is room");
    let alloc = scope.tag(Alloc::new(&traced));
    std::thread::scope(|threads| {
        let worker = threads.spawn(move || take(alloc, 100));
        let block = worker.join().expect("no panic in it");
        assert_eq!(scope.stats().diagnostics().bytes_outstanding, Bytes::new(100));
        drop(block);
    });
    let read = registry.get(scope.key()).expect("it runs").diagnostics;
    assert_eq!((read.bytes_outstanding, read.allocations_total), (Bytes::ZERO, 1));
    assert!(read.peak_bytes >= Bytes::new(100));
}

#[test]
fn nested_scopes_keep_apart() {
    let (registry, traced) = (Registry::new(), Traced::new(System::new(), Trace::stamped()));
    let outer = registry.begin(operation::CACHE_REBUILD).expect("there is room");
    let of_outer = take(outer.tag(Alloc::new(&traced)), 1000);
    {
        let inner = registry.begin(operation::JOURNAL_READ).expect("there is room");
        let of_inner = take(inner.tag(Alloc::new(&traced)), 50);
        assert_eq!(inner.stats().diagnostics().peak_bytes, Bytes::new(50));
        assert_eq!(outer.stats().diagnostics().peak_bytes, Bytes::new(1000));
        let mut running: std::vec::Vec<_> = registry.running().map(|run| run.op).collect();
        running.sort();
        assert_eq!(running, [operation::CACHE_REBUILD, operation::JOURNAL_READ]);
        drop(of_inner);
    }
    drop(of_outer);
    assert_eq!(registry.totals(operation::JOURNAL_READ).peak_bytes, Bytes::new(50));
    assert_eq!(registry.totals(operation::JOURNAL_READ).runs, 1);
    assert_eq!(registry.totals(operation::CACHE_REBUILD).runs, 0, "it still runs");
    assert_eq!(traced.diagnostics_peak(), 1050);
}

trait Peak {
    fn diagnostics_peak(&self) -> u64;
}

impl<P: gitmind_memory::Port> Peak for P {
    fn diagnostics_peak(&self) -> u64 {
        self.diagnostics().peak_bytes.get()
    }
}

#[test]
fn concurrent_scopes_of_one_operation_keep_apart() {
    let (registry, traced) = (Registry::new(), Traced::new(System::new(), Trace::stamped()));
    std::thread::scope(|threads| {
        for thread in 1..=8_usize {
            let (registry, traced) = (&registry, &traced);
            threads.spawn(move || {
                for run in 1..=50 {
                    let scope = registry.begin(operation::ATTR_QUERY).expect("there is room");
                    let blocks =
                        [(); 3].map(|()| take(scope.tag(Alloc::new(traced)), thread * run));
                    let read = scope.stats().diagnostics();
                    assert_eq!(read.bytes_outstanding, Bytes::from(3 * thread * run));
                    assert_eq!(read.peak_bytes, Bytes::from(3 * thread * run));
                    drop(blocks);
                }
            });
        }
    });
    let totals = registry.totals(operation::ATTR_QUERY);
    assert_eq!((totals.runs, totals.allocations_total), (400, 1200));
    assert_eq!(totals.peak_bytes, Bytes::new(3 * 8 * 50));
    assert_eq!(totals.leaked_bytes, Bytes::ZERO);
}

#[test]
fn the_key_of_an_ended_run_finds_nothing_even_when_its_slot_is_used_again() {
    let registry = Registry::new();
    let keys: std::vec::Vec<_> = (0..100)
        .map(|_| registry.begin(operation::CACHE_QUERY).expect("there is room").key())
        .collect();
    let now = registry.begin(operation::JOURNAL_APPEND).expect("there is room");
    assert!(keys.iter().all(|key| registry.get(*key).is_none()));
    assert_eq!(registry.get(now.key()).expect("it runs").op, operation::JOURNAL_APPEND);
}

#[test]
fn a_full_registry_fails_and_recovers() {
    let registry = Registry::new();
    let fill = || -> std::vec::Vec<Scope<'_>> {
        std::iter::from_fn(|| registry.begin(operation::CACHE_QUERY).ok()).take(1000).collect()
    };
    let held = fill();
    assert_eq!(held.len(), OPERATIONS_MAX);
    let failed = registry.begin(operation::CACHE_QUERY).expect_err("it is full");
    assert!(failed.to_string().contains("64 operations"), "{failed}");
    let at_once = held.len();
    drop(held);
    assert_eq!(fill().len(), at_once, "all of them are free again");
    assert_eq!(registry.totals(operation::CACHE_QUERY).runs, 2 * at_once as u64);
}

#[test]
fn an_operation_that_keeps_memory_is_in_the_totals() {
    let registry = Registry::new();
    let mut traced = Traced::new(System::new(), Trace::stamped());
    {
        let scope = registry.begin(operation::JOURNAL_APPEND).expect("there is room");
        leak(take(scope.tag(Alloc::new(&traced)), 77));
    }
    assert_eq!(registry.totals(operation::JOURNAL_APPEND).leaked_bytes, Bytes::new(77));
    traced.teardown().expect_err("it is still outstanding");
}

#[test]
fn any_number_of_threads_begins_operations() {
    let (registry, all) = (Registry::new(), std::sync::Barrier::new(200));
    std::thread::scope(|threads| {
        for _ in 0..200 {
            threads.spawn(|| {
                // More threads than accounts, so some are told that there are too many.
                let scope = registry.begin(operation::CACHE_QUERY);
                all.wait();
                drop(scope);
            });
        }
    });
    assert_eq!(registry.totals(operation::CACHE_QUERY).runs, OPERATIONS_MAX as u64);
    let next = || {
        std::thread::scope(|one| {
            one.spawn(|| registry.begin(operation::CACHE_QUERY).is_ok()).join()
        })
    };
    assert!((0..2000).all(|_| matches!(next(), Ok(true))), "threads that ended leave no trace");
}

#[test]
fn a_destructor_of_a_thread_local_may_begin_an_operation() {
    struct Late(std::sync::Arc<Registry>);
    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.begin(operation::CACHE_QUERY));
        }
    }
    thread_local!(static LATE: std::cell::OnceCell<Late> = const { std::cell::OnceCell::new() });
    let registry = std::sync::Arc::new(Registry::new());
    let late = Late(registry.clone());
    let thread = std::thread::spawn(move || LATE.with(|cell| cell.set(late).is_ok()));
    assert!(thread.join().expect("no panic in it"));
    assert_eq!(registry.totals(operation::CACHE_QUERY).runs, 1);
}
