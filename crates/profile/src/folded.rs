//! Folded stacks: a line for each call stack, the root first, which flame graph tools read.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::frame::Frame;
use crate::held::When;
use crate::recording::{Recording, Stack};

impl Recording {
    /// A line `profile;function;...;function bytes` for each call stack, sorted, without the frames
    /// that only forward a request. An inlined function has the suffix `_[i]`, as of perf's tools.
    pub fn folded(&self, when: When) -> String {
        let mut lines: BTreeMap<String, u128> = BTreeMap::new();
        for profile in &self.profiles {
            let stacks = profile.stacks.iter().filter(|stack| stack.held(when).bytes > 0);
            for stack in stacks {
                let line = lines.entry(path(&profile.name, stack)).or_default();
                *line += u128::from(stack.held(when).bytes);
            }
        }
        let mut folded = String::new();
        for (line, bytes) in lines {
            writeln!(folded, "{line} {bytes}")
                .expect("this holds because a string takes all that is written to it");
        }
        folded
    }
}

/// The frames of a stack from the root on.
fn path(name: &str, stack: &Stack) -> String {
    let mut path = name.replace(';', ":");
    let frames = stack.frames.iter().enumerate().rev();
    let frames = frames.filter(|(at, frame)| !frame.is_plumbing || *at == stack.site);
    for part in stack.operation.iter().cloned().chain(frames.map(|(_, frame)| label(frame))) {
        path.push(';');
        path.push_str(&part.replace(';', ":"));
    }
    path
}

fn label(frame: &Frame) -> String {
    let key = frame.key();
    if frame.is_inlined { key + "_[i]" } else { key }
}
