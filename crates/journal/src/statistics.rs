//! What a journal is made of, counted in one pass: edges by type and writer, paths, authors,
//! sessions.
//!
//! Texts are interned, because each is stored for the answer. A text that is new gets the next
//! number, which is the index of its counters, so an edge costs lookups and no copy.

use super::edge::{Edge, Origin, Relation};
use super::newest::walk_newest;
use super::order::WalkError;
use super::reader::{JournalItem, MalformedCounts, PayloadBuffer};
use super::tombstones::{Standing, Tombstones};
use core::cmp::Reverse;
use core::fmt;
use core::hash::Hash;
use core::ops::ControlFlow;
use gitmind_git::Repository;
use gitmind_git::oid::Oid;
use gitmind_memory::{Alloc, InternTable, Map, MemoryError, Symbol, Vec};

/// Counts of a journal.
///
/// ```
/// use gitmind_git::fake::FakeRepository;
/// use gitmind_journal::Statistics;
/// use gitmind_memory::{Alloc, InternTable, MemoryError, Pooling, System, Zeroing};
/// let (repository, system) = (FakeRepository::default(), System::new());
/// // An edge from the path `a` to the path `b`.
/// let tip = repository.commit(&[], b"ogVhYQZhYg==");
/// let alloc = Alloc::new(&system);
/// let table = InternTable::new(alloc, Pooling::On, Zeroing::Off);
/// let statistics = Statistics::read(&repository, alloc, tip, table)?;
/// assert_eq!((statistics.edges(), statistics.commits(), statistics.paths()), (1, 1, 2));
/// let mut paths = vec![];
/// statistics.most_linked_paths(1, |path, degree| {
///     paths.push((path.to_vec(), degree.outgoing, degree.incoming));
///     Ok::<_, MemoryError>(())
/// })?;
/// assert_eq!(paths, [(b"a".to_vec(), 1, 0)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Statistics<'a> {
    table: InternTable<'a>,
    edges: u64,
    taken_back: u64,
    tombstones: u64,
    commits: u64,
    malformed: MalformedCounts,
    relations: Tally<'a, Relation, u64>,
    origins: Tally<'a, Origin, u64>,
    paths: Tally<'a, Symbol, Degree>,
    authors: Tally<'a, Symbol, u64>,
    sessions: Tally<'a, Symbol, u64>,
}

/// How many edges start and end at a path. An edge from a path to itself is counted in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Degree {
    /// Edges that start at it.
    pub outgoing: u64,
    /// Edges that end at it.
    pub incoming: u64,
}

impl Degree {
    /// Ends of edges at the path.
    pub const fn total(self) -> u64 {
        self.outgoing + self.incoming
    }
}

impl fmt::Debug for Statistics<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statistics").field("edges", &self.edges).finish_non_exhaustive()
    }
}

impl<'a> Statistics<'a> {
    /// Counts nothing yet; allocates from `alloc` and stores texts in `table`.
    pub fn new(alloc: Alloc<'a>, table: InternTable<'a>) -> Self {
        Self {
            table,
            edges: 0,
            taken_back: 0,
            tombstones: 0,
            commits: 0,
            malformed: MalformedCounts::default(),
            relations: Tally::new(alloc),
            origins: Tally::new(alloc),
            paths: Tally::new(alloc),
            authors: Tally::new(alloc),
            sessions: Tally::new(alloc),
        }
    }

    /// Counts the journal at `tip`, newest edge first, without what is taken back.
    ///
    /// # Errors
    /// A [`WalkError`].
    pub fn read(
        repository: &dyn Repository,
        alloc: Alloc<'a>,
        tip: Oid,
        table: InternTable<'a>,
    ) -> Result<Self, WalkError> {
        let mut statistics = Self::new(alloc, table);
        let (mut payload, mut tombstones) = (PayloadBuffer::new(alloc), Tombstones::new(alloc));
        walk_newest(repository, alloc, tip, |commit| {
            statistics.commits += 1;
            payload.read_newest(commit, |item| {
                match item {
                    JournalItem::Edge(_, edge) => match tombstones.standing(edge)? {
                        Standing::Live => statistics.add(edge)?,
                        Standing::TakenBack => statistics.taken_back += 1,
                        Standing::Tombstone => statistics.tombstones += 1,
                    },
                    JournalItem::Malformed(found) => statistics.malformed.add(found),
                }
                Ok::<_, WalkError>(ControlFlow::Continue(()))
            })
        })?;
        Ok(statistics)
    }

    /// Counts an edge. An edge without attribution is a person's. An empty text is not counted.
    ///
    /// # Errors
    /// When an allocation fails; the edge may be counted in part.
    pub fn add(&mut self, edge: &Edge<'_>) -> Result<(), MemoryError> {
        self.edges += 1;
        *self.relations.of(edge.relation)? += 1;
        let table = &mut self.table;
        if let Some(path) = symbol(table, edge.source_path)? {
            self.paths.of(path)?.outgoing += 1;
        }
        if let Some(path) = symbol(table, edge.target_path)? {
            self.paths.of(path)?.incoming += 1;
        }
        let who = edge.attribution.unwrap_or_default();
        *self.origins.of(who.origin)? += 1;
        if let Some(author) = symbol(table, who.author)? {
            *self.authors.of(author)? += 1;
        }
        if let Some(session) = symbol(table, who.session)? {
            *self.sessions.of(session)? += 1;
        }
        Ok(())
    }

    /// Edges that count, without those that cannot be read.
    pub const fn edges(&self) -> u64 {
        self.edges
    }

    /// Edges that later tombstones take back.
    pub const fn taken_back(&self) -> u64 {
        self.taken_back
    }

    /// Edges that take others back.
    pub const fn tombstones(&self) -> u64 {
        self.tombstones
    }

    /// Commits, malformed ones and those without edges included.
    pub const fn commits(&self) -> u64 {
        self.commits
    }

    /// The malformed commits.
    pub const fn malformed(&self) -> &MalformedCounts {
        &self.malformed
    }

    /// Distinct paths of sources and targets.
    pub fn paths(&self) -> usize {
        self.paths.len()
    }

    /// Distinct authors.
    pub fn authors(&self) -> usize {
        self.authors.len()
    }

    /// Distinct sessions.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Visits the types of edges with their counts, the most frequent first.
    ///
    /// # Errors
    /// The error of `visit`, or that of an allocation that fails.
    pub fn relations<E: From<MemoryError>>(
        &self,
        visit: impl FnMut(Relation, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        self.relations.ranked(usize::MAX, |count| *count, visit)
    }

    /// Visits the kinds of writers with the counts of their edges, the most frequent first.
    ///
    /// # Errors
    /// The error of `visit`, or that of an allocation that fails.
    pub fn origins<E: From<MemoryError>>(
        &self,
        visit: impl FnMut(Origin, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        self.origins.ranked(usize::MAX, |count| *count, visit)
    }

    /// Visits at most `limit` paths, those with the most ends of edges first. Of equal ones, that
    /// of the newest edge is first.
    ///
    /// # Errors
    /// The error of `visit`, or that of an allocation that fails.
    pub fn most_linked_paths<E: From<MemoryError>>(
        &self,
        limit: usize,
        mut visit: impl FnMut(&[u8], Degree) -> Result<(), E>,
    ) -> Result<(), E> {
        self.paths.ranked(
            limit,
            |degree| degree.total(),
            |path, degree| self.text(path, |path| visit(path, degree)),
        )
    }

    /// Visits at most `limit` authors with the counts of their edges, the most active first. Of
    /// equal ones, that of the newest edge is first.
    ///
    /// # Errors
    /// The error of `visit`, or that of an allocation that fails.
    pub fn most_active_authors<E: From<MemoryError>>(
        &self,
        limit: usize,
        mut visit: impl FnMut(&[u8], u64) -> Result<(), E>,
    ) -> Result<(), E> {
        self.authors.ranked(
            limit,
            |count| *count,
            |author, count| self.text(author, |author| visit(author, count)),
        )
    }

    fn text<T>(&self, symbol: Symbol, read: impl FnOnce(&[u8]) -> T) -> T {
        let read = self.table.resolve(symbol, read);
        read.expect("this holds because texts are released only with the table")
    }
}

/// The symbol of a text, unless it is empty.
fn symbol(table: &mut InternTable<'_>, text: &[u8]) -> Result<Option<Symbol>, MemoryError> {
    if text.is_empty() { Ok(None) } else { table.unshared().acquire(text).map(Some) }
}

/// Counters by key; a key has a number, given at its first occurrence.
struct Tally<'a, K, C> {
    numbers: Map<'a, K, u32>,
    counters: Vec<'a, (K, C)>,
}

impl<'a, K: Copy + Eq + Hash, C: Copy + Default> Tally<'a, K, C> {
    fn new(alloc: Alloc<'a>) -> Self {
        Self { numbers: Map::new(alloc), counters: Vec::new(alloc) }
    }

    fn len(&self) -> usize {
        self.counters.len()
    }

    /// The counter of `key`.
    fn of(&mut self, key: K) -> Result<&mut C, MemoryError> {
        let next = u32::try_from(self.counters.len());
        let next = next.expect("this holds because keys have 32 bits or fewer");
        self.counters.try_reserve(1)?;
        let number = *self.numbers.try_get_or_insert_with(key, || next)?;
        if number == next {
            self.counters.try_push((key, C::default()))?;
        }
        Ok(&mut self.counters[number as usize].1)
    }

    /// Visits at most `limit` keys with their counters, the largest first; of equal ones, that with
    /// the smallest number.
    fn ranked<E: From<MemoryError>>(
        &self,
        limit: usize,
        size: impl Fn(&C) -> u64,
        mut visit: impl FnMut(K, C) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut order = Vec::new(self.counters.alloc());
        order.try_extend((0_u32..).zip(self.counters.iter()).map(|(number, _)| number))?;
        let rank = |number: &u32| (Reverse(size(&self.counters[*number as usize].1)), *number);
        order.sort_unstable_by_key(rank);
        order.iter().take(limit).try_for_each(|number| {
            let (key, counter) = self.counters[*number as usize];
            visit(key, counter)
        })
    }
}

#[cfg(test)]
mod tests;
