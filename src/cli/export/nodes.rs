//! Numbers of nodes, for formats in which an edge names its ends by an id. Each path is held once.

use crate::memory::{Alloc, InternTable, Map, MemoryError, Symbol, Vec};

pub(super) struct Nodes<'a> {
    texts: InternTable<'a>,
    numbers: Map<'a, Symbol, u32>,
    order: Vec<'a, Symbol>,
}

impl<'a> Nodes<'a> {
    pub(super) fn new(alloc: Alloc<'a>, texts: InternTable<'a>) -> Self {
        Self { texts, numbers: Map::new(alloc), order: Vec::new(alloc) }
    }

    /// The number of a node, from 0, and whether it is new.
    pub(super) fn number(&mut self, name: &[u8]) -> Result<(u32, bool), MemoryError> {
        let next = u32::try_from(self.numbers.len());
        let next = next.expect("this holds because symbols have 32 bits");
        let symbol = self.texts.unshared().acquire(name)?;
        let number = *self.numbers.try_get_or_insert_with(symbol, || next)?;
        if number == next {
            self.order.try_push(symbol)?;
        }
        Ok((number, number == next))
    }

    /// Visits the nodes in the order of their numbers.
    pub(super) fn each<E>(&self, mut visit: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.order.iter().try_for_each(|symbol| {
            let visited = self.texts.resolve(*symbol, &mut visit);
            visited.expect("this holds because texts are released only with the table")
        })
    }
}
