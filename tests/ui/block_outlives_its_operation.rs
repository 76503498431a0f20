//! A block cannot outlive the account of the operation it was taken for.

use gitmind::context::operation;
use gitmind::memory::{Alloc, Registry, System, Vec};

fn main() {
    let (registry, system) = (Registry::new(), System::new());
    let kept: Vec<'_, u8>;
    {
        let scope = registry.begin(operation::CACHE_REBUILD).unwrap();
        kept = Vec::try_with_capacity(10, scope.tag(Alloc::new(&system))).unwrap();
    }
    drop(kept);
}
