//! Random commits, against a model that knows which file each file was.

use super::{Hooked, Step};
use gitmind_test_support::checkout::length;
use std::collections::{BTreeMap, BTreeSet};

/// A file by its number: where it is, and what is in it.
type Files = BTreeMap<u32, (String, String)>;

/// A generator of numbers (xorshift), which the same seed makes the same.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below the limit")
    }
}

/// The program: files that are made, edited, moved, removed and linked.
struct Model {
    hooked: Hooked,
    numbers: Numbers,
    files: Files,
    next: u32,
}

impl Model {
    fn new(seed: u64) -> Self {
        let hooked = Hooked::without_hooks();
        hooked.git(&["rm", "-q", "a", "b"]);
        hooked.mind(&["hooks", "install"]).ok();
        Self { hooked, numbers: Numbers(seed | 1), files: Files::new(), next: 0 }
    }

    /// A path or a line that nothing has had before.
    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn make(&mut self) {
        let number = self.fresh();
        let directory = ["", "src/", "src/deep/", "docs/"][self.numbers.below(4)];
        let content = (0..30).map(|line| format!("{number} has {}\n", line * 7919 + number));
        self.files.insert(number, (format!("{directory}f {number}"), content.collect()));
    }

    fn change(&mut self) {
        let numbers: Vec<u32> = self.files.keys().copied().collect();
        let number = numbers[self.numbers.below(numbers.len())];
        let fresh = self.fresh();
        let kind = self.numbers.below(6);
        let (path, content) = self.files.get_mut(&number).expect("a file");
        if matches!(kind, 0..=2) {
            content.push_str(&format!("edit {fresh}\n"));
        }
        match kind {
            2 | 3 => *path = format!("to {}/{fresh}", fresh % 3),
            4 => {
                self.files.remove(&number);
            }
            5 => {
                // All that is in a directory goes to another one.
                let Some(end) = path.rfind('/') else { return };
                let directory = path[..=end].to_owned();
                for (path, _) in self.files.values_mut() {
                    if let Some(below) = path.strip_prefix(&directory) {
                        *path = format!("new {fresh}/{below}");
                    }
                }
            }
            _ => {}
        }
    }

    /// The id of each file in a commit.
    fn ids(&self) -> BTreeMap<String, String> {
        let list = self.hooked.git(&["ls-tree", "-r", "HEAD"]);
        let entry = |line: &str| {
            let (entry, path) = line.split_once('\t').expect("a path");
            (path.to_owned(), entry.rsplit(' ').next().expect("an id").to_owned())
        };
        list.lines().map(entry).collect()
    }

    /// Makes the worktree that of the model, and commits it.
    fn commit(&self) {
        for entry in std::fs::read_dir(self.hooked.path()).expect("readable") {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                _ if path.ends_with(".git") => {}
                true => std::fs::remove_dir_all(path).expect("writable"),
                false => std::fs::remove_file(path).expect("writable"),
            }
        }
        for (path, content) in self.files.values() {
            self.hooked.write(path, content);
        }
        assert_eq!(self.hooked.commit(), "");
    }

    fn link(&mut self) {
        let paths: Vec<String> = self.files.values().map(|(path, _)| path.clone()).collect();
        let [from, to] = [0, 1].map(|_| &paths[self.numbers.below(paths.len())]);
        self.hooked.mind(&["link", from, to]).ok();
    }

    /// The contents and paths that are ends of edges, and the steps.
    fn known(&self) -> (BTreeSet<String>, BTreeSet<Step>) {
        let edges = self.hooked.checkout.edges("main");
        let keys = ["source_oid", "target_oid", "source_path", "target_path"];
        let text = |edge: &serde_json::Value, key| edge[key].as_str().expect("text").to_owned();
        let ends = edges.iter().flat_map(|edge| keys.map(|key| text(edge, key))).collect();
        let steps = self.hooked.steps("main");
        let set: BTreeSet<_> = steps.iter().cloned().collect();
        assert_eq!(set.len(), steps.len(), "no step twice");
        (ends, set)
    }

    fn run(&mut self, commits: usize) {
        for _ in 0..8 {
            self.make();
        }
        self.commit();
        self.link();
        for round in 0..commits {
            let (old_files, old_ids) = (self.files.clone(), self.ids());
            let (ends, mut expected) = self.known();
            for _ in 0..=self.numbers.below(3) {
                self.change();
            }
            self.make();
            // A commit without the hooks leaves only the path linked.
            let is_followed = self.numbers.below(5) > 0;
            let files_max = if is_followed { "1000" } else { "0" };
            self.hooked.git(&["config", "gitmind.hookFilesMax", files_max]);
            self.commit();
            let ids = self.ids();
            for (number, (old_path, old_content)) in &old_files {
                let Some((path, content)) = self.files.get(number) else { continue };
                let step = [&old_ids[old_path], &ids[path], old_path, path];
                let is_linked = ends.contains(step[0]) || ends.contains(step[2]);
                if is_followed && is_linked && (path, content) != (old_path, old_content) {
                    expected.insert(step.map(String::clone));
                }
            }
            assert_eq!(self.known().1, expected, "commit {round}");
            if self.numbers.below(4) == 0 {
                self.link();
            }
            if self.numbers.below(3) == 0 {
                self.hooked.mind(&["cache-rebuild"]).ok();
            }
        }
    }
}

#[test]
fn each_linked_file_is_followed_through_random_commits() {
    for seed in 0..length(2, 40) {
        Model::new(0x9E37_79B9_7F4A_7C15 ^ seed as u64).run(12);
    }
}
