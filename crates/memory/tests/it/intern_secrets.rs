//! The intern table against string-interner, and what it leaves in memory that it frees.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gitmind_memory::{Alloc, InternTable, Pooling, Symbol, System, Zeroing};
use proptest::prelude::*;
use string_interner::StringInterner;
use string_interner::backend::StringBackend;
use string_interner::symbol::SymbolU32;

use super::watched::{Watch, Watched};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn symbols_are_equal_where_those_of_string_interner_are(
        texts in prop::collection::vec("[ab]{0,3}|x{14,18}|y{31,33}", 0..200),
    ) {
        let system = System::new();
        let mut table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
        let mut oracle = StringInterner::<StringBackend>::new();
        let mut pairs: HashMap<SymbolU32, Symbol> = HashMap::new();
        for (place, text) in texts.iter().enumerate() {
            let expected = oracle.get_or_intern(text);
            // With the lock and without it.
            let symbol = match place % 2 {
                0 => table.acquire(text.as_bytes()),
                _ => table.unshared().acquire(text.as_bytes()),
            };
            let symbol = symbol.expect("there is memory");
            prop_assert_eq!(*pairs.entry(expected).or_insert(symbol), symbol, "{}", text);
            prop_assert_eq!(table.len(), oracle.len());
        }
        let mut unshared = table.unshared();
        for (expected, symbol) in pairs {
            let text = oracle.resolve(expected).expect("it was interned");
            prop_assert_eq!(unshared.resolve(symbol), Ok(text.as_bytes()));
        }
    }
}

const SECRET: u8 = 0x5E;

/// Counts places with secret bytes in what comes back.
#[derive(Default)]
struct Secrets(AtomicU64);

impl Watch for Secrets {
    const LOOKS: bool = true;

    fn freed(&self, bytes: &[u8]) {
        // A single one may be of a number.
        let found = bytes.windows(8).filter(|window| *window == [SECRET; 8]).count();
        self.0.fetch_add(found as u64, Relaxed);
    }
}

/// Places with secret bytes that go back to the port while strings come, move, go and stay.
fn secrets(pooling: Pooling, zeroing: Zeroing) -> u64 {
    let witness = Watched::<System, Secrets>::default();
    let table = InternTable::new(Alloc::new(&witness), pooling, zeroing);
    let text = |number: usize| {
        let mut text = vec![SECRET; 20 + number % 50];
        text.extend(number.to_string().into_bytes());
        text
    };
    let held: Vec<_> = (0..2000).map(|number| table.acquire(&text(number))).collect();
    for (number, symbol) in held.into_iter().enumerate() {
        let symbol = symbol.expect("there is memory");
        if number % 4 != 0 {
            table.release(symbol).expect("it is held");
        }
    }
    table.trim().expect("there is memory");
    drop(table);
    witness.watch.0.load(Relaxed)
}

#[test]
fn with_zeroing_no_byte_of_a_string_goes_back_to_the_port() {
    for pooling in [Pooling::On, Pooling::Off] {
        assert_eq!(secrets(pooling, Zeroing::On), 0, "{pooling:?}");
        assert!(secrets(pooling, Zeroing::Off) > 10_000, "{pooling:?}: the witness sees them");
    }
}
