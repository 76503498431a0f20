//! What the service asks of the heap: a module per concern.

mod budget;
mod heap;
mod sweep;
