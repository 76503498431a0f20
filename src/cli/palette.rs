//! The colours of answers.

use anstyle::{AnsiColor, Style};

/// A style for each part of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Palette {
    /// Ids of edges, as git prints those of commits.
    pub(super) id: Style,
    pub(super) date: Style,
    pub(super) author: Style,
    /// The type of an edge, with its arrow.
    pub(super) relation: Style,
    /// What is unusual about an edge.
    pub(super) remark: Style,
    pub(super) heading: Style,
    /// Edges that were added or revoked between two moments.
    pub(super) added: Style,
    pub(super) revoked: Style,
}

impl Palette {
    /// The colours, as the default ones of git, which every terminal has.
    pub(super) const COLOURED: Self = Self {
        id: AnsiColor::Yellow.on_default(),
        date: AnsiColor::Green.on_default(),
        author: AnsiColor::Blue.on_default(),
        relation: AnsiColor::Cyan.on_default(),
        remark: AnsiColor::Magenta.on_default(),
        heading: Style::new().bold(),
        added: AnsiColor::Green.on_default(),
        revoked: AnsiColor::Red.on_default(),
    };
}
