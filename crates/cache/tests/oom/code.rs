//! A repository with commits of code, and the history of a path in it.

use crate::sandbox::Sandbox;
use gitmind_git::oid::Oid;
use gitmind_git::{
    Authors, CommitDraft, EntryMode, ObjectKind, PathHistory, RefUpdate, Transaction, TreeDraft,
    object_id,
};
use gitmind_memory::{Alloc, System, Vec};
use gitmind_ports::clock::Timestamp;
use std::collections::BTreeSet;

const BRANCH: &str = "refs/heads/main";
const TIME: Timestamp = Timestamp { seconds: 1_700_000_000, offset_seconds: 0 };

/// The directory and the content of `a.c` in each commit: it is edited, moved, moved and edited.
const COMMITS: [(&str, &[u8]); 4] = [("old", b"1"), ("old", b"2"), ("older", b"2"), ("new", b"3")];

/// Objects of a transaction, each once.
struct Objects<'t> {
    transaction: &'t mut dyn Transaction,
    added: BTreeSet<Oid>,
}

impl Objects<'_> {
    fn add(&mut self, kind: ObjectKind, bytes: &[u8]) -> Oid {
        let id = object_id(kind, bytes).expect("no attack");
        if self.added.insert(id) {
            self.transaction.add(kind, bytes).expect("there is room");
        }
        id
    }
}

pub(crate) fn prepare(sandbox: Sandbox) -> Sandbox {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let mut transaction = sandbox.repository().begin(alloc, None).expect("there is room");
    let mut objects = Objects { transaction: &mut *transaction, added: BTreeSet::new() };
    let (mut commits, mut parent) = (vec![], None);
    for (directory, content) in COMMITS {
        let mut inner = TreeDraft::new(alloc);
        for (name, content) in [("a.c", content), ("b.c", b"b")] {
            let blob = objects.add(ObjectKind::Blob, content);
            inner.try_push(EntryMode::File, name.as_bytes(), blob).expect("there is memory");
        }
        let inner = objects.add(ObjectKind::Tree, inner.as_bytes());
        let mut root = TreeDraft::new(alloc);
        root.try_push(EntryMode::Tree, directory.as_bytes(), inner).expect("there is memory");
        let tree = objects.add(ObjectKind::Tree, root.as_bytes());
        let (authors, parents) = (&Authors::default(), parent.as_slice());
        let draft = CommitDraft { tree, parents, authors, time: TIME, message: b"" };
        let mut bytes = Vec::new(alloc);
        draft.encode(&mut bytes).expect("there is memory");
        parent = Some(object_id(ObjectKind::Commit, &bytes).expect("no attack"));
        commits.push(bytes);
    }
    for commit in &commits {
        objects.add(ObjectKind::Commit, commit);
    }
    let new = parent.expect("this holds because there are commits");
    let update = RefUpdate { name: BRANCH, expected: None, new, time: TIME, reason: "test" };
    transaction.commit(update).expect("no other process writes");
    drop(transaction);
    sandbox.reopened()
}

/// Follows the file to its first content, and again from what the first walk has stored.
pub(crate) fn history(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let repository = sandbox.repository();
    let head = repository.resolve(BRANCH).expect("readable").expect("a branch");
    let first = object_id(ObjectKind::Blob, b"1").expect("no attack");
    let mut stored = Vec::new(alloc);
    let mut said = vec![];
    for is_first in [true, false] {
        let mut history = PathHistory::new(repository, alloc, head, b"new/a.c")
            .map_err(|error| error.to_string())?;
        if !is_first {
            history.restore(&stored).map_err(|error| error.to_string())?;
        }
        let found = history.find(first).map_err(|error| error.to_string())?;
        said.push(format!("{found:?}"));
        stored.clear();
        history.store(&mut stored).map_err(|error| error.to_string())?;
    }
    assert_eq!(said[0], said[1]);
    assert!(said[0].contains("edits: 2"), "{said:?}");
    Ok(said.concat())
}
