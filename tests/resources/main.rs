//! The program under limits of the system: a clear error, exit code 1, nothing changed, no
//! temporary files; and the next run without the limit succeeds.
//!
//! A limit that this machine cannot impose is reported as NOT RUN, with the reason.

mod disk;
mod limits;
mod permissions;
mod support;
