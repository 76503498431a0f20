//! The model: a journal made from any bytes, and a naive reading of its edges.

use gitmind_git::fake::FakeRepository;
use gitmind_git::oid::Oid;
use gitmind_journal::{EdgeOrder, Edges, decode_message, encode_message};
use gitmind_memory::{Alloc, System};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const JOURNAL: &str = "refs/gitmind/edges/main";
/// Largest number of commits.
const COMMITS_MAX: usize = 60;

/// Consumes the bytes of an input in order; gives zeros after its end.
pub(super) struct Input<'i>(pub(super) &'i [u8]);

impl<'i> Input<'i> {
    fn byte(&mut self) -> u8 {
        let (&first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        first
    }

    fn bytes(&mut self) -> &'i [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }
}

/// A journal, with the parents and messages of its commits.
pub(super) struct Journal {
    pub(super) repository: FakeRepository,
    /// Parents and message of each commit.
    commits: BTreeMap<Oid, (Vec<Oid>, Vec<u8>)>,
    /// The chain of first parents up to the tip, oldest first.
    chain: Vec<Oid>,
}

/// Source and target of an edge.
type Ends = (Oid, Oid);

impl Journal {
    /// A journal with one empty commit.
    pub(super) fn new() -> Self {
        let mut journal =
            Self { repository: FakeRepository::default(), commits: BTreeMap::new(), chain: vec![] };
        journal.push(vec![], vec![]);
        journal
    }

    fn add(&mut self, parents: Vec<Oid>, message: Vec<u8>) -> Oid {
        let id = self.repository.commit(&parents, &message);
        self.commits.insert(id, (parents, message));
        id
    }

    fn push(&mut self, parents: Vec<Oid>, message: Vec<u8>) {
        let id = self.add(parents, message);
        self.chain.push(id);
        self.repository.set_ref(JOURNAL, id);
    }

    fn tip(&self) -> Oid {
        *self.chain.last().expect("it has a root")
    }

    /// Applies the change that the next bytes encode; `false` at the end of the input, or when the
    /// journal has enough commits.
    pub(super) fn step(&mut self, input: &mut Input<'_>) -> bool {
        if input.0.is_empty() || self.commits.len() > COMMITS_MAX {
            return false;
        }
        match input.byte() % 8 {
            0..=3 => {
                let payload = payload(input);
                self.push(vec![self.tip()], message(&payload));
            }
            4 => self.push(vec![self.tip()], input.bytes().to_vec()),
            5 => self.push(vec![self.tip()], message(input.bytes())),
            6 => {
                let back = 1 + usize::from(input.byte() % 4);
                let mut side = self.chain[self.chain.len().saturating_sub(back)];
                for _ in 0..input.byte() % 3 {
                    side = self.add(vec![side], message(&payload(input)));
                }
                self.push(vec![self.tip(), side], message(&payload(input)));
            }
            _ => {
                let back = usize::from(input.byte() % 3);
                self.chain.truncate(self.chain.len().saturating_sub(back).max(1));
                self.repository.set_ref(JOURNAL, self.tip());
            }
        }
        true
    }

    /// The commits in the order in which their edges are numbered.
    fn ordered(&self, order: EdgeOrder) -> Vec<Oid> {
        let mut ordered = vec![];
        match order {
            EdgeOrder::NewestFirst => {
                let mut next = Some(self.tip());
                while let Some(id) = next {
                    ordered.push(id);
                    next = self.commits[&id].0.first().copied();
                }
            }
            EdgeOrder::OldestFirst => {
                self.post_order(self.tip(), &mut BTreeSet::new(), &mut ordered);
            }
        }
        ordered
    }

    fn post_order(&self, id: Oid, seen: &mut BTreeSet<Oid>, ordered: &mut Vec<Oid>) {
        if seen.insert(id) {
            self.commits[&id].0.iter().for_each(|parent| self.post_order(*parent, seen, ordered));
            ordered.push(id);
        }
    }

    /// Source and target of every edge, by edge id.
    pub(super) fn edges(&self, order: EdgeOrder) -> Vec<Ends> {
        self.edges_in(self.ordered(order))
    }

    /// Source and target of every edge that one of these tips reaches.
    pub(super) fn edges_of(&self, tips: &[Oid]) -> Vec<Ends> {
        let (mut seen, mut ordered) = (BTreeSet::new(), vec![]);
        tips.iter().for_each(|tip| self.post_order(*tip, &mut seen, &mut ordered));
        self.edges_in(ordered)
    }

    fn edges_in(&self, commits: Vec<Oid>) -> Vec<Ends> {
        let system = System::uncounted();
        let mut payload = gitmind_memory::Vec::new(Alloc::new(&system));
        let mut edges = vec![];
        for id in commits {
            if decode_message(&self.commits[&id].1, &mut payload).is_ok() {
                let read = Edges::new(&payload).map_while(Result::ok);
                edges.extend(read.map(|edge| (edge.source, edge.target)));
            }
        }
        edges
    }
}

/// A payload of up to three edges between eight objects.
fn payload(input: &mut Input<'_>) -> Vec<u8> {
    let mut payload = vec![];
    for _ in 0..input.byte() % 4 {
        for (key, byte) in [(8, input.byte() % 8), (9, input.byte() % 8)] {
            let start = if key == 8 { &[0xa2, key, 0x54][..] } else { &[key, 0x54] };
            payload.extend_from_slice(start);
            payload.extend_from_slice(&[byte; 20]);
        }
    }
    payload
}

fn message(payload: &[u8]) -> Vec<u8> {
    let system = System::uncounted();
    let mut message = gitmind_memory::Vec::new(Alloc::new(&system));
    encode_message(payload, &mut message).expect("a short payload");
    message.to_vec()
}
