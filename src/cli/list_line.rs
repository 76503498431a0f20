//! One edge as one line for people, no wider than their terminal.

use super::escape::Escaped;
use crate::journal::{Confidence, Edge, Origin};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that a path keeps, however narrow the terminal.
const PATH_COLUMNS_MIN: usize = 8;

/// The line, without its end; in `columns` columns when that is possible.
pub(super) fn line(edge: &Edge<'_>, columns: Option<usize>) -> String {
    let source = Escaped::bytes(edge.source_path).to_string();
    let target = Escaped::bytes(edge.target_path).to_string();
    let arrow = format!(" ──{}──> ", edge.relation.name());
    let remark = remark(edge);
    let Some(columns) = columns else { return format!("{source}{arrow}{target}{remark}") };
    let room = columns.saturating_sub(arrow.width() + remark.width());
    let half = (room / 2).max(PATH_COLUMNS_MIN);
    let source_room = half.max(room.saturating_sub(target.width()));
    let source = shorten(source, source_room);
    let target = shorten(target, room.saturating_sub(source.width()).max(PATH_COLUMNS_MIN));
    format!("{source}{arrow}{target}{remark}")
}

/// Who recorded the edge and how sure they were, where that is not the usual.
fn remark(edge: &Edge<'_>) -> String {
    let who = edge.attribution.filter(|who| who.origin != Origin::HUMAN);
    let who = who.map(|who| match who.author {
        b"" => who.origin.name().to_string(),
        author => Escaped::bytes(author).to_string(),
    });
    let sure = (edge.confidence != Confidence::CERTAIN).then(|| edge.confidence.to_string());
    let parts: Vec<String> = who.into_iter().chain(sure).collect();
    if parts.is_empty() { String::new() } else { format!("  [{}]", parts.join(", ")) }
}

/// Cuts the start of a path that is wider than `columns`: its end tells more.
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
    use crate::journal::{Attribution, Edges, Relation};

    fn edge<'a>(source_path: &'a [u8], target_path: &'a [u8]) -> Edge<'a> {
        let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
        Edge { source_path, target_path, relation: Relation::REFERENCES, ..blank }
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
    fn what_a_terminal_would_obey_is_escaped() {
        let line = line(&edge(b"\x1b[2J", b"\xff\n"), None);
        assert_eq!(line, "\\x1b[2J ──references──> \\xff\\x0a");
    }
}
