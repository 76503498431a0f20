//! What integration tests of several crates share: repositories, git, journals, the program.
#![expect(missing_docs, reason = "a helper whose name says what it does needs no sentence")]
#![allow(missing_debug_implementations, reason = "helpers of tests are not printed")]

mod cache;
pub mod checkout;
mod command;
pub mod concurrent;
mod injection;
mod journal;
mod program;
mod repository;
mod scratch;

pub use cache::{arena, ids_of, rebuild, rebuild_in, rebuild_with};
pub use command::{isolated, program};
pub use injection::{record, write as write_row};
pub use journal::{edge, encoded_message, marked_message, message};
pub use program::{Ran, mind, mind_command, mind_with};
pub use repository::{
    EMPTY_TREE, TempRepository, fixture_list, fixtures_directory, git, read_object,
};
pub use scratch::temp_directory;
