//! Recordings as plain maps, and the documents that say the same.

use std::collections::BTreeMap;

use gitmind_profile::Recording;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Functions of stacks: paths, and one that line tables name without its path.
pub(crate) const FUNCTIONS: [&str; 8] = [
    "mine::main",
    "mine::read",
    "mine::Reader::next",
    "mine::plan::Plan::push",
    "push",
    "kept::Of::grow",
    "mine::f::{closure}",
    "mine::fill by hand",
];

/// A call stack: functions, the one that is its site, bytes and blocks at the peak.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) functions: Vec<usize>,
    pub(crate) site: usize,
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
}

/// The stacks of a profile, and the bytes that none is known for.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) unattributed_bytes: i64,
}

pub(crate) type Profiles = BTreeMap<String, Profile>;

/// The key of a function, and where it is.
pub(crate) fn site(function: usize) -> String {
    match FUNCTIONS[function] {
        "push" => "push (crates/mine/src/f4.rs)".into(),
        path => path.into(),
    }
}

impl Profile {
    pub(crate) fn peak_bytes(&self) -> u64 {
        let sum: u64 = self.stacks.iter().map(|stack| stack.bytes).sum();
        sum.checked_add_signed(self.unattributed_bytes).expect("no more is freed than there was")
    }

    /// Bytes and blocks by site.
    pub(crate) fn sites(&self) -> BTreeMap<String, (u64, u64)> {
        let mut sites = BTreeMap::new();
        for stack in &self.stacks {
            let held: &mut (u64, u64) = sites.entry(site(stack.functions[stack.site])).or_default();
            *held = (held.0 + stack.bytes, held.1 + stack.blocks);
        }
        sites.retain(|_, held| held.0 > 0);
        sites
    }

    fn document(&self, name: &str) -> Value {
        let held = |bytes: u64, blocks: u64| json!({ "bytes": bytes, "blocks": blocks });
        let stacks = self.stacks.iter().map(|stack| {
            json!({
                "frames": stack.functions, "site": stack.site,
                "peak": held(stack.bytes, stack.blocks), "end": held(0, 0),
                "total": held(stack.bytes, stack.blocks),
            })
        });
        let blocks = self.stacks.iter().map(|stack| stack.blocks).sum();
        json!({
            "name": name, "peak": held(self.peak_bytes(), blocks), "end": held(0, 0),
            "total": held(self.peak_bytes(), blocks), "own_bytes": 0,
            "unattributed_bytes": self.unattributed_bytes,
            "stacks": stacks.collect::<Vec<_>>(),
        })
    }
}

/// The document of a recording of these profiles.
pub(crate) fn document(profiles: &Profiles) -> String {
    let frame = |(number, function): (usize, &&str)| {
        let file = format!("crates/mine/src/f{number}.rs");
        json!({ "function": function, "file": file, "line": 7 })
    };
    json!({
        "schema": 1,
        "conditions": { "target": "x86_64", "threads": "1" },
        "labels": { "revision": "1a2b" },
        "frames": FUNCTIONS.iter().enumerate().map(frame).collect::<Vec<_>>(),
        "profiles": profiles.iter().map(|(name, of)| of.document(name)).collect::<Vec<_>>(),
    })
    .to_string()
}

pub(crate) fn recording(profiles: &Profiles) -> Recording {
    Recording::from_json(document(profiles).as_bytes()).expect("the document is right")
}

/// Any profiles, with names and sizes that coincide often.
pub(crate) fn profiles() -> impl Strategy<Value = Profiles> {
    let stack = (prop::collection::vec(0..FUNCTIONS.len(), 1..4), 0..3_usize, 0..9_u64, 1..4_u64);
    let stack = (stack, prop::sample::select(vec![1_u64, 4096, 1 << 20]));
    let stack = stack.prop_map(|((functions, site, bytes, blocks), unit)| Stack {
        site: site % functions.len(),
        functions,
        bytes: bytes * unit,
        blocks,
    });
    let profile = (prop::collection::vec(stack, 0..9), -2_i64..2).prop_map(|(stacks, other)| {
        let sum = stacks.iter().map(|stack| stack.bytes).sum::<u64>();
        let unattributed_bytes = if sum < 2 { 0 } else { other };
        Profile { stacks, unattributed_bytes }
    });
    prop::collection::btree_map("[ab]\\.[xy]", profile, 0..4)
}
