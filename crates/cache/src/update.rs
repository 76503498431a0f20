//! The incremental update of a cache: only the files of objects with new edges are written.
//!
//! Edge ids are stable under appends (oldest first), so the file of an object without new edges
//! does not change, and the file of an object with new edges gets ids at its end. Where a merge
//! moves ids, its last ids are replaced. The resulting tree is that of a full rebuild.

use super::bitmap::{decode_bitmap, encode_bitmap, encode_ids};
use super::commit_index::{
    CommitChunk, CommitRecord, RECORDS_PER_CHUNK, chunk_name, encode_commit_chunk,
    parse_chunk_name, records_of_last_chunk,
};
use super::existing::ExistingError;
use super::indexed::edges_of;
use super::marks::Marks;
use super::meta::Meta;
use super::path_file::{PathFile, PathFileDraft, PathFileError, PathLists, decode_list};
use super::path_keys::NO_PATH;
use super::plan::{Content, Entry, Key, Plan};
use super::root::{Root, read_verified};
use super::shard::{Direction, file_name, is_file_name, is_shard_name, shard_name};
use super::staged::Staged;
use super::write::{Outermost, Written};
use core::iter::Peekable;
use gitmind_git::oid::Oid;
use gitmind_git::{EntryMode, Error, ObjectKind, Repository, TreeDraft, TreeEntry, entries};
use gitmind_journal::{PayloadBuffer, WalkError};
use gitmind_memory::{Alloc, MemoryError, Vec};
use gitmind_ports::clock::Timestamp;

/// Why a cache could not be updated.
pub(super) enum UpdateError {
    /// The existing cache cannot be used; a full rebuild can replace it.
    Existing(ExistingError),
    /// The ids of the new commits cannot be read.
    Read(WalkError),
    /// The updated cache cannot be written.
    Write(Error),
}

impl From<WalkError> for UpdateError {
    fn from(error: WalkError) -> Self {
        Self::Read(error)
    }
}

impl From<ExistingError> for UpdateError {
    fn from(error: ExistingError) -> Self {
        match error.memory() {
            Some(failure) => Self::Write(failure.into()),
            None => Self::Existing(error),
        }
    }
}

impl From<PathFileError> for UpdateError {
    fn from(error: PathFileError) -> Self {
        ExistingError::from(error).into()
    }
}

impl From<Error> for UpdateError {
    fn from(error: Error) -> Self {
        Self::Write(error)
    }
}

impl From<MemoryError> for UpdateError {
    fn from(error: MemoryError) -> Self {
        Self::Write(error.into())
    }
}

/// What an update needs.
pub(super) struct Update<'u, 'a> {
    pub(super) repository: &'a dyn Repository,
    pub(super) alloc: Alloc<'a>,
    /// The metadata of the existing cache.
    pub(super) old: &'u Meta,
    /// The same, with the numbers of the edges whose ids stay and of their commits in the index.
    /// All others are among the edges of the plan.
    pub(super) kept: Meta,
    /// The metadata of the updated cache, with the number of paths of the existing one.
    pub(super) new: Meta,
}

impl<'a> Update<'_, 'a> {
    /// Writes the cache of the commit `commit` with what is new added: the edges of `plan`, and the
    /// marks `newer`, whose ids start at 0.
    pub(super) fn write(
        &self,
        commit: Oid,
        mut plan: Plan<'_, '_>,
        newer: &Marks<'_>,
        time: Timestamp,
    ) -> Result<Written<'a>, UpdateError> {
        let Self { repository, alloc, .. } = *self;
        let (_, root) = Root::read(repository, alloc, commit)?;
        let mut staged = Staged::new(alloc);
        let shards = self.shards(&root, &plan.group(Key::Object, alloc, 0), &mut staged)?;
        let (paths, count) =
            self.paths(root.paths, &plan.group(Key::Path, alloc, 0), &mut staged)?;
        let commits = self.commit_index(root.commits, &plan, &mut staged)?;
        let marks = self.marks(root.marks, newer)?;
        let meta = Meta { paths: count, ..self.new };
        let add = |kind, data: &[u8]| staged.add(kind, data);
        let directories = (shards, commits, paths);
        let outermost = Outermost::write(repository, directories, &marks, &meta, time, add)?;
        let transaction = staged.begin(repository, alloc)?;
        Ok(Written { meta, outermost, transaction })
    }

    /// The marked edges of the file `before` that stay, and the `newer` ones.
    fn marks(&self, before: Option<Oid>, newer: &Marks<'_>) -> Result<Marks<'a>, UpdateError> {
        let mut marks = Marks::new(self.alloc);
        if let Some(before) = before {
            let mut file = Vec::new(self.alloc);
            read_verified(self.repository, before, ObjectKind::Blob, &mut file)?;
            marks = Marks::parse(self.alloc, &file)?;
        }
        if marks.last().is_some_and(|last| last >= self.old.edges) {
            return Err(BEYOND.into());
        }
        marks.truncate_ids(self.kept.edges);
        marks.try_append(newer, self.kept.edges)?;
        Ok(marks)
    }

    /// The shard directories, with those that have new edges written again.
    fn shards(
        &self,
        root: &Root<'_>,
        content: &Content<'_>,
        staged: &mut Staged<'_>,
    ) -> Result<TreeDraft<'a>, UpdateError> {
        let mut shards = TreeDraft::new(self.alloc);
        let mut old = entries(root.shards.as_bytes()).peekable();
        for (shard, touched) in content.shards() {
            let name = shard_name(shard);
            let before = copy_up_to(&mut old, &name, &mut shards)?;
            let directory = self.directory(before)?;
            let is_file =
                |entry: &TreeEntry<'_>| entry.mode == EntryMode::File && is_file_name(entry.name);
            let mut files = ordered(&directory, is_file).peekable();
            let mut tree = TreeDraft::new(self.alloc);
            for entry in touched {
                for direction in [Direction::Forward, Direction::Reverse] {
                    let new = entry.of(direction);
                    if !new.is_empty() {
                        let name = file_name(entry.oid, direction);
                        let before = copy_up_to(&mut files, &name, &mut tree)?;
                        let file = self.file(before, new, staged)?;
                        tree.try_push(EntryMode::File, &name, file)?;
                    }
                }
            }
            copy_rest(&mut files, &mut tree)?;
            let tree = staged.add(ObjectKind::Tree, tree.as_bytes())?;
            shards.try_push(EntryMode::Tree, &name, tree)?;
        }
        copy_rest(&mut old, &mut shards)?;
        Ok(shards)
    }

    /// The entries of a directory of the cache, none without one.
    fn directory(&self, id: Option<Oid>) -> Result<Vec<'a, u8>, ExistingError> {
        let mut directory = Vec::new(self.alloc);
        if let Some(id) = id {
            read_verified(self.repository, id, ObjectKind::Tree, &mut directory)?;
        }
        Ok(directory)
    }

    /// Writes the bitmap file with the ids of the file `before` that stay and the `new` ids, which
    /// start at 0 for the first new edge; returns its id.
    fn file(
        &self,
        before: Option<Oid>,
        new: &[u32],
        staged: &mut Staged<'_>,
    ) -> Result<Oid, UpdateError> {
        let mut buffer = Vec::new(self.alloc);
        let mut ids = match before {
            None => Vec::new(self.alloc),
            Some(before) => {
                read_verified(self.repository, before, ObjectKind::Blob, &mut buffer)?;
                decode_bitmap(self.alloc, &buffer).map_err(ExistingError::from)?
            }
        };
        self.extend(&mut ids, new)?;
        buffer.clear();
        encode_bitmap(&ids, &mut buffer)?;
        Ok(staged.add(ObjectKind::Blob, &buffer)?)
    }

    /// Appends the `new` ids, which start at 0 for the first new edge, to those that stay.
    fn extend(&self, ids: &mut Vec<'_, u32>, new: &[u32]) -> Result<(), UpdateError> {
        if ids.last().is_some_and(|last| *last >= self.old.edges) {
            return Err(BEYOND.into());
        }
        let first = self.kept.edges;
        ids.truncate(ids.partition_point(|id| *id < first));
        Ok(ids.try_extend(new.iter().map(|id| first + id))?)
    }

    /// Writes the directory of the path index, with the files that have new edges written again;
    /// returns its id and the number of paths.
    fn paths(
        &self,
        directory: Option<Oid>,
        content: &Content<'_>,
        staged: &mut Staged<'_>,
    ) -> Result<(Option<Oid>, u32), UpdateError> {
        if directory.is_some() != (self.old.paths > 0) {
            return Err(ExistingError::Malformed(OTHER_PATHS).into());
        }
        let buffer = self.directory(directory)?;
        let is_file =
            |entry: &TreeEntry<'_>| entry.mode == EntryMode::File && is_shard_name(entry.name);
        let mut old = ordered(&buffer, is_file).peekable();
        let mut tree = TreeDraft::new(self.alloc);
        let mut draft = PathFileDraft::new(self.alloc);
        let mut file = Vec::new(self.alloc);
        let mut count = self.old.paths;
        for (shard, touched) in content.shards() {
            let mut touched = touched.filter(|entry| entry.oid != NO_PATH).peekable();
            if touched.peek().is_none() {
                continue;
            }
            let name = shard_name(shard);
            file.clear();
            let before = match copy_up_to(&mut old, &name, &mut tree)? {
                None => PathFile::EMPTY,
                Some(before) => {
                    read_verified(self.repository, before, ObjectKind::Blob, &mut file)?;
                    PathFile::parse(&file).map_err(ExistingError::from)?
                }
            };
            self.merge(&before, touched, &mut draft)?;
            let added = draft.count() - u32::try_from(before.len()).unwrap_or(u32::MAX);
            let added = count.checked_add(added);
            count = added.ok_or(ExistingError::Malformed(OTHER_PATHS))?;
            file.clear();
            draft.take_into(&mut file)?;
            let file = staged.add(ObjectKind::Blob, &file)?;
            tree.try_push(EntryMode::File, &name, file)?;
        }
        copy_rest(&mut old, &mut tree)?;
        let directory = match tree.is_empty() {
            true => None,
            false => Some(staged.add(ObjectKind::Tree, tree.as_bytes())?),
        };
        Ok((directory, count))
    }

    /// Copies the paths of the file `before` to `draft`, with the edges of `touched` added.
    fn merge<'p>(
        &self,
        before: &PathFile<'_>,
        touched: impl Iterator<Item = Entry<'p>>,
        draft: &mut PathFileDraft<'_>,
    ) -> Result<(), UpdateError> {
        let mut next = 0;
        let mut copy_up_to = |key: Option<Oid>, draft: &mut PathFileDraft<'_>| {
            while next < before.len() && key.is_none_or(|key| before.key(next) < key) {
                let lists = before.lists(next);
                draft.try_push_with(before.key(next), |direction, out| {
                    out.try_extend_from_slice(lists.of(direction)).map_err(PathFileError::from)
                })?;
                next += 1;
            }
            let is_next = next < before.len() && key == Some(before.key(next));
            next += usize::from(is_next);
            let old = if is_next { before.lists(next - 1) } else { PathLists::default() };
            Ok::<_, PathFileError>(old)
        };
        for entry in touched {
            let old = copy_up_to(Some(entry.oid), draft)?;
            draft.try_push_with(entry.oid, |direction, out| {
                let (old, new) = (old.of(direction), entry.of(direction));
                if new.is_empty() {
                    return Ok(out.try_extend_from_slice(old)?);
                }
                let mut ids = decode_list(self.alloc, old).map_err(ExistingError::from)?;
                self.extend(&mut ids, new)?;
                Ok::<_, UpdateError>(encode_ids(&ids, out)?)
            })?;
        }
        copy_up_to(None, draft)?;
        Ok(())
    }

    /// Writes the directory of the commit index with the new records after those that stay; returns
    /// its id.
    fn commit_index(
        &self,
        directory: Option<Oid>,
        plan: &Plan<'_, '_>,
        staged: &mut Staged<'_>,
    ) -> Result<Option<Oid>, UpdateError> {
        let base = self.kept.edges;
        let mut new = plan.commits().peekable();
        let mut tree = TreeDraft::new(self.alloc);
        let mut records: Vec<'_, CommitRecord> = Vec::new(self.alloc);
        match (directory, self.old.commits_indexed) {
            (None, 0) if self.old.edges == 0 => {}
            (Some(directory), 1..) => self.open_chunk(directory, &mut tree, &mut records)?,
            _ => return Err(ExistingError::Malformed(OTHER_COUNT).into()),
        }
        if new.peek().is_none() {
            return Ok(directory);
        }
        let mut file = Vec::new(self.alloc);
        while !records.is_empty() || new.peek().is_some() {
            let room = (RECORDS_PER_CHUNK as usize).saturating_sub(records.len());
            for record in new.by_ref().take(room) {
                let CommitRecord { first_edge, commit } = record?;
                records.try_push(CommitRecord { first_edge: base + first_edge, commit })?;
            }
            file.clear();
            encode_commit_chunk(records.iter().copied(), &mut file)?;
            let chunk = staged.add(ObjectKind::Blob, &file)?;
            let first_edge = records.first().map_or(base, |record| record.first_edge);
            tree.try_push(EntryMode::File, &chunk_name(first_edge), chunk)?;
            records.clear();
        }
        Ok(Some(staged.add(ObjectKind::Tree, tree.as_bytes())?))
    }

    /// Copies the entries of full chunks that stay to `tree`, and the records that stay of a chunk
    /// that has others, or that is not full, to `records`. Reads the last chunk in any case, for
    /// [`check_end`](Self::check_end).
    fn open_chunk(
        &self,
        directory: Oid,
        tree: &mut TreeDraft<'_>,
        records: &mut Vec<'_, CommitRecord>,
    ) -> Result<(), UpdateError> {
        let mut buffer = Vec::new(self.alloc);
        read_verified(self.repository, directory, ObjectKind::Tree, &mut buffer)?;
        let (full, rest) = (
            self.kept.commits_indexed / RECORDS_PER_CHUNK,
            self.kept.commits_indexed % RECORDS_PER_CHUNK,
        );
        let (mut open, mut last) = (None, None);
        let mut chunks = 0;
        let is_chunk = |entry: &TreeEntry<'_>| {
            let first_edge = parse_chunk_name(entry.name);
            entry.mode == EntryMode::File && first_edge.is_some_and(|first| first < self.old.edges)
        };
        for entry in ordered(&buffer, is_chunk) {
            let entry = entry.map_err(ExistingError::Malformed)?;
            if chunks < full {
                tree.try_push(entry.mode, entry.name, entry.id)?;
            } else if chunks == full && rest > 0 {
                open = Some(entry.id);
            }
            last = Some(entry.id);
            chunks += 1;
        }
        let last = last.filter(|_| chunks == self.old.commits_indexed.div_ceil(RECORDS_PER_CHUNK));
        let last = last.ok_or(ExistingError::Malformed(OTHER_COUNT))?;
        let mut file = Vec::new(self.alloc);
        let chunk = self.chunk(last, records_of_last_chunk(self.old.commits_indexed), &mut file)?;
        self.check_end(chunk.record(chunk.count() as usize - 1))?;
        if let Some(open) = open {
            let chunk =
                if open == last { chunk } else { self.chunk(open, RECORDS_PER_CHUNK, &mut file)? };
            records.try_extend((0..rest as usize).filter_map(|number| chunk.record(number)))?;
        }
        Ok(())
    }

    /// Reads a chunk of the commit index, which has `count` records.
    fn chunk<'f>(
        &self,
        id: Oid,
        count: u32,
        file: &'f mut Vec<'_, u8>,
    ) -> Result<CommitChunk<'f>, UpdateError> {
        read_verified(self.repository, id, ObjectKind::Blob, file)?;
        let chunk = CommitChunk::parse(file).map_err(ExistingError::from)?;
        match chunk.count() == count {
            true => Ok(chunk),
            false => Err(ExistingError::Malformed(OTHER_COUNT).into()),
        }
    }

    /// Checks that the ids of the last commit in the index end at the number of edges in the
    /// metadata, at which the new ids start.
    fn check_end(&self, last: Option<CommitRecord>) -> Result<(), UpdateError> {
        let last = last.ok_or(ExistingError::Malformed(OTHER_COUNT))?;
        let (mut object, mut payload) = (Vec::new(self.alloc), PayloadBuffer::new(self.alloc));
        let (_, edges) = edges_of(self.repository, &last, &mut object, &mut payload)?;
        let end = u64::from(last.first_edge) + edges.count() as u64;
        if end != u64::from(self.old.edges) {
            return Err(ExistingError::Malformed("its metadata has another number of edges").into());
        }
        Ok(())
    }
}

const BEYOND: ExistingError =
    ExistingError::Malformed("it has an edge id beyond its number of edges");
const OTHER_PATHS: &str = "its path index has another number of paths";
pub(super) const OTHER_COUNT: &str = "its commit index has another number of records";

/// The entries of a directory whose names have one length. They are copied in the same order, so an
/// entry that is not `is_ours`, or not in order, is an error.
pub(super) fn ordered<'t>(
    directory: &'t [u8],
    is_ours: impl Fn(&TreeEntry<'_>) -> bool,
) -> impl Iterator<Item = Result<TreeEntry<'t>, &'static str>> {
    let mut before: &[u8] = b"";
    entries(directory).map(move |entry| {
        let entry = entry?;
        if !is_ours(&entry) {
            return Err("a directory has an unexpected entry");
        }
        if entry.name <= before {
            return Err("the entries of a directory are not in order");
        }
        before = entry.name;
        Ok(entry)
    })
}

/// Copies the entries before `name` to `out`; returns the object id of the entry `name`, which is
/// not copied.
fn copy_up_to<'t>(
    left: &mut Peekable<impl Iterator<Item = Result<TreeEntry<'t>, &'static str>>>,
    name: &[u8],
    out: &mut TreeDraft<'_>,
) -> Result<Option<Oid>, UpdateError> {
    let is_due = |entry: &Result<TreeEntry<'_>, _>| match entry {
        Ok(entry) => entry.name <= name,
        Err(_) => true,
    };
    while let Some(entry) = left.next_if(is_due) {
        let entry = entry.map_err(ExistingError::Malformed)?;
        if entry.name == name {
            return Ok(Some(entry.id));
        }
        out.try_push(entry.mode, entry.name, entry.id)?;
    }
    Ok(None)
}

/// Copies all remaining entries to `out`.
fn copy_rest<'t>(
    left: &mut Peekable<impl Iterator<Item = Result<TreeEntry<'t>, &'static str>>>,
    out: &mut TreeDraft<'_>,
) -> Result<(), UpdateError> {
    for entry in left {
        let entry = entry.map_err(ExistingError::Malformed)?;
        out.try_push(entry.mode, entry.name, entry.id)?;
    }
    Ok(())
}
