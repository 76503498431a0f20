//! The kill switch: with it every result is the same, and no part of the memory layer is at work.

mod at_work;
mod commands;
mod program_at_work;
mod services;
mod support;
