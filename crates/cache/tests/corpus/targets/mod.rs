//! The fuzz targets: properties that must hold for any bytes.

mod formats;
mod inflate;
mod journal;
mod model;

use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, System, Trace, Traced};

/// A property of code that reads untrusted bytes.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Panics if the property does not hold for these bytes.
    pub(crate) run: fn(&[u8]),
}

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "message", run: formats::message },
    Target { name: "edges", run: formats::edges },
    Target { name: "bitmap", run: formats::bitmap },
    Target { name: "meta", run: formats::meta },
    Target { name: "commit-index", run: formats::commit_index },
    Target { name: "branch", run: formats::branch },
    Target { name: "objects", run: formats::objects },
    Target { name: "ages", run: formats::ages },
    Target { name: "inflate", run: inflate::inflate },
    Target { name: "rebuild", run: journal::rebuild },
    Target { name: "merge", run: journal::merge },
    Target { name: "update-and-query", run: journal::update_and_query },
];

/// Runs `body` under a memory budget of `bytes_max`, and panics if it leaks: sizes that an input
/// claims must not cause larger allocations.
fn contained<T>(bytes_max: usize, body: impl FnOnce(Alloc<'_>) -> T) -> T {
    let mut traced = Traced::new(System::uncounted(), Trace::stamped());
    let result = {
        let budget = Budgeted::new(&traced, Bytes::new(bytes_max as u64));
        body(Alloc::new(&budget))
    };
    if let Err(report) = traced.teardown() {
        panic!("{report}");
    }
    result
}
