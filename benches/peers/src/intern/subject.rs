//! The interners, each behind the two things measured: a pass alone, and one by two threads.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use gitmind_memory::{Alloc, InternTable, Pooling, Symbol, System, Zeroing};
use internment::ArcIntern;
use lasso::{Rodeo, ThreadedRodeo};
use string_interner::StringInterner;
use string_interner::backend::{Backend, BucketBackend, BufferBackend, StringBackend};

pub(crate) const YARDSTICK: &str = "string-interner, strings";
pub(crate) const OURS: &str = "intern table";
pub(crate) const MUTEXED: &str = "string-interner, mutexed";

pub(crate) const NAMES: [&str; 8] = [
    YARDSTICK,
    OURS,
    "string-interner, buckets",
    "string-interner, buffer",
    "lasso",
    "internment",
    "ustr",
    "string_cache",
];

pub(crate) const SHARED_NAMES: [&str; 6] =
    [MUTEXED, OURS, "lasso, threaded", "internment", "ustr", "string_cache"];

/// Whether a pass is counted: it ends the program once the strings are interned, because checking
/// and releasing symbols are steps of their own.
static IS_COUNTED: AtomicBool = AtomicBool::new(false);

/// A pass that is counted.
pub(crate) fn count(name: &str, paths: &[String], order: &[u32]) -> ! {
    IS_COUNTED.store(true, Relaxed);
    pass(name, paths, order);
    unreachable!("the pass ends the program")
}

/// Seconds of a pass, and the bytes that are held after it and when everything is released.
pub(crate) fn pass(name: &str, paths: &[String], order: &[u32]) -> [f64; 3] {
    match name {
        YARDSTICK => strings::<StringBackend>(paths, order),
        "string-interner, buckets" => strings::<BucketBackend>(paths, order),
        "string-interner, buffer" => strings::<BufferBackend>(paths, order),
        OURS => ours(paths, order),
        "lasso" => {
            let before = in_use();
            let mut rodeo = Rodeo::default();
            let (seconds, symbols) = timed(paths, order, |path| rodeo.get_or_intern(path));
            check(paths, order, &symbols, |symbol, path| rodeo.resolve(symbol) == path);
            drop(symbols);
            let held = in_use() - before;
            // Nothing can be released but all of it.
            [seconds, held, held]
        }
        "internment" => holders(paths, order, arc, |held, path| &**held == path),
        "ustr" => holders(paths, order, ustr::ustr, |held, path| held == path),
        "string_cache" => holders(paths, order, atom, |held, path| &**held == path),
        _ => panic!("no interner is called {name}"),
    }
}

fn strings<B: Backend>(paths: &[String], order: &[u32]) -> [f64; 3]
where
    B::Symbol: Copy,
{
    let before = in_use();
    let mut interner: StringInterner<B> = StringInterner::new();
    let (seconds, symbols) = timed(paths, order, |path| interner.get_or_intern(path));
    check(paths, order, &symbols, |symbol, path| interner.resolve(*symbol) == Some(path));
    drop(symbols);
    let held = in_use() - before;
    [seconds, held, held]
}

fn ours(paths: &[String], order: &[u32]) -> [f64; 3] {
    let system = System::uncounted();
    let before = in_use();
    let mut table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
    let mut alone = table.unshared();
    let intern = |path: &str| alone.acquire(path.as_bytes()).expect("there is memory");
    let (seconds, symbols) = timed(paths, order, intern);
    check(paths, order, &symbols, |symbol, path| is(&table, *symbol, path));
    let held = in_use() - before - size_of_val(&*symbols) as f64;
    symbols.iter().for_each(|symbol| table.release(*symbol).expect("it is held"));
    drop(symbols);
    table.trim().expect("there is memory");
    [seconds, held, in_use() - before]
}

fn acquire(table: &InternTable<'_>, path: &str) -> Symbol {
    table.acquire(path.as_bytes()).expect("there is memory")
}

fn is(table: &InternTable<'_>, symbol: Symbol, path: &str) -> bool {
    table.resolve(symbol, |bytes| bytes == path.as_bytes()).expect("it is held")
}

/// Interners whose symbols hold the string by themselves.
fn holders<S>(
    paths: &[String],
    order: &[u32],
    intern: impl Fn(&str) -> S,
    is: impl Fn(&S, &str) -> bool,
) -> [f64; 3] {
    let before = in_use();
    let (seconds, symbols) = timed(paths, order, intern);
    check(paths, order, &symbols, is);
    let held = in_use() - before - (symbols.capacity() * size_of::<S>()) as f64;
    drop(symbols);
    [seconds, held, in_use() - before]
}

/// Interns in order; returns the seconds and the symbols, for which there was room before.
fn timed<S>(paths: &[String], order: &[u32], mut intern: impl FnMut(&str) -> S) -> (f64, Vec<S>) {
    let mut symbols = Vec::with_capacity(order.len());
    let started = Instant::now();
    symbols.extend(order.iter().map(|path| intern(&paths[*path as usize])));
    if IS_COUNTED.load(Relaxed) {
        std::process::exit(0);
    }
    (started.elapsed().as_secs_f64(), symbols)
}

/// Fails unless every symbol names its string.
fn check<S>(paths: &[String], order: &[u32], symbols: &[S], is: impl Fn(&S, &str) -> bool) {
    assert_eq!(symbols.len(), order.len());
    let mut places = order.iter().zip(symbols);
    assert!(places.all(|(path, symbol)| is(symbol, &paths[*path as usize])), "a wrong string");
}

/// Seconds in which two threads intern, every other string each.
pub(crate) fn share(name: &str, paths: &[String], order: &[u32]) -> f64 {
    match name {
        MUTEXED => {
            let interner: Mutex<StringInterner<StringBackend>> = Mutex::default();
            let lock = || interner.lock().unwrap_or_else(PoisonError::into_inner);
            let intern = |path: &str| lock().get_or_intern(path);
            both(paths, order, intern, |symbol, path| lock().resolve(*symbol) == Some(path))
        }
        OURS => {
            let system = System::uncounted();
            let table = InternTable::new(Alloc::new(&system), Pooling::On, Zeroing::Off);
            both(paths, order, |path| acquire(&table, path), |held, path| is(&table, *held, path))
        }
        "lasso, threaded" => {
            let rodeo = ThreadedRodeo::default();
            let intern = |path: &str| rodeo.get_or_intern(path);
            both(paths, order, intern, |symbol, path| rodeo.resolve(symbol) == path)
        }
        "internment" => both(paths, order, arc, |held, path| &**held == path),
        "ustr" => both(paths, order, ustr::ustr, |held, path| held == path),
        "string_cache" => both(paths, order, atom, |held, path| &**held == path),
        _ => panic!("no interner for threads is called {name}"),
    }
}

fn both<S: Send>(
    paths: &[String],
    order: &[u32],
    intern: impl Fn(&str) -> S + Sync,
    is: impl Fn(&S, &str) -> bool,
) -> f64 {
    let (even, odd): (Vec<_>, Vec<_>) = (0..order.len()).partition(|place| place % 2 == 0);
    let halves = [even, odd].map(|half| half.iter().map(|place| order[*place]).collect::<Vec<_>>());
    let started = Instant::now();
    let symbols = std::thread::scope(|scope| {
        let threads = halves.each_ref().map(|half| scope.spawn(|| timed(paths, half, &intern).1));
        threads.map(|thread| thread.join().expect("it interned"))
    });
    let seconds = started.elapsed().as_secs_f64();
    for (half, symbols) in halves.iter().zip(&symbols) {
        check(paths, half, symbols, &is);
    }
    seconds
}

fn arc(path: &str) -> ArcIntern<str> {
    ArcIntern::from(path)
}

fn atom(path: &str) -> string_cache::DefaultAtom {
    string_cache::DefaultAtom::from(path)
}

/// Bytes that the C library has handed out, with its own headers.
fn in_use() -> f64 {
    // SAFETY: the function reads the allocator's own counters and takes nothing.
    let counts = unsafe { libc::mallinfo2() };
    (counts.uordblks + counts.hblkhd) as f64
}
