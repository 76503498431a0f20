//! The contracts of the ports, kept by each implementation.

mod filesystem;
