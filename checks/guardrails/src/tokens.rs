//! The tokens of a file in one row, and the names in them.
//!
//! A macro's arguments and body are tokens like any others here, and so is code that no
//! configuration of this machine compiles. What a name resolves to is only known as far as the
//! file's own `use` declarations say.

use proc_macro2::{Delimiter, LineColumn, TokenStream, TokenTree};
use std::collections::HashSet;

/// A token: its text, and where it stands. Brackets are tokens, comments are none.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) start: LineColumn,
    pub(crate) end: LineColumn,
    pub(crate) is_name: bool,
}

/// A path as it is written: `a::b::c`, without generic arguments.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) form: Form,
}

/// What stands around a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `.name(` or `.name::<`
    Method,
    /// `name!`
    Macro,
    /// Anything else.
    Plain,
}

/// The row of tokens of `stream`.
pub(crate) fn flatten(stream: TokenStream, row: &mut Vec<Token>) {
    for tree in stream {
        let mut add = |text: String, span: proc_macro2::Span, is_name| {
            row.push(Token { text, start: span.start(), end: span.end(), is_name });
        };
        match tree {
            TokenTree::Ident(name) => add(name.to_string(), name.span(), true),
            TokenTree::Punct(mark) => add(mark.as_char().to_string(), mark.span(), false),
            TokenTree::Literal(literal) => add(literal.to_string(), literal.span(), false),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                add(open.to_owned(), group.span_open(), false);
                flatten(group.stream(), row);
                let span = group.span_close();
                row.push(Token {
                    text: close.to_owned(),
                    start: span.start(),
                    end: span.end(),
                    is_name: false,
                });
            }
        }
    }
}

/// Every path and method name in the row, but for what stands in the `use` declarations whose
/// first tokens are at `uses`: the caller knows those as trees.
pub(crate) fn names(row: &[Token], uses: &HashSet<(usize, usize)>) -> Vec<Written> {
    let text = |at: usize| row.get(at).map_or("", |token| token.text.as_str());
    let is_joint = |at: usize| text(at) == ":" && text(at + 1) == ":";
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(token) = row.get(at) {
        if !token.is_name {
            at += 1;
        } else if uses.contains(&(token.start.line, token.start.column)) {
            while at < row.len() && text(at) != ";" {
                at += 1;
            }
        } else {
            let is_method = at > 0 && text(at - 1) == "." && (at < 2 || text(at - 2) != ".");
            let mut segments = vec![token.text.clone()];
            at += 1;
            while is_joint(at) {
                let next = at + 2;
                if text(next) == "<" {
                    at = after_angles(row, next);
                } else if row.get(next).is_some_and(|token| token.is_name) {
                    segments.push(text(next).to_owned());
                    at = next + 1;
                } else {
                    break;
                }
            }
            let form = match text(at) {
                "!" if text(at + 1) != "=" => Form::Macro,
                "(" if is_method => Form::Method,
                _ => Form::Plain,
            };
            names.push(Written { segments, line: token.start.line, form });
        }
    }
    names
}

/// The place behind the angle bracket that closes the one at `open`.
fn after_angles(row: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in row.iter().enumerate().skip(open) {
        let is_arrow = at > 0 && matches!(row[at - 1].text.as_str(), "-" | "=");
        match token.text.as_str() {
            "<" => depth += 1,
            ">" if !is_arrow => depth -= 1,
            ";" => return at,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    row.len()
}
