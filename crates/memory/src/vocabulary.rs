//! A closed vocabulary: words that are fixed when the program starts, each with a small number.
//!
//! Names of relations, metrics, tags and operations are known beforehand and never released, so
//! they need none of what an [`InternTable`](super::InternTable) does. string-interner serves them.
//!
//! **Memory.** It is taken once, from the process's heap, when the vocabulary is made: at start-up,
//! before there is an operation that could be refused anything.
//!
//! **Threads.** A vocabulary never changes, so any number of threads may share one.

use string_interner::StringInterner;
use string_interner::backend::StringBackend;
use string_interner::symbol::{Symbol as _, SymbolU16};

/// The number of a word in its vocabulary, counted from 0 in the order that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(u16);

impl Word {
    /// The number.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Words that are fixed at start-up.
///
/// ```
/// use gitmind_memory::Vocabulary;
/// let metrics = Vocabulary::new(&["alloc.peak_bytes", "arena.grow.bytes"]);
/// let word = metrics.find("arena.grow.bytes").expect("it is one of the words");
/// assert_eq!((word.index(), metrics.text(word)), (1, "arena.grow.bytes"));
/// assert_eq!(metrics.find("arena.grow"), None);
/// ```
#[derive(Debug)]
pub struct Vocabulary {
    words: StringInterner<StringBackend<SymbolU16>>,
}

impl Vocabulary {
    /// The vocabulary of `words`.
    ///
    /// # Panics
    /// When a word is there twice, or there are more than 65 535: both are mistakes in the program.
    pub fn new(words: &[&str]) -> Self {
        let words_max = usize::from(u16::MAX);
        assert!(words.len() <= words_max, "a vocabulary has at most {words_max} words");
        let mut interner = StringInterner::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let symbol: SymbolU16 = interner.get_or_intern(word);
            assert_eq!(symbol.to_usize(), index, "`{word}` is in the vocabulary twice");
        }
        Self { words: interner }
    }

    /// The word with this text.
    pub fn find(&self, text: &str) -> Option<Word> {
        let symbol = self.words.get(text)?;
        Some(Word(
            u16::try_from(symbol.to_usize()).expect("it fits because `new` counts the words"),
        ))
    }

    /// The text of `word`.
    ///
    /// # Panics
    /// When the word is another, larger vocabulary's.
    pub fn text(&self, word: Word) -> &str {
        let text = SymbolU16::try_from_usize(word.index());
        let text = text.and_then(|symbol| self.words.resolve(symbol));
        text.expect("the word is this vocabulary's, as the caller promises")
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is no word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_the_number_of_its_place_and_nothing_else_has_one() {
        let words: Vec<String> = (0..300).map(|number| format!("word.{number}")).collect();
        let vocabulary = Vocabulary::new(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(vocabulary.len(), 300);
        for (index, text) in words.iter().enumerate() {
            let word = vocabulary.find(text).expect("it was given");
            assert_eq!((word.index(), vocabulary.text(word)), (index, text.as_str()));
        }
        for other in ["", "word.300", "word.1 ", "Word.1"] {
            assert_eq!(vocabulary.find(other), None);
        }
        assert!(Vocabulary::new(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "`b` is in the vocabulary twice")]
    fn a_word_that_is_there_twice_is_a_mistake() {
        Vocabulary::new(&["a", "b", "b"]);
    }
}
