//! From a profile of the memory layer, which knows addresses, to names that other runs have too.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gitmind_memory::{FrameNames, Holder, Profile, Site};

use crate::frame::Frame;
use crate::function;
use crate::held::Held;
use crate::recording::{RecordedProfile, Recording, Stack};
use crate::source::{self, Source};
use crate::text::{cleaned, cleaned_profile, cleaned_word};

impl Recording {
    /// Adds a profile under a name of one word, or replaces the one of this name.
    ///
    /// What a call stack holds is counted for its innermost function of an own crate, one whose
    /// name begins with one of `own`; without any, one whose source is of no published crate.
    ///
    /// ```
    /// use gitmind_memory::{self as memory, Alloc, System, Trace, Traced};
    /// use gitmind_profile::{Recording, When};
    ///
    /// let traced = Traced::new(System::new(), Trace::sites());
    /// let buffer = memory::Vec::<u8>::try_with_capacity(1 << 20, Alloc::new(&traced))?;
    /// let profile = traced.profile().expect("sites are kept");
    ///
    /// let mut recording = Recording::new();
    /// recording.add("read", &profile, &["my_crate"]);
    /// let read = recording.profile("read").expect("it was added");
    /// assert_eq!(read.held(When::Peak).bytes, 1 << 20);
    /// assert_eq!(read.sites(When::Peak)[0].held.bytes, 1 << 20);
    /// # drop(buffer);
    /// # Ok::<(), gitmind_memory::MemoryError>(())
    /// ```
    pub fn add(&mut self, name: &str, profile: &Profile, own: &[&str]) -> &mut Self {
        let mut frames = Frames::default();
        let mut stacks: BTreeMap<(Option<String>, Vec<Arc<Frame>>), Stack> = BTreeMap::new();
        for holder in &profile.holders {
            let stack = frames.stack(holder, own, profile.op.is_none());
            let key = (stack.operation.clone(), stack.frames.clone());
            let known = stacks.entry(key).or_insert_with(|| {
                let none = Held::default();
                Stack { peak: none, end: none, total: none, ..stack.clone() }
            });
            known.peak.add(stack.peak);
            known.end.add(stack.end);
            known.total.add(stack.total);
        }
        self.insert(RecordedProfile {
            name: cleaned_profile(name),
            peak: profile.peak.into(),
            end: profile.end.into(),
            total: profile.total.into(),
            unattributed_bytes: profile.unattributed_bytes,
            own_bytes: profile.own_bytes.get(),
            stacks: stacks.into_values().collect(),
        });
        self
    }
}

impl From<gitmind_memory::Held> for Held {
    fn from(held: gitmind_memory::Held) -> Self {
        Self { bytes: held.bytes.get(), blocks: held.blocks }
    }
}

/// The frames of all stacks, each of them once.
#[derive(Default)]
struct Frames {
    names: FrameNames,
    /// The frames of names, and whether their files belong to no library.
    of_sites: HashMap<Site, (Frame, bool)>,
    known: BTreeMap<Frame, Arc<Frame>>,
}

impl Frames {
    fn stack(&mut self, holder: &Holder, own: &[&str], is_of_several: bool) -> Stack {
        let Self { names, of_sites, .. } = self;
        let mut frames: Vec<(Frame, bool)> = Vec::new();
        for site in names.frames(&holder.stack) {
            if !of_sites.contains_key(site) {
                of_sites.insert(site.clone(), frame(site));
            }
            frames.extend(of_sites.get(site).cloned());
        }
        if frames.is_empty() {
            frames.push((unknown(), false));
        }
        mark_start(&mut frames);
        name_closures(&mut frames);
        let own = frames.iter().position(|(frame, is_of_own_file)| {
            !frame.is_plumbing && is_own(frame, *is_of_own_file, own)
        });
        let outside = || frames.iter().position(|(frame, _)| !frame.is_plumbing);
        Stack {
            operation: holder.op.filter(|_| is_of_several).map(|op| cleaned_word(op.name())),
            site: own.or_else(outside).unwrap_or(0),
            frames: frames.into_iter().map(|(frame, _)| self.known(frame)).collect(),
            peak: holder.peak.into(),
            end: holder.end.into(),
            total: holder.total.into(),
        }
    }

    fn known(&mut self, frame: Frame) -> Arc<Frame> {
        let new = Arc::new(frame);
        Arc::clone(self.known.entry(Frame::clone(&new)).or_insert(new))
    }
}

/// The frame, and whether its file belongs to no library.
fn frame(site: &Site) -> (Frame, bool) {
    // An address, which another run would not have.
    let is_nameless = site.function.starts_with("0x");
    let function = if is_nameless { "unknown".into() } else { function::short(&site.function) };
    let file = site.place.as_ref().map(|(file, line, _)| (source::source(file), *line));
    let is_of_own_file = file.as_ref().is_some_and(|(file, _)| file.is_own);
    let (file, line) = match file {
        Some((Source { path, .. }, line)) if !path.is_empty() => (Some(path), Some(line)),
        _ => (None, None),
    };
    let frame = Frame {
        function: cleaned(&function),
        file: file.map(|path| cleaned(&path)),
        line: line.filter(|line| *line > 0),
        is_inlined: site.is_inlined,
        is_plumbing: site.is_plumbing(),
    };
    (frame, is_of_own_file)
}

/// Marks what started the thread before any function of Rust: `main`, and the C library.
fn mark_start(frames: &mut [(Frame, bool)]) {
    let is_rust = |frame: &Frame| frame.file.as_ref().is_some_and(|file| file.ends_with(".rs"));
    let is_of_start = |frame: &Frame| !function::is_path(&frame.function) && !is_rust(frame);
    let Some(last) = frames.iter().rposition(|(frame, _)| !is_of_start(frame)) else {
        return;
    };
    for (frame, _) in &mut frames[last + 1..] {
        frame.is_plumbing = true;
    }
}

/// Names a closure whose path is not known by the function of its file that called it, directly or
/// not. Of all closures of a file, that is most often the one around it.
fn name_closures(frames: &mut [(Frame, bool)]) {
    for at in 0..frames.len() {
        let (closure, callers) = (&frames[at].0, &frames[at + 1..]);
        if closure.file.is_none() || !function::is_closure(&closure.function) {
            continue;
        }
        let is_around = |of: &Frame| of.file == closure.file && !function::is_closure(&of.function);
        if let Some((around, _)) = callers.iter().find(|(frame, _)| is_around(frame)) {
            frames[at].0.function = cleaned(&format!("{}::{}", around.function, closure.function));
        }
    }
}

fn unknown() -> Frame {
    Frame {
        function: "unknown".into(),
        file: None,
        line: None,
        is_inlined: false,
        is_plumbing: false,
    }
}

/// Whether a frame is of a crate of the program's own; of a bare function the file says it.
fn is_own(frame: &Frame, is_of_own_file: bool, own: &[&str]) -> bool {
    if own.is_empty() || !function::is_path(&frame.function) {
        return is_of_own_file;
    }
    own.iter().any(|of| frame.function.starts_with(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(functions: &[(&str, &str)]) -> Vec<(Frame, bool)> {
        let frame = |(function, file): &(&str, &str)| {
            let file = (!file.is_empty()).then(|| (*file).to_owned());
            (Frame { function: (*function).into(), file, ..unknown() }, true)
        };
        functions.iter().map(frame).collect()
    }

    #[test]
    fn a_closure_without_its_path_has_the_name_of_the_function_around_it() {
        let mut of = frames(&[
            ("{closure}", "src/a.rs"),
            ("fold", "library/core/src/iter.rs"),
            ("build", "src/a.rs"),
            ("mine::b::run::{closure}", "src/b.rs"),
            ("{closure}", "src/c.rs"),
            ("main", "src/main.rs"),
        ]);
        name_closures(&mut of);
        let keys: Vec<String> = of.iter().map(|(frame, _)| frame.key()).collect();
        assert_eq!(
            keys,
            [
                "build::{closure} (src/a.rs)",
                "fold (library/core/src/iter.rs)",
                "build (src/a.rs)",
                "mine::b::run::{closure}",
                "{closure} (src/c.rs)",
                "main (src/main.rs)",
            ]
        );
    }

    #[test]
    fn what_starts_a_thread_is_plumbing() {
        let mut of = frames(&[
            ("read", "src/a.rs"),
            ("main", "src/a.rs"),
            ("main", ""),
            ("__libc_start_main", "csu/libc-start.c"),
            ("_start", ""),
        ]);
        mark_start(&mut of);
        let plumbing: Vec<bool> = of.iter().map(|(frame, _)| frame.is_plumbing).collect();
        assert_eq!(plumbing, [false, false, true, true, true]);
        let mut stripped = frames(&[("unknown", ""), ("unknown", "")]);
        mark_start(&mut stripped);
        assert!(!stripped.iter().any(|(frame, _)| frame.is_plumbing));
    }
}
