//! The seam between std's atomics and locks and loom's, for code that loom models.
//!
//! The charge of a budget, the remote-free list of a slab and the shards of an intern table are
//! modelled; everything else uses std directly. `--cfg gm_loom` replaces the types here and nothing
//! else. The name is ours, so that the crates we depend on keep std's atomics.

#[cfg(not(gm_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(gm_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};
