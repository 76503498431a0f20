//! Parsers of edge types and confidences, for arguments and for imported lines.

use crate::journal::{Confidence, Relation};
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};
use std::ffi::OsStr;

/// The types that have a name.
const NAMES: [&str; 5] = ["implements", "references", "depends_on", "augments", "custom"];

/// The type of edges that an argument selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RelationArg {
    Exactly(Relation),
    /// Every type number without a name; for a new edge, the number of `custom`.
    Custom,
}

impl RelationArg {
    /// Whether an edge of type `relation` is selected.
    pub(super) fn matches(self, relation: Relation) -> bool {
        match self {
            Self::Exactly(wanted) => relation == wanted,
            Self::Custom => relation.name() == Relation::CUSTOM.name(),
        }
    }

    /// The type of a new edge.
    pub(super) const fn of_new_edge(self) -> Relation {
        match self {
            Self::Exactly(relation) => relation,
            Self::Custom => Relation::CUSTOM,
        }
    }
}

/// The parser of arguments, whose names shells can complete.
#[derive(Clone, Debug)]
pub(super) struct RelationParser;

impl TypedValueParser for RelationParser {
    type Value = RelationArg;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RelationArg, clap::Error> {
        let parse: fn(&str) -> Result<RelationArg, String> = parse_relation;
        parse.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(NAMES.into_iter().map(PossibleValue::new)))
    }
}

/// Parses the name of a type, in any case, or its number.
pub(super) fn parse_relation(text: &str) -> Result<RelationArg, String> {
    let name = text.to_ascii_lowercase().replace('-', "_");
    if let Some(relation) = Relation::from_name(&name) {
        return Ok(RelationArg::Exactly(relation));
    }
    if name == "custom" {
        return Ok(RelationArg::Custom);
    }
    let number = name.parse().map(|number| RelationArg::Exactly(Relation(number)));
    let names = "implements, references, depends_on, augments, custom, or a number up to 65535";
    number.map_err(|_| format!("a type is one of {names}"))
}

/// Parses a fraction from 0 to 1.
pub(super) fn parse_confidence(text: &str) -> Result<Confidence, String> {
    let fraction = text.parse().ok().and_then(Confidence::from_fraction);
    fraction.ok_or_else(|| "a confidence is a number from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_any_case_or_numbered() {
        let exactly = |number| Ok(RelationArg::Exactly(Relation(number)));
        assert_eq!(parse_relation("Depends-On"), exactly(3));
        assert_eq!(parse_relation("depends_on"), exactly(3));
        assert_eq!(parse_relation("1000"), exactly(1000));
        assert_eq!(parse_relation("custom"), Ok(RelationArg::Custom));
        assert!(parse_relation("65536").is_err() && parse_relation("").is_err());
    }

    #[test]
    fn confidences_are_fractions() {
        assert_eq!(parse_confidence("0.5"), Ok(Confidence(7680)));
        for bad in ["nan", "-0.1", "1.01", "x", "", "inf"] {
            assert!(parse_confidence(bad).is_err(), "{bad}");
        }
    }
}
