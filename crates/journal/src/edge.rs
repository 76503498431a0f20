//! An edge of the knowledge graph as the journal records it.
//!
//! An `Edge` borrows from the decoded payload; only the ids are copied. Unknown numbers are kept,
//! so that an edge of the C tool is printed and written back unchanged.

use super::tombstones::EdgeKey;
use core::fmt;
use gitmind_git::oid::Oid;

/// Smaller times are in seconds: as milliseconds, this is a day of March 1973.
const MILLISECONDS_MIN: u64 = 100_000_000_000;

/// One edge: `source` relates to `target`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The source as older writers stored it; zero when absent.
    pub legacy_source: Oid,
    /// The target as older writers stored it; zero when absent.
    pub legacy_target: Oid,
    /// The kind of the edge.
    pub relation: Relation,
    /// The confidence as stored; [`Edge::meant_confidence`] corrects it for the C tool's hook.
    pub confidence: Confidence,
    /// Time of recording as stored: milliseconds since 1970, except in edges of the C tool's hook.
    /// [`Edge::time_ms`] corrects it.
    pub timestamp_ms: u64,
    /// Path of the source at the time of recording: at most 4095 bytes, any bytes but NUL.
    pub source_path: &'a [u8],
    /// Path of the target at the time of recording: at most 4095 bytes, any bytes but NUL.
    pub target_path: &'a [u8],
    /// The edge's ULID, at most 26 bytes, not validated.
    pub ulid: &'a [u8],
    /// The blob or tree that the edge starts at; zero when absent, here and in `legacy_source`.
    pub source: Oid,
    /// The blob or tree that the edge ends at; zero when absent, here and in `legacy_target`.
    pub target: Oid,
    /// The writer and its context; `None` in the basic form.
    pub attribution: Option<Attribution<'a>>,
}

impl Edge<'_> {
    /// The key by which two edges are equal.
    pub const fn key(&self) -> EdgeKey {
        EdgeKey { source: self.source, target: self.target, relation: self.relation }
    }

    /// Whether the edge is a tombstone: it takes back all earlier edges that equal it.
    pub const fn is_tombstone(&self) -> bool {
        matches!(self.attribution, Some(who) if who.flags & Attribution::REJECTED != 0)
    }

    /// The time of recording in milliseconds since 1970, also where the C tool's hook stored
    /// seconds.
    ///
    /// ```
    /// use gitmind_journal::{Confidence, Edge, Edges, Relation};
    /// let blank = Edges::new(&[0xa0]).next().expect("an edge")?;
    /// let (relation, confidence) = (Relation::AUGMENTS, Confidence(100));
    /// let edge = Edge { relation, confidence, timestamp_ms: 1_700_000_000, ..blank };
    /// assert_eq!(edge.time_ms(), 1_700_000_000_000);
    /// assert_eq!(edge.meant_confidence(), Confidence::CERTAIN);
    /// # Ok::<(), gitmind_journal::CborError>(())
    /// ```
    pub fn time_ms(&self) -> u64 {
        if self.is_of_c_tools_hook() { self.timestamp_ms * 1000 } else { self.timestamp_ms }
    }

    /// The confidence of the writer; certainty where the C tool's hook stored 100 percent.
    pub fn meant_confidence(&self) -> Confidence {
        if self.is_of_c_tools_hook() { Confidence::CERTAIN } else { self.confidence }
    }

    /// Whether the C tool's post-commit hook wrote the edge, by values that no other writer stores.
    fn is_of_c_tools_hook(&self) -> bool {
        self.relation == Relation::AUGMENTS
            && self.attribution.is_none()
            && self.legacy_source.is_zero()
            && self.legacy_target.is_zero()
            && self.confidence == Confidence(100)
            && self.timestamp_ms < MILLISECONDS_MIN
    }
}

/// The writer of an edge and its context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribution<'a> {
    /// Kind of writer.
    pub origin: Origin,
    /// Name of the writer, at most 63 bytes.
    pub author: &'a [u8],
    /// The writer's session, at most 31 bytes.
    pub session: &'a [u8],
    /// Review bits: 1 reviewed, 2 accepted, 4 rejected, 8 modified, 16 consensus, 32 conflict,
    /// 64 pending.
    pub flags: u32,
    /// Purpose: 0 default, 1 architecture, 2 testing, 3 refactor, 4 analysis, 100 custom.
    pub lane: u32,
}

impl Attribution<'_> {
    /// The flag of a tombstone.
    pub const REJECTED: u32 = 4;
}

/// The kind of an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation(pub u16);

impl Relation {
    /// The source implements the target.
    pub const IMPLEMENTS: Self = Self(1);
    /// The source mentions the target.
    pub const REFERENCES: Self = Self(2);
    /// The source needs the target.
    pub const DEPENDS_ON: Self = Self(3);
    /// The target is a later version of the source.
    pub const AUGMENTS: Self = Self(4);
    /// Any other relation.
    pub const CUSTOM: Self = Self(1000);

    /// The name that the C tool prints; `custom` for an unknown number.
    ///
    /// ```
    /// use gitmind_journal::Relation;
    /// assert_eq!(Relation(3).name(), "depends_on");
    /// assert_eq!(Relation(77).name(), "custom");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::IMPLEMENTS => "implements",
            Self::REFERENCES => "references",
            Self::DEPENDS_ON => "depends_on",
            Self::AUGMENTS => "augments",
            _ => "custom",
        }
    }

    /// The relation with this name; `None` for `custom`, which is the name of many numbers.
    ///
    /// ```
    /// use gitmind_journal::Relation;
    /// assert_eq!(Relation::from_name("depends_on"), Some(Relation::DEPENDS_ON));
    /// assert_eq!(Relation::from_name("custom"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::IMPLEMENTS, Self::REFERENCES, Self::DEPENDS_ON, Self::AUGMENTS];
        all.into_iter().find(|relation| relation.name() == name)
    }
}

/// The kind of writer of an edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin(pub u32);

impl Origin {
    /// A person.
    pub const HUMAN: Self = Self(0);
    /// Anthropic's Claude.
    pub const CLAUDE: Self = Self(1);
    /// OpenAI's GPT.
    pub const GPT: Self = Self(2);
    /// Another AI.
    pub const AI: Self = Self(3);
    /// The system itself.
    pub const SYSTEM: Self = Self(4);
    /// An import from another tool.
    pub const IMPORT: Self = Self(5);
    /// An unknown kind.
    pub const UNKNOWN: Self = Self(255);

    /// The kind with this name.
    ///
    /// ```
    /// use gitmind_journal::Origin;
    /// assert_eq!(Origin::from_name("claude"), Some(Origin::CLAUDE));
    /// assert_eq!(Origin::from_name("robot"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::HUMAN, Self::CLAUDE, Self::GPT, Self::AI, Self::SYSTEM, Self::IMPORT];
        let mut kinds = all.into_iter().chain([Self::UNKNOWN]);
        kinds.find(|kind| kind.name() == name)
    }

    /// The name of the kind; `unknown` for an unknown number.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HUMAN => "human",
            Self::CLAUDE => "claude",
            Self::GPT => "gpt",
            Self::AI => "ai",
            Self::SYSTEM => "system",
            Self::IMPORT => "import",
            _ => "unknown",
        }
    }
}

/// The confidence of the writer of an edge, as stored: 15360 (0x3C00) is certainty.
///
/// The C tool calls the number a half-precision float, but its writer and its reader are linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confidence(pub u16);

impl Confidence {
    /// Certainty; also the meaning of an absent field.
    pub const CERTAIN: Self = Self(0x3C00);
    /// The C tool's default for writers other than people: 0.907.
    pub const PROGRAMS: Self = Self(0x3666);

    /// The stored form of a fraction, rounded down as the C tool does; `None` unless it is from 0
    /// to 1.
    ///
    /// ```
    /// use gitmind_journal::Confidence;
    /// assert_eq!(Confidence::from_fraction(0.5), Some(Confidence(7680)));
    /// assert_eq!(Confidence::from_fraction(f32::NAN), None);
    /// ```
    pub fn from_fraction(fraction: f32) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the product is from 0 to 15360 and rounds down by definition"
        )]
        let stored = |fraction: f32| (fraction * f32::from(Self::CERTAIN.0)) as u16;
        (0.0..=1.0).contains(&fraction).then(|| Self(stored(fraction)))
    }

    /// The value as a fraction of certainty; above 1 for numbers above 0x3C00.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(Self::CERTAIN.0)
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Edges;

    #[test]
    fn only_edges_of_the_c_tools_hook_have_another_meaning_than_what_is_stored() {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        let of_hook = Edge {
            relation: Relation::AUGMENTS,
            confidence: Confidence(100),
            timestamp_ms: MILLISECONDS_MIN - 1,
            ..blank
        };
        assert_eq!(of_hook.time_ms(), (MILLISECONDS_MIN - 1) * 1000);
        assert_eq!(of_hook.meant_confidence(), Confidence::CERTAIN);
        let one = Oid::new([1; Oid::LEN]);
        for other in [
            Edge { relation: Relation::REFERENCES, ..of_hook },
            Edge { confidence: Confidence(101), ..of_hook },
            Edge { timestamp_ms: MILLISECONDS_MIN, ..of_hook },
            Edge { legacy_source: one, ..of_hook },
            Edge { legacy_target: one, ..of_hook },
            Edge { attribution: Some(Attribution::default()), ..of_hook },
        ] {
            assert_eq!(other.time_ms(), other.timestamp_ms, "{other:?}");
            assert_eq!(other.meant_confidence(), other.confidence, "{other:?}");
        }
    }
}
