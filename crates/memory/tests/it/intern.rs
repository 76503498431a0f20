//! The intern table: sharing, staleness, memory over time, failures, and threads.

use std::collections::HashMap;

use gitmind_memory::{
    Alloc, InternError, InternTable, Pooling, Port, Symbol, System, Trace, Traced, Zeroing,
};
use proptest::prelude::*;

pub(super) const MODES: [(Pooling, Zeroing); 4] = [
    (Pooling::On, Zeroing::Off),
    (Pooling::On, Zeroing::On),
    (Pooling::Off, Zeroing::Off),
    (Pooling::Off, Zeroing::On),
];

pub(super) fn path(n: u64) -> Vec<u8> {
    let filler = usize::try_from(n % 41).expect("it is below 41");
    format!("src/{}/module_{n:026}.rs", "x".repeat(filler)).into_bytes()
}

pub(super) fn text(table: &InternTable<'_>, symbol: Symbol) -> Result<Vec<u8>, InternError> {
    table.resolve(symbol, |bytes| {
        assert_eq!(bytes.as_ptr().addr() % 16, 0, "a string is 16-byte aligned");
        bytes.to_vec()
    })
}

fn outstanding(system: &System) -> u64 {
    system.diagnostics().bytes_outstanding.get()
}

#[derive(Clone, Debug)]
enum Step {
    Acquire(Vec<u8>),
    Retain(usize),
    Release(usize),
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0_u8..40, 0_usize..70).prop_map(|(n, len)| Step::Acquire(vec![n; len])),
        1 => any::<usize>().prop_map(Step::Retain),
        5 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Trim),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_does_what_a_map_of_counts_does(
        mode in 0..MODES.len(),
        steps in prop::collection::vec(step(), 0..400),
    ) {
        let system = System::new();
        let table = InternTable::new(Alloc::new(&system), MODES[mode].0, MODES[mode].1);
        let mut model: HashMap<Vec<u8>, (Symbol, u32)> = HashMap::new();
        let mut named: Vec<(Symbol, Vec<u8>)> = Vec::new();
        for step in steps {
            match step {
                Step::Acquire(bytes) => {
                    let symbol = table.acquire(&bytes).expect("there is memory");
                    let held = model.entry(bytes.clone()).or_insert((symbol, 0));
                    prop_assert_eq!(held.0, symbol, "equal bytes, two symbols");
                    held.1 += 1;
                    named.push((symbol, bytes));
                }
                Step::Retain(at) | Step::Release(at) if !named.is_empty() => {
                    let (symbol, bytes) = named[at % named.len()].clone();
                    let held = model.get_mut(&bytes).filter(|held| held.0 == symbol);
                    let is_retain = matches!(step, Step::Retain(_));
                    let done =
                        if is_retain { table.retain(symbol) } else { table.release(symbol) };
                    let Some(held) = held else {
                        prop_assert_eq!(done, Err(InternError::Stale(symbol)));
                        continue;
                    };
                    prop_assert_eq!(done, Ok(()));
                    held.1 = if is_retain { held.1 + 1 } else { held.1 - 1 };
                    if held.1 == 0 {
                        model.remove(&bytes);
                    }
                }
                Step::Retain(_) | Step::Release(_) => {}
                Step::Trim => table.trim().expect("there is memory"),
            }
            prop_assert_eq!(table.len(), model.len());
        }
        for (symbol, bytes) in named {
            let is_held = model.get(&bytes).is_some_and(|held| held.0 == symbol);
            let expected = if is_held { Ok(bytes) } else { Err(InternError::Stale(symbol)) };
            prop_assert_eq!(text(&table, symbol), expected);
        }
        drop(table);
        prop_assert_eq!(outstanding(&system), 0);
    }
}

#[test]
fn a_stale_symbol_never_names_another_string() {
    let system = System::new();
    let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
    let mut stale = std::collections::HashSet::new();
    // More lives than a slot has generations, with and without a trim in between.
    for n in 0..20_000 {
        let symbol = table.acquire(&path(n)).expect("there is memory");
        assert!(stale.insert(symbol), "{symbol:?} was handed out before");
        table.release(symbol).expect("it is held");
        if n % 3 == 0 {
            table.trim().expect("there is memory");
        }
    }
    for symbol in stale {
        assert_eq!(text(&table, symbol), Err(InternError::Stale(symbol)));
    }
}

#[test]
fn a_dropped_handle_releases_its_string() {
    let traced = Traced::new(System::new(), Trace::sites());
    let alloc = Alloc::new(&traced);
    let table = InternTable::new(alloc, Pooling::On, Zeroing::Off);
    let first = table.intern(b"refs/heads/main").expect("there is memory");
    let second = first.try_clone().expect("it is held");
    let symbol = first.symbol();
    drop(first);
    assert_eq!(second.read(<[u8]>::to_vec), Ok(b"refs/heads/main".to_vec()));
    drop(second);
    assert_eq!(table.release(symbol), Err(InternError::Stale(symbol)));
    assert!(table.is_empty());
}

#[test]
fn churn_settles_and_a_trim_returns_everything() {
    let system = System::new();
    let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
    let mut after = Vec::new();
    for round in 0..20 {
        let names = (0..10_000).map(|n| table.acquire(&path(round * 10_000 + n)));
        let held: Result<Vec<_>, _> = names.collect();
        after.push(outstanding(&system));
        for symbol in held.expect("there is memory") {
            table.release(symbol).expect("it is held");
        }
    }
    assert!(after[19] * 100 <= after[1] * 105, "round 20 against round 2: {after:?}");
    table.trim().expect("a trim of nothing asks for nothing");
    assert_eq!(outstanding(&system), 0, "an empty table holds memory");
}

#[test]
fn eight_threads_share_strings_and_lose_no_hold() {
    let system = System::new();
    let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let table = &table;
            scope.spawn(move || {
                for n in 0..4_000 {
                    let name = path((n * 7 + thread) % 97);
                    let held = table.intern(&name).expect("there is memory");
                    let again = held.try_clone().expect("it is held");
                    drop(held);
                    assert_eq!(again.read(<[u8]>::to_vec), Ok(name));
                    if n % 500 == thread {
                        table.trim().expect("there is memory");
                    }
                }
            });
        }
    });
    assert!(table.is_empty());
    table.trim().expect("a trim of nothing asks for nothing");
    assert_eq!(outstanding(&system), 0);
}
