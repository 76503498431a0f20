//! How to prove that a program survives every allocation failure.
//!
//! Run it with `cargo run --example sweep`. It sweeps a small index of words twice: the correct
//! version, and one with a bug that shows only when an allocation fails.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use gitmind::memory::testing::{Outcome, assert_no_leaks, sweep};
use gitmind::memory::{self, Alloc, Map, MemoryError};

/// Which lines a word is on.
struct Index<'a> {
    lines_of: Map<'a, &'a str, memory::Vec<'a, usize>>,
    alloc: Alloc<'a>,
}

impl<'a> Index<'a> {
    fn build(text: &'a str, alloc: Alloc<'a>) -> Result<Self, MemoryError> {
        let mut index = Self { lines_of: Map::new(alloc), alloc };
        for (line, words) in text.lines().enumerate() {
            for word in words.split_whitespace() {
                index.add(word, line)?;
            }
        }
        Ok(index)
    }

    fn add(&mut self, word: &'a str, line: usize) -> Result<(), MemoryError> {
        let alloc = self.alloc;
        self.lines_of.try_get_or_insert_with(word, || memory::Vec::new(alloc))?.try_push(line)
    }

    /// The bug: an allocation failure is reported as a word that is not in the index.
    fn lines_of(&self, word: &str) -> memory::Vec<'a, usize> {
        let found = self.lines_of.get(word).and_then(|lines| lines.try_clone().ok());
        found.unwrap_or_else(|| memory::Vec::new(self.alloc))
    }
}

const TEXT: &str = "a journal becomes a cache\na cache answers a query\nunder a cap";

fn main() {
    let lines =
        assert_no_leaks(|alloc| Index::build(TEXT, alloc).map(|index| index.lines_of.len()));
    assert_eq!(lines, Ok(8));

    let built = sweep(|alloc| Index::build(TEXT, alloc).map(drop));
    println!("build: {built}");
    built.assert_propagated();

    let asked = sweep(|alloc| {
        let index = Index::build(TEXT, alloc)?;
        let lines = index.lines_of("cache");
        Ok::<_, MemoryError>(lines.len())
    });
    println!("build and ask: {asked}");
    let mut swallowed = asked.unexpected();
    assert!(swallowed.all(|case| case.outcome == Outcome::Swallowed), "one bug was planted");
    assert!(asked.unexpected().count() > 0, "and it was found");
}
