//! Amounts of memory, and the moment at which they are counted.

use serde::{Deserialize, Serialize};

/// Bytes, and the number of blocks that they are in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Held {
    /// The requested bytes.
    pub bytes: u64,
    /// The number of their blocks.
    pub blocks: u64,
}

impl Held {
    /// Whether there is neither a byte nor a block.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Both sums, unless one does not fit.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let bytes = self.bytes.checked_add(other.bytes)?;
        Some(Self { bytes, blocks: self.blocks.checked_add(other.blocks)? })
    }

    /// Both sums, of parts whose sum is known not to overflow.
    pub(crate) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blocks = self.blocks.saturating_add(other.blocks);
    }
}

/// One of the three amounts of a call stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum When {
    /// The amount when the total reached its peak.
    #[default]
    Peak,
    /// The amount when the profile was taken.
    End,
    /// All its allocations, including freed ones.
    Total,
}

impl When {
    /// The word for it in titles.
    #[cfg(feature = "flamegraph")]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Peak => "peak",
            Self::End => "end",
            Self::Total => "total",
        }
    }
}
