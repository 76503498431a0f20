//! A doubly linked list of things that carry their own links.
//!
//! Linking needs no memory, so it cannot fail, and whatever is in a list leaves it in one step.

use std::cell::Cell;

/// A handle on something that carries links; handles are equal when they denote the same thing.
pub(super) trait Node: Copy + PartialEq {
    /// Its links, which no more than one list uses at a time.
    fn links(&self) -> &Links<Self>;
}

/// Where a node is in its list.
pub(super) struct Links<N> {
    previous: Cell<Option<N>>,
    next: Cell<Option<N>>,
}

impl<N> Links<N> {
    /// In no list.
    pub(super) const fn new() -> Self {
        Self { previous: Cell::new(None), next: Cell::new(None) }
    }
}

/// A list.
pub(super) struct List<N> {
    first: Cell<Option<N>>,
    last: Cell<Option<N>>,
}

impl<N: Node> List<N> {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(None), last: Cell::new(None) }
    }

    pub(super) fn first(&self) -> Option<N> {
        self.first.get()
    }

    /// Links `node`, which is in no list, before all others.
    pub(super) fn push_front(&self, node: N) {
        let next = self.first.replace(Some(node));
        node.links().next.set(next);
        match next {
            Some(next) => next.links().previous.set(Some(node)),
            None => self.last.set(Some(node)),
        }
    }

    /// Links `node`, which is in no list, behind all others.
    pub(super) fn push_back(&self, node: N) {
        let previous = self.last.replace(Some(node));
        node.links().previous.set(previous);
        match previous {
            Some(previous) => previous.links().next.set(Some(node)),
            None => self.first.set(Some(node)),
        }
    }

    /// Unlinks `node`, which is in this list.
    pub(super) fn remove(&self, node: N) {
        let links = node.links();
        let (previous, next) = (links.previous.take(), links.next.take());
        match previous {
            Some(previous) => previous.links().next.set(next),
            None => self.first.set(next),
        }
        match next {
            Some(next) => next.links().previous.set(previous),
            None => self.last.set(previous),
        }
    }

    /// The nodes in order; the list may not change meanwhile.
    pub(super) fn iter(&self) -> impl Iterator<Item = N> {
        std::iter::successors(self.first.get(), |node| node.links().next.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    struct Numbered<'a>(u32, &'a Links<Self>);

    impl PartialEq for Numbered<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }

    impl<'a> Node for Numbered<'a> {
        fn links(&self) -> &Links<Self> {
            self.1
        }
    }

    #[test]
    fn nodes_leave_from_every_place_and_come_back_at_either_end() {
        let links: Vec<_> = (0..5).map(|_| Links::new()).collect();
        let nodes: Vec<_> = (0..).zip(&links).map(|(n, links)| Numbered(n, links)).collect();
        let list: List<Numbered<'_>> = List::new();
        let order = || list.iter().map(|node| node.0).collect::<Vec<_>>();
        nodes.iter().for_each(|node| list.push_back(*node));
        assert_eq!(order(), [0, 1, 2, 3, 4]);
        for (leaves, left) in [(2, [0, 1, 3, 4]), (0, [1, 3, 4, 2]), (4, [0, 1, 3, 2])] {
            list.remove(nodes[leaves]);
            assert_eq!(order().iter().filter(|n| left.contains(n)).count(), 4, "{:?}", order());
            assert_eq!(order().len(), 4);
            if leaves == 2 { list.push_back(nodes[2]) } else { list.push_front(nodes[leaves]) }
        }
        assert_eq!(order(), [4, 0, 1, 3, 2]);
        nodes.iter().for_each(|node| list.remove(*node));
        assert_eq!((order(), list.first().is_none()), (Vec::new(), true));
    }
}
