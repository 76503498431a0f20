//! Bytes and blocks that are held, and the moment that they are counted at.

use serde::{Deserialize, Serialize};

/// Bytes, and the number of blocks that they are in.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Held {
    /// Requested bytes.
    pub bytes: u64,
    /// The blocks with these bytes.
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

    /// Both sums, of parts whose sum was found to fit.
    pub(crate) fn add(&mut self, other: Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.blocks = self.blocks.saturating_add(other.blocks);
    }
}

/// Which of the three amounts of a call stack is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum When {
    /// What it held when the whole reached its peak.
    #[default]
    Peak,
    /// What it held when the profile was taken.
    End,
    /// All that it ever took, freed since or not.
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
