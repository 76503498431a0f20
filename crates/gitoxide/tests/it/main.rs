//! Journals of real repositories, followed in every layout: a module per concern.

mod follow;
mod inflate;
