//! Journals in memory: what is appended, and what is read.

mod append;
