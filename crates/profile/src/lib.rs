//! Memory profiles as documents: the holders of memory at the peak, by call stack.
// Only rustdoc reads the page, so that an edit of README.md recompiles nothing.
#![cfg_attr(any(doc, doctest), doc = "")]
#![cfg_attr(any(doc, doctest), doc = include_str!("../README.md"))]

mod baseline;
mod comparison;
mod document;
#[cfg(feature = "flamegraph")]
mod flamegraph;
mod folded;
mod frame;
mod function;
mod held;
mod number;
mod recorded;
mod recording;
mod source;
mod text;
mod tolerance;

pub use self::baseline::{BaseError, Baseline, LineError};
pub use self::comparison::{
    Comparison, Incomparable, Mismatch, ProfileChange, SiteBase, SiteChange, Unlisted,
};
pub use self::document::ReadError;
#[cfg(feature = "flamegraph")]
pub use self::flamegraph::NothingHeld;
pub use self::held::{Held, When};
pub use self::recording::{RecordedProfile, Recording, SiteHeld};
pub use self::tolerance::{InvalidTolerance, Tolerance};
