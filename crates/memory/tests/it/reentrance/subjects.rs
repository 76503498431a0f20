//! The containers that a callback re-enters, each with what it can be asked.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::rc::Rc;

use allocator_api2::alloc::Allocator;
use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, ArenaVec, Box as Boxed, Charge, ErrorKind, InternError, InternTable, Interned,
    Map, MemoryError, Op, Pooling, Port, Registry, Scope, Slab, SlabBox, System, Trace, Traced,
    VecDeque, VecIn, Zeroing,
};

use super::callbacks::{self, Callback, Stack};

/// What a container handed out, filled with a pattern.
pub(super) trait Thing {
    /// Whether it has its pattern still.
    fn is_whole(&self) -> bool;

    /// Makes it larger or smaller, where it can be.
    fn resize(&mut self, _is_larger: bool) -> Result<(), MemoryError> {
        Ok(())
    }
}

type Made = Result<Box<dyn Thing>, MemoryError>;

/// One container.
pub(super) struct Subject {
    /// Takes a thing with this pattern.
    pub(super) make: Box<dyn Fn(u64) -> Made>,
    /// Asks for whatever the container reports.
    pub(super) report: Box<dyn Fn()>,
    /// Ends the container, when nothing of it is left.
    pub(super) end: Box<dyn FnOnce()>,
}

fn subject<T: Thing + 'static>(
    make: impl Fn(u64) -> Result<T, MemoryError> + 'static,
    report: impl Fn() + 'static,
    end: impl FnOnce() + 'static,
) -> Subject {
    let make = move |seed| -> Made { Ok(Box::new(make(seed)?)) };
    Subject { make: Box::new(make), report: Box::new(report), end: Box::new(end) }
}

/// A value without a borrow to name, and what ends it.
pub(super) fn leak<T>(value: T) -> (&'static T, impl FnOnce() + 'static) {
    let place = Box::into_raw(Box::new(value));
    // SAFETY: the place came from a box and lives until the closure is called.
    let borrowed = unsafe { &*place };
    // SAFETY: the suite calls it once, when no use of the borrow is left.
    (borrowed, move || drop(unsafe { Box::from_raw(place) }))
}

/// Small ones and, every third time, one that is large everywhere.
const fn bytes_of(seed: u64) -> usize {
    if seed.is_multiple_of(3) { 5000 } else { 40 }
}

/// A value whose destructor calls back.
struct Loud([u64; 4]);

impl Drop for Loud {
    fn drop(&mut self) {
        callbacks::fire(Callback::Destructor);
    }
}

impl Thing for (u64, Boxed<'static, Loud>) {
    fn is_whole(&self) -> bool {
        self.1.0 == [self.0; 4]
    }
}

impl Thing for (u64, SlabBox<'static, Loud>) {
    fn is_whole(&self) -> bool {
        self.1.0 == [self.0; 4]
    }
}

impl Thing for (u64, &'static mut [u64]) {
    fn is_whole(&self) -> bool {
        self.1.iter().all(|one| *one == self.0)
    }
}

impl<A: Allocator + Copy> Thing for (u64, VecIn<Loud, A>) {
    fn is_whole(&self) -> bool {
        self.1.iter().all(|one| one.0 == [self.0; 4])
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        if is_larger {
            return push_more(self);
        }
        self.1.truncate(1);
        Ok(())
    }
}

fn push_more<A: Allocator + Copy>(
    (seed, array): &mut (u64, VecIn<Loud, A>),
) -> Result<(), MemoryError> {
    let more = if array.len() < 100 { array.len() + 1 } else { 0 };
    (0..more).try_for_each(|_| array.try_push(Loud([*seed; 4])))
}

impl Thing for (u64, ArenaVec<'static, u64>) {
    fn is_whole(&self) -> bool {
        self.1.iter().all(|one| *one == self.0)
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        let is_larger = is_larger && self.1.len() < 2000;
        if is_larger { self.1.try_resize(self.1.len() * 2, self.0) } else { Ok(()) }
    }
}

impl Thing for (u64, Map<'static, u64, Loud>) {
    fn is_whole(&self) -> bool {
        self.1.iter().all(|(_, one)| one.0 == [self.0; 4])
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        if !is_larger {
            self.1.clear();
            return Ok(());
        }
        let len = self.1.len() as u64;
        (len..(2 * len + 4).min(100))
            .try_for_each(|key| self.1.try_insert(key, Loud([self.0; 4])).map(drop))
    }
}

impl Thing for (u64, VecDeque<'static, Loud>) {
    fn is_whole(&self) -> bool {
        self.1.iter().all(|one| one.0 == [self.0; 4])
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        if !is_larger {
            self.1.drain(1..).for_each(drop);
            return Ok(());
        }
        let more = if self.1.len() < 100 { self.1.len() + 1 } else { 0 };
        (0..more).try_for_each(|_| self.1.try_push_front(Loud([self.0; 4])))
    }
}

impl Thing for Charge<'static> {
    fn is_whole(&self) -> bool {
        true
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        Self::resize(self, Bytes::new(if is_larger { 500 } else { 5 }))
    }
}

impl Thing for (u64, Interned<'static, 'static>) {
    fn is_whole(&self) -> bool {
        // Within a call of the table that uses the same shard it cannot be read.
        match self.1.read(|bytes| bytes == text(self.0)) {
            Ok(is_whole) => is_whole,
            Err(error) => matches!(error, InternError::Reentrant(_)),
        }
    }
}

fn text(seed: u64) -> Vec<u8> {
    seed.to_ne_bytes().repeat(bytes_of(seed) / 8)
}

impl Thing for (Option<Scope<'static>>, Boxed<'static, Loud>) {
    fn is_whole(&self) -> bool {
        self.0.as_ref().is_none_or(|scope| scope.stats().op() == OP)
    }
}

const OP: Op = Op::new(0, "reenters");

/// A block by the interface of allocators, which alone can shrink.
struct Raw {
    alloc: Rc<dyn Allocator>,
    start: NonNull<u8>,
    layout: Layout,
    seed: u8,
}

fn layout(bytes: usize) -> Layout {
    Layout::from_size_align(bytes, 8).expect("it is small")
}

impl Raw {
    fn take(alloc: &Rc<dyn Allocator>, seed: u64) -> Result<Self, MemoryError> {
        let layout = layout(bytes_of(seed));
        let start = alloc.allocate(layout)?.cast();
        let seed = seed.to_le_bytes()[0];
        let raw = Self { alloc: Rc::clone(alloc), start, layout, seed };
        raw.fill();
        Ok(raw)
    }

    fn fill(&self) {
        // SAFETY: the block is live and has this size.
        unsafe { self.start.write_bytes(self.seed, self.layout.size()) };
    }
}

impl Thing for Raw {
    fn is_whole(&self) -> bool {
        let bytes = NonNull::slice_from_raw_parts(self.start, self.layout.size());
        // SAFETY: the block is live and was written.
        unsafe { bytes.as_ref() }.iter().all(|byte| *byte == self.seed)
    }

    fn resize(&mut self, is_larger: bool) -> Result<(), MemoryError> {
        let size = self.layout.size();
        let new = layout(if is_larger { (size + size / 4).min(20_000) } else { size - size / 8 });
        let resized = if is_larger {
            // SAFETY: the block is live with its layout, and the new size is larger.
            unsafe { self.alloc.grow(self.start, self.layout, new) }
        } else {
            // SAFETY: the block is live with its layout, and the new size is smaller.
            unsafe { self.alloc.shrink(self.start, self.layout, new) }
        };
        self.start = resized?.cast();
        self.layout = if is_larger { layout(size) } else { new };
        assert!(self.is_whole(), "the contents were kept");
        self.layout = new;
        self.fill();
        Ok(())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: the block is live with its layout, and nothing uses it after this.
        unsafe { self.alloc.deallocate(self.start, self.layout) };
    }
}

fn arena(alloc: Alloc<'static>) -> (&'static Arena<'static>, impl FnOnce() + 'static) {
    leak(Arena::begin(alloc, Bytes::ZERO, Bytes::from_mib(4)))
}

fn arena_report(arena: &'static Arena<'static>) -> impl Fn() {
    move || assert!(arena.stats().held_bytes <= arena.cap_bytes())
}

fn slab_report(slab: &'static Slab<'static>) -> impl Fn() {
    move || {
        assert!(slab.stats().superblocks >= slab.stats().superblocks_empty);
        slab.trim();
    }
}

fn of_traced(port: &'static Stack, trace: Trace) -> Subject {
    let (traced, end) = leak(Traced::new(port, trace));
    let alloc: Rc<dyn Allocator> = Rc::new(Alloc::new(traced));
    let report = || assert!(traced.report().violations.is_empty());
    subject(move |seed| Raw::take(&alloc, seed), report, end)
}

fn of_strings(port: &'static Stack, pooling: Pooling, zeroing: Zeroing) -> Subject {
    let (table, end) = leak(InternTable::seeded(Alloc::new(port), pooling, zeroing, 1));
    let make = |seed| Ok((seed, table.intern(&text(seed))?));
    let report = || {
        let trimmed = table.trim();
        assert!(trimmed.err().is_none_or(|error| error.kind() == ErrorKind::Reentrant));
        let (strings, bytes) = table.held();
        assert!(table.len() as u64 == strings && bytes.get() >= 40 * strings);
    };
    subject(make, report, end)
}

type Builder = fn(&'static Stack) -> Subject;

/// Every container, by name.
pub(super) const SUBJECTS: [(&str, Builder); 16] = [
    ("arena slice", |port| {
        let (arena, end) = arena(Alloc::new(port));
        let make = |seed| arena.try_alloc_slice_with(bytes_of(seed) / 8, |_| seed);
        subject(move |seed| Ok((seed, make(seed)?)), arena_report(arena), end)
    }),
    ("arena vec", |port| {
        let (arena, end) = arena(Alloc::new(port));
        let make = |seed| {
            let mut array = ArenaVec::new(arena);
            array.try_resize(bytes_of(seed) / 8, seed)?;
            Ok((seed, array))
        };
        subject(make, arena_report(arena), end)
    }),
    ("arena block", |port| {
        let (arena, end) = arena(Alloc::new(port));
        let alloc: Rc<dyn Allocator> = Rc::new(arena);
        subject(move |seed| Raw::take(&alloc, seed), arena_report(arena), end)
    }),
    ("slab box", |port| {
        let (slab, end) = leak(Slab::new(Alloc::new(port)));
        let make = |seed| Ok((seed, slab.try_box(Loud([seed; 4]))?));
        subject(make, slab_report(slab), end)
    }),
    ("slab block", |port| {
        let (slab, end) = leak(Slab::new(Alloc::new(port)));
        let alloc: Rc<dyn Allocator> = Rc::new(slab);
        subject(move |seed| Raw::take(&alloc, seed), slab_report(slab), end)
    }),
    ("intern table", |port| of_strings(port, Pooling::On, Zeroing::Off)),
    ("intern table without pooling", |port| of_strings(port, Pooling::Off, Zeroing::On)),
    ("stamped", |port| of_traced(port, Trace::stamped())),
    ("traced with sites", |port| of_traced(port, Trace::sites())),
    ("budget block", |port| {
        let alloc: Rc<dyn Allocator> = Rc::new(Alloc::new(port));
        let report = || assert!(port.used() <= port.hard_limit());
        subject(move |seed| Raw::take(&alloc, seed), report, || ())
    }),
    ("budget charge", |port| {
        let report = || assert!(port.diagnostics().bytes_outstanding <= port.hard_limit());
        subject(|seed| Alloc::new(port).charge(Bytes::from(bytes_of(seed))), report, || ())
    }),
    ("registry", |port| {
        let (registry, end) = leak(Registry::new());
        let make = |seed| {
            // A thread begins 32 at most, and the suite asks for more.
            let scope = registry.begin(OP).ok();
            Ok((scope, Alloc::new(port).try_box(Loud([seed; 4]))?))
        };
        let report = || {
            let runs = registry.running().count() as u64;
            assert!(runs <= 64 && registry.totals(OP).leaked_bytes.get() == 0);
        };
        subject(make, report, end)
    }),
    ("vec", |port| {
        let make = |seed| {
            let mut array = (seed, VecIn::new(Alloc::new(port)));
            push_more(&mut array)?;
            Ok(array)
        };
        subject(make, || (), || ())
    }),
    ("deque", |port| {
        let make = |seed| {
            let mut deque = (seed, VecDeque::new(Alloc::new(port)));
            deque.resize(true)?;
            Ok(deque)
        };
        subject(make, || (), || ())
    }),
    ("map", |port| {
        let make = |seed| {
            let mut map = (seed, Map::new(Alloc::new(port)));
            map.resize(true)?;
            Ok(map)
        };
        subject(make, || (), || ())
    }),
    ("box", |port| {
        let make = |seed| Ok((seed, Alloc::new(port).try_box(Loud([seed; 4]))?));
        subject(make, || (), || ())
    }),
];

/// The port below everything, which finds a block that is freed twice or not at all.
pub(super) type Bottom = Traced<System>;
