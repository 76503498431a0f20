//! One edge as one line of text, no wider than the terminal.

use super::escape::Escaped;
use super::shown::Shown;
use crate::journal::{Confidence, Origin, Standing};
use std::fmt;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a path at least, however narrow the terminal is.
const PATH_COLUMNS_MIN: usize = 8;

/// Writes the line with its newline, in at most `columns` columns when that is possible.
pub(super) fn write(
    shown: &Shown<'_>,
    columns: Option<usize>,
    out: &mut impl Write,
) -> io::Result<()> {
    if let Some(columns) = columns {
        return writeln!(out, "{}", shortened(shown, columns));
    }
    let edge = shown.edge;
    let (source, target) = (Escaped::bytes(edge.source_path), Escaped::bytes(edge.target_path));
    writeln!(out, "{source} ──{}──> {target}{}", edge.relation.name(), Remark(shown))
}

/// The line with paths shortened to fit `columns` columns.
fn shortened(shown: &Shown<'_>, columns: usize) -> String {
    let edge = shown.edge;
    let source = Escaped::bytes(edge.source_path).to_string();
    let target = Escaped::bytes(edge.target_path).to_string();
    let arrow = format!(" ──{}──> ", edge.relation.name());
    let remark = Remark(shown).to_string();
    let room = columns.saturating_sub(arrow.width() + remark.width());
    let half = (room / 2).max(PATH_COLUMNS_MIN);
    let source_room = half.max(room.saturating_sub(target.width()));
    let source = shorten(source, source_room);
    let target = shorten(target, room.saturating_sub(source.width()).max(PATH_COLUMNS_MIN));
    format!("{source}{arrow}{target}{remark}")
}

/// Author and confidence of the edge, where they differ from the defaults, and whether it counts.
struct Remark<'e>(&'e Shown<'e>);

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = self.0.edge;
        let mut separator = "  [";
        if let Some(who) = edge.attribution.filter(|who| who.origin != Origin::HUMAN) {
            let name =
                if who.author.is_empty() { who.origin.name().as_bytes() } else { who.author };
            write!(f, "{separator}{}", Escaped::bytes(name))?;
            separator = ", ";
        }
        if edge.confidence != Confidence::CERTAIN {
            write!(f, "{separator}{}", edge.confidence)?;
            separator = ", ";
        }
        let standing = match self.0.standing {
            Standing::Live => None,
            Standing::TakenBack => Some("taken back"),
            Standing::Tombstone => Some("tombstone"),
        };
        if let Some(standing) = standing {
            write!(f, "{separator}{standing}")?;
            separator = ", ";
        }
        f.write_str(if separator == ", " { "]" } else { "" })
    }
}

/// Cuts the start of a path that is wider than `columns`; the end distinguishes files better.
fn shorten(path: String, columns: usize) -> String {
    if path.width() <= columns {
        return path;
    }
    let mut kept = path.len();
    let mut width = 1;
    for (start, c) in path.char_indices().rev() {
        width += c.width().unwrap_or(0);
        if width > columns {
            break;
        }
        kept = start;
    }
    format!("…{}", &path[kept..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Attribution, Edge, Edges, Relation};
    use crate::oid::Oid;

    fn edge<'a>(source_path: &'a [u8], target_path: &'a [u8]) -> Edge<'a> {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        Edge { source_path, target_path, relation: Relation::REFERENCES, ..blank }
    }

    fn line(edge: &Edge<'_>, columns: Option<usize>) -> String {
        marked(edge, Standing::Live, columns)
    }

    fn marked(edge: &Edge<'_>, standing: Standing, columns: Option<usize>) -> String {
        let mut line = Vec::new();
        write(&Shown { id: None, commit: Oid::ZERO, standing, edge }, columns, &mut line)
            .expect("a Vec takes everything");
        let line = String::from_utf8(line).expect("what is not UTF-8 is escaped");
        line.strip_suffix('\n').expect("a line has its end").to_owned()
    }

    #[test]
    fn paths_are_whole_where_there_is_room() {
        let edge = edge(b"a.c", b"docs/spec.md");
        assert_eq!(line(&edge, None), "a.c ──references──> docs/spec.md");
        assert_eq!(line(&edge, Some(80)), line(&edge, None));
    }

    #[test]
    fn a_line_fits_its_terminal_down_to_the_least_width() {
        let long = "深い/".repeat(30) + "end.md";
        let attributed = Edge {
            confidence: Confidence(7680),
            attribution: Some(Attribution {
                origin: Origin(1),
                author: b"bot",
                ..Default::default()
            }),
            ..edge(long.as_bytes(), long.as_bytes())
        };
        for columns in 47..300 {
            let line = line(&attributed, Some(columns));
            assert!(line.width() <= columns, "{columns} columns: {line}");
            assert!(line.ends_with("[bot, 0.50]"), "{line}");
        }
    }

    #[test]
    fn an_edge_that_does_not_count_is_marked() {
        let edge = Edge { confidence: Confidence(0), ..edge(b"a", b"b") };
        let standings = [Standing::Live, Standing::TakenBack, Standing::Tombstone];
        let lines = standings.map(|standing| marked(&edge, standing, None));
        let marks = ["0.00", "0.00, taken back", "0.00, tombstone"];
        assert_eq!(lines, marks.map(|mark| format!("a ──references──> b  [{mark}]")));
    }

    #[test]
    fn control_characters_of_paths_are_escaped() {
        let line = line(&edge(b"\x1b[2J", b"\xff\n"), None);
        assert_eq!(line, "\\x1b[2J ──references──> \\xff\\x0a");
    }
}
