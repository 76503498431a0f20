//! The program where the system refuses something: a clear error, exit code 1, nothing changed,
//! nothing left behind; and the next run, which is refused nothing, succeeds.
//!
//! What a machine cannot refuse here is listed as not run, with the reason.

mod disk;
mod limits;
mod permissions;
mod support;
