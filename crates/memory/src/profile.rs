//! Who holds the memory: bytes and blocks by call stack, at the peak, now, and in total.

mod ledger;

use std::collections::HashMap;
use std::fmt;

pub(crate) use self::ledger::{Block, NoRoom, SiteLedger};
use crate::callsite::{CallStack, FrameNames, Site};
use crate::op::Op;
use crate::units::Bytes;

/// Places that a message lists.
const PLACES_SHOWN: usize = 10;

/// The last line, where no function of the program's own has a file.
const NO_LINES: &str =
    "\n  (with `debug = \"limited\"` in its profile a build has files and lines)";

/// Bytes, and the number of their blocks. Blocks without bytes are not counted, nor are charges
/// for memory from elsewhere, which have bytes alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The requested bytes.
    pub bytes: Bytes,
    /// The number of blocks.
    pub blocks: u64,
}

impl Held {
    fn and(self, other: Self) -> Self {
        let bytes = self.bytes.get().saturating_add(other.bytes.get());
        Self { bytes: Bytes::new(bytes), blocks: self.blocks.saturating_add(other.blocks) }
    }
}

/// What one call stack holds for one operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Holder {
    /// The operation for which it was requested.
    pub op: Option<Op>,
    /// The stack of the allocation, or of the last resize.
    pub stack: CallStack,
    /// What it held when the whole reached its peak.
    pub peak: Held,
    /// What it held when the profile was read.
    pub end: Held,
    /// Everything that it has allocated: blocks, with their bytes and those by which they grew.
    pub total: Held,
}

/// A request that failed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The requested bytes: for a block that was to grow, its new size.
    pub bytes: Bytes,
    /// The operation of the request.
    pub op: Option<Op>,
    /// The call stack of the request.
    pub stack: CallStack,
}

impl Refused {
    pub(crate) const fn new(bytes: Bytes, op: Option<Op>, stack: CallStack) -> Self {
        Self { bytes, op, stack }
    }
}

/// Who holds the memory, by call stack.
///
/// [`Traced::profile`](crate::Traced::profile) reads that of a port,
/// [`ProcessAllocator::profile`](crate::ProcessAllocator::profile) that of the process's heap, and
/// `testing::profile` that of a closure. `Display` lists the places that held the most at the
/// peak.
///
/// ```
/// use gitmind_memory::{self as memory, Alloc, System, Trace, Traced};
/// let traced = Traced::new(System::new(), Trace::sites());
/// let alloc = Alloc::new(&traced);
/// drop(memory::Vec::<u8>::try_with_capacity(1000, alloc)?);
/// let _kept = alloc.try_box(7_u64)?;
/// let profile = traced.profile().expect("sites are kept");
/// assert_eq!((profile.peak.bytes.get(), profile.peak.blocks), (1000, 1));
/// assert_eq!((profile.end.bytes.get(), profile.total.blocks), (8, 2));
/// # Ok::<(), gitmind_memory::MemoryError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The operation; `None` for all operations together.
    pub op: Option<Op>,
    /// The most that was held at once. Exact on any number of threads.
    pub peak: Held,
    /// What was held when the profile was read.
    pub end: Held,
    /// Everything that was allocated.
    pub total: Held,
    /// What the peak has besides the bytes of the holders: less than zero when blocks were freed
    /// that had been allocated before the profile began. A port knows all of its blocks, so the
    /// figure is then zero.
    pub unattributed_bytes: i64,
    /// The size of the profile's tables, which is in none of its other figures.
    pub own_bytes: Bytes,
    /// The first request that failed.
    pub refused: Option<Refused>,
    /// The stacks that have allocated; those that held the most at the peak are first.
    pub holders: Vec<Holder>,
}

impl Profile {
    /// What was held at the peak by blocks that were allocated in, or below, a function whose path
    /// contains `function`.
    ///
    /// Names need line tables in optimized builds; see [`Site`].
    pub fn peak_of(&self, function: &str) -> Bytes {
        let mut names = FrameNames::default();
        let is_below = |holder: &&Holder| {
            names.frames(&holder.stack).any(|site| site.function.contains(function))
        };
        let bytes = self.holders.iter().filter(|holder| holder.peak.bytes > Bytes::ZERO);
        Bytes::new(bytes.filter(is_below).map(|holder| holder.peak.bytes.get()).sum())
    }

    /// The places that held anything at the peak, those of the same code together, the largest
    /// first.
    fn places(&self, names: &mut FrameNames) -> Vec<Place<'_>> {
        let mut places: Vec<Place<'_>> = Vec::new();
        let mut known: HashMap<Option<Site>, usize> = HashMap::new();
        for holder in self.holders.iter().filter(|holder| holder.peak.bytes > Bytes::ZERO) {
            let site = names.own(&holder.stack).first().copied().cloned();
            let at = *known.entry(site).or_insert(places.len());
            match places.get_mut(at) {
                Some(place) => place.held = place.held.and(holder.peak),
                None => places.push(Place { held: holder.peak, largest: &holder.stack }),
            }
        }
        places.sort_by_key(|place| std::cmp::Reverse(place.held));
        places
    }
}

/// What one place in the source holds.
struct Place<'p> {
    held: Held,
    /// The stack of its largest part.
    largest: &'p CallStack,
}

/// The failed request, the peak and its largest holders, with file and line.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self { peak, .. }, mut names) = (self, FrameNames::default());
        if let Some(refused) = &self.refused {
            let (bytes, by) = (refused.bytes.get(), names.allocated_by(&refused.stack));
            writeln!(f, "failed: {bytes} bytes, requested by {by}")?;
        }
        if let Some(op) = self.op {
            write!(f, "{op}: ")?;
        }
        write!(f, "{peak} held at the peak")?;
        let places = self.places(&mut names);
        f.write_str(if places.is_empty() { "" } else { ":" })?;
        for Place { held, largest } in places.iter().take(PLACES_SHOWN) {
            let whole = u128::from(peak.bytes.get().max(1));
            let permille = u128::from(held.bytes.get()) * 1000 / whole;
            let (percent, tenth) = (permille / 10, permille % 10);
            write!(
                f,
                "\n  {held}, {percent}.{tenth} %, allocated by {}",
                names.allocated_by(largest)
            )?;
        }
        if let Some(rest) = places.get(PLACES_SHOWN..).filter(|rest| !rest.is_empty()) {
            let held = rest.iter().fold(Held::default(), |sum, place| sum.and(place.held));
            write!(f, "\n  {held} by {} other places", rest.len())?;
        }
        // A process without an unwinder has no frames at all.
        let mut frames = places.iter().flat_map(|place| place.largest.addresses()).peekable();
        let has_lines =
            places.iter().any(|place| names.own(place.largest).iter().any(|s| s.is_own()));
        f.write_str(if frames.peek().is_none() || has_lines { "" } else { NO_LINES })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, blocks } = self;
        match blocks {
            1 => write!(f, "{} bytes in 1 block", bytes.get()),
            _ => write!(f, "{} bytes in {blocks} blocks", bytes.get()),
        }
    }
}
