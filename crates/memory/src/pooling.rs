//! How a container treats its memory: arguments of its constructor, from the toggles.

/// Whether a container may retain memory and divide it among requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Requests share larger blocks of the port.
    #[default]
    On,
    /// The kill switch: each object is a block of the port, so that a sanitizer sees every object.
    Off,
}

/// Whether a container overwrites memory that is no longer used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zeroing {
    /// Freed memory keeps its contents until it is allocated again.
    #[default]
    Off,
    /// Freed memory is all zeros.
    On,
}
