//! The kill switch: every result is the same with it, and no part of the memory layer is active.

mod at_work;
mod commands;
mod program_at_work;
mod services;
mod support;
