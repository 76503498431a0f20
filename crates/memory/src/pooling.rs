//! How a utility treats its memory: what its constructor is told by the toggles.

/// Whether a utility may keep memory and divide it among requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Requests share larger blocks of the port.
    #[default]
    On,
    /// The kill switch: each request is one of the port, so that a sanitizer sees every object.
    Off,
}

/// Whether a utility overwrites memory that is not used any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zeroing {
    /// Freed memory keeps what was in it until it is allocated again.
    #[default]
    Off,
    /// Freed memory is all zeros.
    On,
}
