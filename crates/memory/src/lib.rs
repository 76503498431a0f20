//! Allocation that may fail, within budgets, and tests that make it fail.
// Only rustdoc reads the page, so an edit of it compiles nothing again. Its examples need the kit.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(
    all(any(doc, doctest), any(not(doctest), feature = "testing")),
    doc = include_str!("../README.md")
)]

mod alloc;
mod arena;
mod budgeted;
mod callsite;
mod charges;
mod containers;
mod counters;
mod error;
mod faulty;
mod gate;
mod heap_ledger;
#[cfg(feature = "histogram")]
mod histogram;
mod inside;
mod intern;
mod op;
mod poison;
mod pooling;
mod port;
mod process;
mod profile;
mod reconciled;
mod registry;
mod slab;
mod sync;
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod thread;
mod timeline;
mod traced;
mod undo;
#[forbid(unsafe_code)]
pub mod units;

pub use self::alloc::{Alloc, Charge};
pub use self::arena::{Arena, ArenaStats, DEDICATED_BYTES_MIN};
pub use self::budgeted::{
    Budget, BudgetObserver, BudgetWarning, Budgeted, SOFT_LIMIT_PERCENT, Silent,
};
pub use self::callsite::{CallSiteId, CallStack, FrameNames, Site};
pub use self::containers::{
    ArenaColumn, ArenaVec, Box, Column, ColumnIn, ColumnIter, ColumnRef, Map, MapEntry,
    MapIntoIter, Set, String, Vec, VecDeque, VecIn,
};
pub use self::counters::Diagnostics;
pub use self::error::{ErrorKind, MemoryError};
pub use self::faulty::{Faults, Faulty, Schedule, Scheduled};
pub use self::gate::{Gate, Gated};
pub use self::heap_ledger::Reconciliation;
#[cfg(feature = "histogram")]
pub use self::histogram::Percentiles;
pub use self::intern::{InternError, InternTable, Interned, Symbol, Unshared};
pub use self::op::{Op, OpStats, OpTag};
pub use self::pooling::{Pooling, Zeroing};
pub use self::port::{Port, PortId};
pub use self::process::{Entered, ProcessAllocator};
pub use self::profile::{Held, Holder, Profile, Refused};
pub use self::reconciled::{Reconciled, Reconciler};
pub use self::registry::{
    OPERATIONS_MAX, OpKey, OpReading, OpTotals, Registry, Scope, TooManyOperations,
};
pub use self::slab::{SMALL_BYTES_MAX, Slab, SlabBox, SlabStats};
pub use self::system::System;
pub use self::timeline::{Interval, Usage};
#[cfg(feature = "testing")]
pub use gitmind_memory_macros::test;

pub use self::traced::{Leak, Misuse, Trace, TraceReport, Traced, Violation};
