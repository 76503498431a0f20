//! Memory profiles as documents: who holds the memory at the peak, by call stack.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]
