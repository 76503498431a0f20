//! The intern table against string-interner, and what it leaves in memory that it gives back.

use std::alloc::Layout;
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Diagnostics, InternTable, MemoryError, OpTag, Pooling, Port, PortId, Symbol, System,
    Zeroing,
};
use proptest::prelude::*;
use string_interner::StringInterner;
use string_interner::backend::StringBackend;
use string_interner::symbol::SymbolU32;

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

/// A port that counts places with secret bytes in what is given back to it.
#[derive(Debug, Default)]
struct Witness {
    system: System,
    secrets: AtomicU64,
}

impl Witness {
    /// # Safety
    /// The block is live, and every byte of it was written.
    unsafe fn look(&self, block: NonNull<u8>, layout: Layout) {
        let bytes = NonNull::slice_from_raw_parts(block, layout.size());
        // SAFETY: the caller promises initialised bytes of a live block.
        let bytes = unsafe { bytes.as_ref() };
        // A single one may be of a number.
        let found = bytes.windows(8).filter(|window| *window == [SECRET; 8]).count();
        self.secrets.fetch_add(found as u64, Relaxed);
    }
}

// SAFETY: blocks are the system's; the bytes that come back are only read.
unsafe impl Port for Witness {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        self.system.allocate_zeroed(layout, op)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        // SAFETY: the block is live, and zeros were written to all of it.
        unsafe { self.look(block, layout) };
        // SAFETY: the caller's promises are passed on unchanged.
        unsafe { self.system.deallocate(block, layout, op) };
    }

    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        let larger = self.allocate(new, op)?;
        // SAFETY: both are live and have as many bytes.
        unsafe { larger.copy_from_nonoverlapping(block, old.size()) };
        // SAFETY: the old block is given up for the new one.
        unsafe { self.deallocate(block, old, op) };
        Ok(larger)
    }

    unsafe fn shrink(
        &self,
        _: NonNull<u8>,
        _: Layout,
        _: Layout,
        _: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        unreachable!("a table does not shrink a block");
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        self.system.charge(bytes, op)
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        self.system.refund(bytes, op);
    }

    fn id(&self) -> PortId {
        self.system.id()
    }

    fn diagnostics(&self) -> Diagnostics {
        self.system.diagnostics()
    }
}

/// Places with secret bytes that go back to the port while strings come, move, go and stay.
fn secrets(pooling: Pooling, zeroing: Zeroing) -> u64 {
    let witness = Witness::default();
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
    witness.secrets.load(Relaxed)
}

#[test]
fn with_zeroing_no_byte_of_a_string_goes_back_to_the_port() {
    for pooling in [Pooling::On, Pooling::Off] {
        assert_eq!(secrets(pooling, Zeroing::On), 0, "{pooling:?}");
        assert!(secrets(pooling, Zeroing::Off) > 10_000, "{pooling:?}: the witness sees them");
    }
}
