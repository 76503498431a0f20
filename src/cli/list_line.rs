//! One edge as one line of text, no wider than the terminal.

use super::escape::Escaped;
use super::palette::Palette;
use super::shown::Shown;
use super::time::{MINUTE_COLUMNS, Minute};
use crate::cache::Content;
use crate::clock::Zone;
use crate::journal::{Confidence, Edge, Origin, Standing};
use std::fmt::{self, Display};
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a path at least, however narrow the terminal is.
const PATH_COLUMNS_MIN: usize = 8;
/// Columns of an author in a terminal, and at least.
const AUTHOR_COLUMNS: usize = 20;
/// A terminal that is narrower than this shows no date.
const DATED_COLUMNS_MIN: usize = 72;
/// A terminal that is narrower than this shows no author.
const AUTHORED_COLUMNS_MIN: usize = 100;

/// How edges are printed as lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineFormat<'z> {
    /// Columns of the terminal; `None` when the output is no terminal, and lines are whole.
    pub(super) columns: Option<usize>,
    /// The zone of dates.
    pub(super) zone: &'z Zone,
    pub(super) palette: Palette,
}

impl LineFormat<'_> {
    /// Writes the line of an edge with its newline, in at most the columns of the terminal when
    /// that is possible. `taken` of them have been written.
    pub(super) fn write(
        &self,
        shown: &Shown<'_>,
        taken: usize,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let has = |columns_min| self.columns.is_none_or(|columns| columns >= columns_min);
        let mut taken = taken;
        let Palette { date, author: by, .. } = self.palette;
        if has(DATED_COLUMNS_MIN) {
            taken += MINUTE_COLUMNS + 2;
            let minute = Minute { time_ms: shown.time_ms(), zone: self.zone };
            write!(out, "{date}{minute}{date:#}  ")?;
        }
        let is_authored = has(AUTHORED_COLUMNS_MIN);
        if is_authored {
            let author = Escaped::bytes(shown.author());
            let width = match self.columns {
                Some(_) => {
                    let author = without_end(author.to_string(), AUTHOR_COLUMNS);
                    write!(out, "{by}{author}{by:#}")?;
                    author.width()
                }
                None => {
                    write!(out, "{by}{author}{by:#}")?;
                    width(&author)
                }
            };
            taken += AUTHOR_COLUMNS + 2;
            let padding = AUTHOR_COLUMNS.saturating_sub(width) + 2;
            write!(out, "{:padding$}", "")?;
        }
        let Edge { source_path, target_path, .. } = *shown.edge;
        let (source, target) = (Escaped::bytes(source_path), Escaped::bytes(target_path));
        let name = shown.edge.relation.name();
        let remark = Remark { shown, is_authored };
        let Palette { relation, remark: unusual, .. } = self.palette;
        let mut line = |source: &dyn Display, target: &dyn Display| {
            let arrow = format_args!("{relation}──{name}──>{relation:#}");
            writeln!(out, "{source} {arrow} {target}{unusual}{remark}{unusual:#}")
        };
        let Some(columns) = self.columns else { return line(&source, &target) };
        let others = taken + name.width() + "────>".width() + 2 + width(&remark);
        let room = columns.saturating_sub(others);
        let (source, target) = shortened(source.to_string(), target.to_string(), room);
        line(&source, &target)
    }
}

/// Two paths, shortened to fit `room` columns together.
fn shortened(source: String, target: String, room: usize) -> (String, String) {
    let half = (room / 2).max(PATH_COLUMNS_MIN);
    let source_room = half.max(room.saturating_sub(target.width()));
    let source = shorten(source, source_room);
    let target = shorten(target, room.saturating_sub(source.width()).max(PATH_COLUMNS_MIN));
    (source, target)
}

/// Kind of author and confidence of the edge, where they differ from the defaults, whether it
/// counts, and how old its content is.
struct Remark<'e> {
    shown: &'e Shown<'e>,
    /// Whether the line has the author already.
    is_authored: bool,
}

impl fmt::Display for Remark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edge = self.shown.edge;
        let mut separator = "  [";
        if let Some(who) = edge.attribution.filter(|who| who.origin != Origin::HUMAN) {
            let is_kind = self.is_authored || who.author.is_empty();
            let name = if is_kind { who.origin.name().as_bytes() } else { who.author };
            write!(f, "{separator}{}", Escaped::bytes(name))?;
            separator = ", ";
        }
        let confidence = edge.meant_confidence();
        if confidence != Confidence::CERTAIN {
            write!(f, "{separator}{confidence}")?;
            separator = ", ";
        }
        let standing = match self.shown.standing {
            Standing::Live => None,
            Standing::TakenBack => Some("taken back"),
            Standing::Tombstone => Some("tombstone"),
        };
        if let Some(standing) = standing {
            write!(f, "{separator}{standing}")?;
            separator = ", ";
        }
        if let Some(place) = self.shown.place.filter(|place| place.content != Content::Current) {
            match place.edits_ago {
                Some(0) => write!(f, "{separator}of its last content")?,
                Some(1) => write!(f, "{separator}1 edit ago")?,
                Some(edits) => write!(f, "{separator}{edits} edits ago")?,
                None => write!(f, "{separator}of another content")?,
            }
            separator = ", ";
            if let Some(path) = place.other_path {
                write!(f, "{separator}as {}", Escaped::bytes(path))?;
            }
        }
        f.write_str(if separator == ", " { "]" } else { "" })
    }
}

/// The columns of a text, which is written nowhere.
fn width(text: &impl Display) -> usize {
    struct Columns(usize);
    impl fmt::Write for Columns {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.width();
            Ok(())
        }
    }
    let mut columns = Columns(0);
    // Adding up columns does not fail.
    let _ = fmt::Write::write_fmt(&mut columns, format_args!("{text}"));
    columns.0
}

/// Cuts the end of an author that is wider than `columns`.
fn without_end(author: String, columns: usize) -> String {
    if author.width() <= columns {
        return author;
    }
    let mut width = 1;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= columns
    };
    author.chars().take_while(fits).chain(['…']).collect()
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
    use crate::git::Signature;
    use crate::journal::{Attribution, Edges, Relation};
    use crate::oid::Oid;

    fn edge<'a>(source_path: &'a [u8], target_path: &'a [u8]) -> Edge<'a> {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        let timestamp_ms = 1_796_045_946_000;
        Edge { source_path, target_path, timestamp_ms, relation: Relation::REFERENCES, ..blank }
    }

    fn line(edge: &Edge<'_>, columns: Option<usize>) -> String {
        marked(edge, Standing::Live, columns)
    }

    fn marked(edge: &Edge<'_>, standing: Standing, columns: Option<usize>) -> String {
        let committed = Signature::parse(b"Ann <ann@example.org> 1 +0000");
        let shown = Shown { id: None, commit: Oid::ZERO, committed, standing, edge, place: None };
        let mut line = Vec::new();
        let format = LineFormat { columns, zone: &Zone::utc(), palette: Palette::default() };
        format.write(&shown, 0, &mut line).expect("a Vec takes everything");
        let line = String::from_utf8(line).expect("what is not UTF-8 is escaped");
        line.strip_suffix('\n').expect("a line has its end").to_owned()
    }

    const BEFORE: &str = "2026-11-30 13:39  ann@example.org       ";

    #[test]
    fn date_and_author_come_first_and_a_narrow_terminal_drops_the_author_then_the_date() {
        let edge = edge(b"a.c", b"docs/spec.md");
        let arrow = "a.c ──references──> docs/spec.md";
        assert_eq!(line(&edge, None), format!("{BEFORE}{arrow}"));
        assert_eq!(line(&edge, Some(100)), line(&edge, None));
        assert_eq!(line(&edge, Some(99)), format!("2026-11-30 13:39  {arrow}"));
        assert_eq!(line(&edge, Some(72)), line(&edge, Some(99)));
        assert_eq!(line(&edge, Some(71)), arrow);
    }

    #[test]
    fn an_author_is_named_once() {
        let author = b"a-very-long-name@example.org";
        let who = Attribution { origin: Origin(1), author, ..Default::default() };
        let edge = Edge { attribution: Some(who), ..edge(b"a", b"b") };
        let date = "2026-11-30 13:39  ";
        let arrow = "a ──references──> b";
        let whole = format!("{date}a-very-long-name@example.org  {arrow}  [claude]");
        assert_eq!(line(&edge, None), whole);
        let cut = format!("{date}a-very-long-name@ex…  {arrow}  [claude]");
        assert_eq!(line(&edge, Some(120)), cut);
        let after = format!("{date}{arrow}  [a-very-long-name@example.org]");
        assert_eq!(line(&edge, Some(80)), after);
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
            assert!(line.ends_with(", 0.50]"), "{line}");
        }
    }

    #[test]
    fn an_edge_that_does_not_count_is_marked() {
        let edge = Edge { confidence: Confidence(0), ..edge(b"a", b"b") };
        let standings = [Standing::Live, Standing::TakenBack, Standing::Tombstone];
        let lines = standings.map(|standing| marked(&edge, standing, Some(40)));
        let marks = ["0.00", "0.00, taken back", "0.00, tombstone"];
        assert_eq!(lines, marks.map(|mark| format!("a ──references──> b  [{mark}]")));
    }

    #[test]
    fn control_characters_are_escaped() {
        let author = b"\x1b[2J";
        let attribution = Some(Attribution { author, ..Default::default() });
        let edge = Edge { attribution, ..edge(b"\x1b[2J", b"\xff\n") };
        let start = "2026-11-30 13:39  \\x1b[2J               ";
        let expected = format!("{start}\\x1b[2J ──references──> \\xff\\x0a");
        assert_eq!(line(&edge, None), expected);
    }
}
