//! Text as roff, the format of manual pages.

use std::io::{self, Write};

/// Text without the characters that roff takes for its own.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

/// Begins a section.
pub(super) fn section(title: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, ".SH \"{title}\"")
}

/// Writes text, in which lines that are indented are commands.
pub(super) fn paragraphs(text: &str, out: &mut impl Write) -> io::Result<()> {
    for line in text.lines() {
        match line.starts_with("  ") {
            true => code(line, out)?,
            false => writeln!(out, "{}", escaped(line))?,
        }
    }
    Ok(())
}

/// Writes lines as they are, each on a line of its own.
pub(super) fn code(lines: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, ".PP\n.RS 4\n.nf")?;
    lines.lines().try_for_each(|line| writeln!(out, "{}", escaped(line.trim_start())))?;
    writeln!(out, ".fi\n.RE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_an_instruction() {
        assert_eq!(escaped("a --b \\ c"), "a \\-\\-b \\e c");
        assert_eq!(escaped(".SH x"), "\\&.SH x");
        assert_eq!(escaped("'x"), "\\&'x");
    }

    #[test]
    fn indented_lines_are_not_filled() {
        let mut page = Vec::new();
        paragraphs("one:\n  git mind\nmore", &mut page).expect("a Vec takes everything");
        assert_eq!(page, b"one:\n.PP\n.RS 4\n.nf\ngit mind\n.fi\n.RE\nmore\n");
    }
}
