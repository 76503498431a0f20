//! The targets: what must hold for any bytes at all.

mod formats;
mod journal;
mod model;

use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Budgeted, System, Trace, Traced};

/// Something that reads bytes which may come from anyone.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Panics when something does not hold.
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
    Target { name: "rebuild", run: journal::rebuild },
    Target { name: "update-and-query", run: journal::update_and_query },
];

/// Runs `body`, which must give back all it takes, and take no more than `bytes_max`: an input's
/// own claims must not lead to more.
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
