//! The git layer of the services: object ids, branch names, objects, and the repository port.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

pub mod branch;
mod commit;
mod error;
pub mod fake;
mod hash;
mod identity_error;
mod lookup;
pub mod oid;
mod pack;
mod pack_entry;
mod path_history;
mod port;
mod signature;
mod tree;
mod tree_diff;

pub use self::commit::{Authors, Commit, CommitDraft, Identity, is_blank_name};
pub use self::error::Error;
pub use self::hash::{Hasher, ObjectHeader, object_id};
pub use self::identity_error::IdentityError;
pub use self::lookup::{Found, find_path, head_tree};
pub use self::pack::{PackError, Stored};
pub use self::pack_entry::{encode_entry, encode_header, encode_stored};
pub use self::path_history::{PathHistory, Version};
pub use self::port::{
    BoxedTransaction, Follow, Head, ObjectKind, Read, RefUpdate, Repository, Transaction, Visit,
};
pub use self::signature::Signature;
pub use self::tree::{EMPTY_TREE, EntryMode, TreeDraft, TreeEntry, entries};
pub use self::tree_diff::{TreeChange, diff_trees};
