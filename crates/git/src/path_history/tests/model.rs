//! Random histories, and a model that looks at every path of every commit.

use crate::fake::FakeRepository;
use crate::oid::Oid;
use crate::{Authors, CommitDraft, EntryMode, ObjectKind, TreeDraft};
use gitmind_memory::{Alloc, System};
use gitmind_ports::clock::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The first ones are changed more often.
pub(super) const PATHS: [&str; 5] = ["d/a", "b", "d/e/a", "d/b", "a"];
/// How many contents there are.
pub(super) const CONTENTS: u8 = 8;

/// The content of each path.
pub(super) type Files = BTreeMap<String, u8>;

/// A repository with the files and parents of its commits.
#[derive(Default)]
pub(super) struct History {
    pub(super) repository: FakeRepository,
    commits: BTreeMap<Oid, (Files, Vec<Oid>)>,
    pub(super) order: Vec<Oid>,
}

impl History {
    pub(super) fn blob(&self, content: u8) -> Oid {
        self.repository.insert(ObjectKind::Blob, &[content])
    }

    /// Adds a commit; its message makes it differ from the others.
    pub(super) fn commit(&mut self, files: &Files, parents: &[Oid]) -> Oid {
        let system = System::new();
        let entries = files.iter().map(|(path, content)| (&path[..], self.blob(*content)));
        let tree = self.tree(&entries.collect());
        let (authors, time) = (&Authors::default(), Timestamp { seconds: 0, offset_seconds: 0 });
        let message = self.order.len().to_string();
        let mut bytes = gitmind_memory::Vec::new(Alloc::new(&system));
        CommitDraft { tree, parents, authors, time, message: message.as_bytes() }
            .encode(&mut bytes)
            .expect("there is memory");
        let id = self.repository.insert(ObjectKind::Commit, &bytes);
        self.commits.insert(id, (files.clone(), parents.to_vec()));
        self.order.push(id);
        id
    }

    /// Adds a commit with these paths and contents.
    pub(super) fn with(&mut self, files: &[(&str, u8)], parents: &[Oid]) -> Oid {
        let files = files.iter().map(|(path, content)| ((*path).to_owned(), *content));
        self.commit(&files.collect(), parents)
    }

    fn tree(&self, entries: &BTreeMap<&str, Oid>) -> Oid {
        let mut directories = BTreeMap::<&str, BTreeMap<&str, Oid>>::new();
        let mut all = vec![];
        for (path, id) in entries {
            match path.split_once('/') {
                None => all.push((path.to_string(), EntryMode::File, *path, *id)),
                Some((directory, rest)) => {
                    directories.entry(directory).or_default().insert(rest, *id);
                }
            }
        }
        for (name, entries) in &directories {
            all.push((format!("{name}/"), EntryMode::Tree, name, self.tree(entries)));
        }
        all.sort_by(|left, right| left.0.cmp(&right.0));
        let system = System::new();
        let mut draft = TreeDraft::new(Alloc::new(&system));
        for (_, mode, name, id) in all {
            draft.try_push(mode, name.as_bytes(), id).expect("there is memory");
        }
        self.repository.insert(ObjectKind::Tree, draft.as_bytes())
    }

    /// The minimal number of edits to each content of `path`, and its names with them.
    pub(super) fn versions(&self, head: Oid, path: &str) -> BTreeMap<u8, (u32, BTreeSet<String>)> {
        let mut edits = BTreeMap::<(Oid, String), u32>::new();
        edits.extend(self.newest(head, path).map(|commit| ((commit, path.to_owned()), 0)));
        loop {
            let known = edits.clone();
            for ((commit, name), before) in &known {
                for (commit, name, more) in self.older(*commit, name) {
                    let fewest = edits.entry((commit, name)).or_insert(u32::MAX);
                    *fewest = (*fewest).min(before + more);
                }
            }
            if edits == known {
                break;
            }
        }
        let mut versions = BTreeMap::<u8, (u32, BTreeSet<String>)>::new();
        for ((commit, name), edits) in edits {
            let (fewest, names) =
                versions.entry(self.commits[&commit].0[&name]).or_insert((edits, [].into()));
            if edits < *fewest {
                names.clear();
                *fewest = edits;
            }
            if edits == *fewest {
                names.insert(name);
            }
        }
        versions
    }

    /// The first commit with the path, by number of commits.
    fn newest(&self, head: Oid, path: &str) -> Option<Oid> {
        let (mut queue, mut seen) = (VecDeque::from([head]), BTreeSet::new());
        while let Some(commit) = queue.pop_front() {
            let (files, parents) = &self.commits[&commit];
            if files.contains_key(path) {
                return Some(commit);
            }
            if seen.insert(commit) {
                queue.extend(parents);
            }
        }
        None
    }

    /// The next commits of a walk: commit, name, and 1 for an edit.
    fn older(&self, commit: Oid, name: &str) -> Vec<(Oid, String, u32)> {
        let (files, parents) = &self.commits[&commit];
        let content = files[name];
        let of = |parent: &Oid| self.commits[parent].0.get(name).copied();
        if let Some(same) = parents.iter().find(|parent| of(parent) == Some(content)) {
            return vec![(*same, name.to_owned(), 0)];
        }
        let others = parents.iter().filter(|parent| of(parent).is_some());
        let others: Vec<_> = others.map(|parent| (*parent, name.to_owned(), 1)).collect();
        let Some(first) = parents.first().filter(|_| others.is_empty()) else { return others };
        let last = |path: &str| path.rsplit('/').next().map(str::to_owned);
        let common = |path: &str| {
            let has = |part: &&str| name.split('/').any(|own| own == *part);
            let common = path.split('/').filter(has).count();
            (common, Reverse(path.split('/').count() - common))
        };
        let before = &self.commits[first].0;
        let moved = before
            .iter()
            .filter(|(path, was)| **was == content && files.get(*path) != Some(&content));
        let best = moved.min_by_key(|(path, _)| {
            let has_name = last(path) == last(name);
            (files.contains_key(*path), !has_name, Reverse(common(path)), (*path).clone())
        });
        if let Some((path, _)) = best {
            return vec![(*first, path.clone(), 0)];
        }
        let removed = before.keys().filter(|path| !files.contains_key(*path));
        let mut removed: Vec<_> = removed.filter(|path| last(path) == last(name)).collect();
        removed.sort_by_key(|path| Reverse(common(path)));
        match removed[..] {
            [path] => vec![(*first, path.clone(), 1)],
            [path, next, ..] if common(path) > common(next) => vec![(*first, path.clone(), 1)],
            _ => others,
        }
    }
}

/// What a commit changes in the files of its first parent.
#[derive(Clone, Debug)]
enum Change {
    Set(&'static str, u8),
    Remove(&'static str),
    Move(&'static str, &'static str),
}

type Draft = (Vec<Index>, bool, Vec<Change>);

fn draft() -> impl Strategy<Value = Draft> {
    let path = || {
        (0..PATHS.len(), 0..PATHS.len(), 0..PATHS.len())
            .prop_map(|(a, b, c)| PATHS[a.min(b).min(c)])
    };
    let change = prop_oneof![
        12 => (path(), 0..CONTENTS).prop_map(|(path, content)| Change::Set(path, content)),
        1 => path().prop_map(Change::Remove),
        2 => (path(), path()).prop_map(|(from, to)| Change::Move(from, to)),
    ];
    let parents = prop::collection::vec(any::<Index>(), 0..3);
    (parents, prop::bool::weighted(0.8), prop::collection::vec(change, 0..3))
}

/// Up to 32 commits, most of them on the one before, with merges.
pub(super) fn history() -> impl Strategy<Value = History> {
    prop::collection::vec(draft(), 1..32).prop_map(|drafts| {
        let mut history = History::default();
        for (others, is_line, changes) in drafts {
            let order = &history.order;
            let mut parents: Vec<Oid> =
                order.last().filter(|_| is_line).copied().into_iter().collect();
            if !order.is_empty() {
                // Near ones, so that lines of history meet again.
                let near = &order[order.len().saturating_sub(5)..];
                parents.extend(others.iter().map(|index| *index.get(near)));
            }
            let mut seen = BTreeSet::new();
            parents.retain(|parent| seen.insert(*parent));
            let mut files =
                parents.first().map(|first| history.commits[first].0.clone()).unwrap_or_default();
            for change in changes {
                match change {
                    Change::Set(at, content) => drop(files.insert(at.into(), content)),
                    Change::Remove(at) => drop(files.remove(at)),
                    Change::Move(from, to) => {
                        if let Some(content) = files.remove(from) {
                            files.insert(to.into(), content);
                        }
                    }
                }
            }
            history.commit(&files, &parents);
        }
        history
    })
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let commits = self.order.iter().map(|id| (id, &self.commits[id]));
        f.debug_map().entries(commits).finish()
    }
}
