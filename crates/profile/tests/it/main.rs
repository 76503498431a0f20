//! What recordings promise to those who read them.
