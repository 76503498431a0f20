//! Grouping the edges of a plan by a key, each direction on a thread of its own.

use super::numbered::Span;
use super::postings::{Buffers, Postings};
use core::convert::Infallible;
use core::ops::Range;
use gitmind_memory::{Alloc, ColumnRef};
use gitmind_ports::pipeline::{Work, pipeline};

/// Fewest edges that pay for a thread.
const EDGES_MIN: usize = 1 << 12;

/// The edges that are grouped, by numbers of ends, and the keys of ends.
pub(super) struct Grouping<'g, S> {
    pub(super) key_count: usize,
    /// For each end, the number of its key.
    pub(super) keys: &'g [u32],
    /// For each edge in visiting order, its source.
    pub(super) sources: ColumnRef<'g, u32>,
    /// For each edge in visiting order, its target.
    pub(super) targets: ColumnRef<'g, u32>,
    /// The edges of each commit, in the order of edge ids.
    pub(super) spans: S,
}

/// A direction, and the memory for its lists.
pub(super) enum Side<'g> {
    /// By the keys of sources.
    Forward(Buffers<'g>),
    /// By the keys of targets. Each of these gets the key of the source of its first edge, unless
    /// the slice is empty.
    Reverse(Buffers<'g>, &'g mut [u32]),
}

/// The lists of a side, and the keys of the sources of first edges.
type Grouped<'g> = (Postings<'g>, &'g [u32]);

impl<'g, S: Iterator<Item = Span> + Clone + Sync> Grouping<'g, S> {
    /// Groups the edges by both sides.
    pub(super) fn run(
        &self,
        sides: [Side<'g>; 2],
        alloc: Alloc<'_>,
        workers: usize,
    ) -> [Grouped<'g>; 2] {
        let workers = if self.sources.len() < EDGES_MIN { 0 } else { workers.min(1) };
        pipeline(self, sides.into_iter(), alloc, workers, |sides| {
            [(); 2].map(|()| {
                let Ok(grouped) =
                    sides.next(&mut ()).expect("this holds because each side has lists");
                sides.done(grouped);
                grouped
            })
        })
    }

    fn lists(
        &self,
        buffers: Buffers<'g>,
        ends: ColumnRef<'g, u32>,
        mut placed: impl FnMut(u32, &u32),
    ) -> Postings<'g> {
        let key_of = |end: &u32| self.keys[*end as usize];
        let mut lists = buffers.begin(self.key_count, ends.iter().map(key_of));
        for Span { first_edge, visited: Range { start, end }, .. } in self.spans.clone() {
            let visited = start as usize..end as usize;
            let edges = ends.range(visited.clone()).zip(self.sources.range(visited));
            for (id, (end, source)) in (first_edge..).zip(edges) {
                let key = key_of(end);
                lists.place(id, key);
                placed(key, source);
            }
        }
        lists.finish()
    }
}

impl<'g, S: Iterator<Item = Span> + Clone + Sync> Work for Grouping<'g, S> {
    type Job = Side<'g>;
    type Output = Grouped<'g>;
    type Error = Infallible;
    type Tools = ();

    fn run(
        &self,
        side: Side<'g>,
        _: Option<Grouped<'g>>,
        (): &mut (),
    ) -> Result<Grouped<'g>, Infallible> {
        Ok(match side {
            Side::Forward(buffers) => (self.lists(buffers, self.sources, |_, _| ()), &[]),
            Side::Reverse(buffers, []) => (self.lists(buffers, self.targets, |_, _| ()), &[]),
            Side::Reverse(buffers, first_sources) => {
                first_sources.fill(u32::MAX);
                let lists = self.lists(buffers, self.targets, |key, source| {
                    let first = &mut first_sources[key as usize];
                    if *first == u32::MAX {
                        *first = self.keys[*source as usize];
                    }
                });
                (lists, first_sources)
            }
        })
    }
}
