//! The environment variables of the memory layer, read once.
//!
//! A value that cannot be understood is an error that names the variable, the value and what is
//! accepted; it is never ignored. An empty value counts as unset.

use super::operation;
pub(crate) mod parse;

use std::fmt;

use crate::env::{Environment, SWITCH_VALUES, parse_switch};
use crate::memory::{Op, Schedule, Trace};
use crate::units::Bytes;

/// Everything that the environment can change about memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toggles {
    /// Kill switch: every allocation is one of the system allocator.
    pub disable_custom_allocators: bool,
    /// How allocations are traced, if they are.
    pub trace: Option<Trace>,
    /// Whether a histogram of allocation sizes is kept.
    pub histogram: bool,
    /// Whether memory is overwritten before it is freed.
    pub zeroize: bool,
    /// Which allocations fail, for tests.
    pub oom: Schedule,
    /// The arena of a rebuild.
    pub cache_rebuild: ArenaSize,
    /// The budget of a query, and the cap of any other arena.
    pub attr_query_cap: Bytes,
    origins: [Option<String>; NAMES.len()],
}

/// Initial and largest size of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaSize {
    /// Bytes of its first block.
    pub hint: Bytes,
    /// Most bytes of all its blocks.
    pub cap: Bytes,
}

/// The variables, in the order of reports.
const NAMES: [&str; 8] = [
    "GM_DISABLE_CUSTOM_ALLOCATORS",
    "GM_ALLOC_TRACE",
    "GM_ALLOC_HISTO",
    "GM_ALLOC_ZEROIZE",
    "GM_TEST_OOM_N",
    "GM_ARENA_HINT_CACHE_REBUILD",
    "GM_ARENA_CAP_CACHE_REBUILD",
    "GM_ARENA_CAP_ATTR_QUERY",
];

const SIZE: &str = "a number of bytes above 0, also with KiB, MiB or GiB as in 64KiB";
const TRACE: &str =
    "0 or 1, true or false, on or off, yes or no, or `sites` to keep call sites too";
const SCHEDULE: &str = "N to fail the Nth allocation, or N+ for every later one too";

/// Whether this build can keep a histogram.
const HAS_HISTOGRAM: bool = cfg!(any(test, feature = "histogram"));
/// Whether this build can make allocations fail.
const HAS_FAULTS: bool = cfg!(any(test, debug_assertions, feature = "fault-toggle"));

const CACHE_REBUILD: ArenaSize = ArenaSize { hint: Bytes::from_mib(8), cap: Bytes::from_mib(256) };
const ATTR_QUERY_CAP: Bytes = Bytes::from_mib(128);

/// A variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToggleError {
    name: &'static str,
    value: String,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// The value is not one of those accepted, which this describes.
    Accepts(&'static str),
    /// The build lacks this cargo feature.
    NotInThisBuild(&'static str),
    /// The hint is above this cap, given with the name of its variable.
    AboveCap(&'static str, Bytes),
}

impl fmt::Display for ToggleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, reason } = self;
        match reason {
            Reason::Accepts(accepted) => write!(f, "{name} is `{value}`; it accepts {accepted}"),
            Reason::NotInThisBuild(feature) => write!(
                f,
                "{name} is `{value}`, which this build cannot do; build it with \
                 `--features {feature}`, or unset {name}"
            ),
            Reason::AboveCap(cap_name, cap) => {
                write!(f, "{name} is `{value}`, above {cap_name}, which is {} bytes", cap.get())
            }
        }
    }
}

impl std::error::Error for ToggleError {}

/// One variable, as `git-mind env` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toggle {
    /// The variable.
    pub name: &'static str,
    /// The effective value.
    pub value: String,
    /// Where the value is from.
    pub origin: Origin,
    /// What it does.
    pub meaning: &'static str,
}

/// Where a value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// Set by the environment.
    Environment,
}

impl Origin {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Environment => "environment",
        }
    }
}

impl Toggles {
    /// Reads all variables from `env`.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn read(env: &dyn Environment) -> Result<Self, ToggleError> {
        let mut origins = [const { None }; NAMES.len()];
        for (origin, name) in origins.iter_mut().zip(NAMES) {
            let value = env.var(name).filter(|value| !value.is_empty());
            *origin = value.map(|value| value.to_string_lossy().into_owned());
        }
        let [disable, trace, histogram, zeroize, oom, hint, cap, query_cap] = &origins;
        let toggles = Self {
            disable_custom_allocators: value(0, disable, parse_switch, SWITCH_VALUES, false)?,
            trace: value(1, trace, parse::trace, TRACE, None)?,
            histogram: value(2, histogram, parse_switch, SWITCH_VALUES, false)?,
            zeroize: value(3, zeroize, parse_switch, SWITCH_VALUES, false)?,
            oom: value(4, oom, parse::schedule, SCHEDULE, Schedule::NEVER)?,
            cache_rebuild: arena(5, hint, cap, CACHE_REBUILD)?,
            attr_query_cap: value(7, query_cap, parse::size, SIZE, ATTR_QUERY_CAP)?,
            origins: origins.clone(),
        };
        toggles.supported(2, toggles.histogram && !HAS_HISTOGRAM, "histogram")?;
        toggles.supported(4, toggles.oom != Schedule::NEVER && !HAS_FAULTS, "fault-toggle")?;
        Ok(toggles)
    }

    fn supported(
        &self,
        index: usize,
        is_missing: bool,
        feature: &'static str,
    ) -> Result<(), ToggleError> {
        let value = self.origins[index].clone().unwrap_or_default();
        let reason = Reason::NotInThisBuild(feature);
        if is_missing { Err(ToggleError { name: NAMES[index], value, reason }) } else { Ok(()) }
    }

    /// The budget of `op`. A rebuild whose arena is small spills to disk through buffers outside
    /// the arena, so its budget is never below the default.
    pub fn budget_of(&self, op: Op) -> Bytes {
        match op {
            operation::ATTR_QUERY | operation::CACHE_QUERY => self.attr_query_cap,
            _ => self.cache_rebuild.cap.max(CACHE_REBUILD.cap),
        }
    }

    /// The same settings with the arena of a rebuild limited to `cap`.
    #[must_use]
    pub fn with_rebuild_within(self, cap: Bytes) -> Self {
        let ArenaSize { hint, cap: own } = self.cache_rebuild;
        let cap = own.min(cap);
        Self { cache_rebuild: ArenaSize { hint: hint.min(cap), cap }, ..self }
    }

    /// Every variable with its effective value.
    pub fn list(&self) -> [Toggle; NAMES.len()] {
        let switch = |on: bool| u8::from(on).to_string();
        let size = |bytes: Bytes| bytes.get().to_string();
        let written = |index: usize, default: &str| {
            self.origins[index].clone().unwrap_or_else(|| default.to_owned())
        };
        let trace = match self.trace {
            None => "0",
            Some(trace) if trace == Trace::sites() => "sites",
            Some(_) => "1",
        };
        let values = [
            (switch(self.disable_custom_allocators), "kill switch: use the system allocator alone"),
            (trace.to_owned(), "count outstanding and peak bytes by operation"),
            (switch(self.histogram), "keep percentiles of allocation sizes"),
            (switch(self.zeroize), "overwrite memory before it is freed"),
            (written(4, "none"), "fail the Nth allocation"),
            (size(self.cache_rebuild.hint), "first block of a rebuild's arena, in bytes"),
            (size(self.cache_rebuild.cap), "largest size of a rebuild's arena, in bytes"),
            (size(self.attr_query_cap), "budget of a query, in bytes"),
        ];
        let mut index = 0;
        values.map(|(value, meaning)| {
            let is_set = self.origins[index].is_some();
            let origin = if is_set { Origin::Environment } else { Origin::Default };
            index += 1;
            Toggle { name: NAMES[index - 1], value, origin, meaning }
        })
    }
}

/// The value of variable number `index`, or `default` when it is not set.
fn value<T>(
    index: usize,
    text: &Option<String>,
    parse: fn(&str) -> Option<T>,
    accepted: &'static str,
    default: T,
) -> Result<T, ToggleError> {
    let Some(text) = text else { return Ok(default) };
    parse(text).ok_or_else(|| ToggleError {
        name: NAMES[index],
        value: text.clone(),
        reason: Reason::Accepts(accepted),
    })
}

/// The sizes of an arena; `index` is that of its hint, the cap follows.
fn arena(
    index: usize,
    hint: &Option<String>,
    cap: &Option<String>,
    default: ArenaSize,
) -> Result<ArenaSize, ToggleError> {
    let cap = value(index + 1, cap, parse::size, SIZE, default.cap)?;
    let default_hint = default.hint.min(cap);
    let size = ArenaSize { hint: value(index, hint, parse::size, SIZE, default_hint)?, cap };
    if size.hint > size.cap {
        let value = hint.clone().unwrap_or_default();
        let reason = Reason::AboveCap(NAMES[index + 1], size.cap);
        return Err(ToggleError { name: NAMES[index], value, reason });
    }
    Ok(size)
}

#[cfg(test)]
mod tests;
