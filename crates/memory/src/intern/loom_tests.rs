//! Every interleaving of threads that hold and release strings of one table.
//!
//! Run with `RUSTFLAGS="--cfg gm_loom" cargo test --lib loom_tests`.

use loom::sync::Arc;
use std::sync::LazyLock;

use super::{InternError, InternTable, Symbol};
use crate::{Alloc, Pooling, System, Zeroing};

/// A table whose port is never dropped, so that loom's threads may share it.
fn table() -> Arc<InternTable<'static>> {
    static SYSTEM: LazyLock<System<false>> = LazyLock::new(System::uncounted);
    Arc::new(InternTable::new(Alloc::new(&*SYSTEM), Pooling::On, Zeroing::Off))
}

/// Checks a model on threads that have room for a table, which loom's own stacks do not.
fn model(body: impl Fn() + Send + Sync + Copy + 'static) {
    loom::model(move || spawn(body).join().expect("the model has no panic"));
}

fn spawn<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> loom::thread::JoinHandle<T> {
    const STACK_WORDS: usize = 1 << 16;
    let thread = loom::thread::Builder::new().stack_size(STACK_WORDS);
    thread.spawn(body).expect("loom's threads cost nothing")
}

fn text(table: &InternTable<'_>, symbol: Symbol) -> Result<Vec<u8>, InternError> {
    table.resolve(symbol, <[u8]>::to_vec)
}

#[test]
fn the_last_release_and_an_acquire_of_the_same_string_lose_neither() {
    model(|| {
        let table = table();
        let first = table.acquire(b"a").expect("there is memory");
        let releases = {
            let table = Arc::clone(&table);
            spawn(move || table.release(first))
        };
        let second = table.acquire(b"a").expect("there is memory");
        assert_eq!(text(&table, second), Ok(b"a".to_vec()), "a hold was lost");
        assert_eq!(releases.join().expect("the thread has no panic"), Ok(()));
        assert_eq!((table.len(), text(&table, second)), (1, Ok(b"a".to_vec())));
        assert_eq!(table.release(second), Ok(()));
        assert!(table.is_empty());
    });
}

#[test]
fn a_symbol_that_is_released_meanwhile_is_its_string_or_an_error() {
    model(|| {
        let table = table();
        let symbol = table.acquire(b"a").expect("there is memory");
        let reuses = {
            let table = Arc::clone(&table);
            spawn(move || {
                table.release(symbol).expect("it is held");
                // Many strings, so that some are where the released one was.
                [b"b", b"c", b"d"].map(|bytes| table.acquire(bytes).expect("there is memory"))
            })
        };
        let retained = table.retain(symbol);
        match (retained, text(&table, symbol)) {
            (Ok(()), read) => assert_eq!(read, Ok(b"a".to_vec()), "it is held"),
            (Err(error), read) => {
                assert_eq!((error, read), (InternError::Stale(symbol), Err(error)));
            }
        }
        let others = reuses.join().expect("the thread has no panic");
        assert!(others.iter().all(|other| *other != symbol));
        assert_eq!(table.len(), 3 + usize::from(retained.is_ok()));
    });
}
