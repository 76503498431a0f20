//! Output streams: answers to stdout or a pager, messages to stderr, with colours where the
//! terminal has them.

mod whole_file;

pub(super) use self::whole_file::WholeFile;

use super::escape::{Escaped, each_run, is_invisible};
use super::failure::Failure;
use super::pager::Pager;
use super::palette::Palette;
use super::progress;
use anstream::AutoStream;
use anstream::adapter::strip_str;
use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, StderrLock, Stdout, Write};
use std::mem;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = Style::new().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Most bytes of a message; the middle of a longer one is left out.
const TEXT_BYTES_MAX: usize = 4096;

/// The two streams of a command.
pub(super) struct Output {
    stdout: BufWriter<Stdout>,
    /// Where answers go instead of stdout.
    pager: Option<Pager>,
    is_terminal: bool,
    /// Columns of the terminal that a pager of git's shows the answer on.
    columns: Option<usize>,
    palette: Option<Palette>,
    /// What has been done for good, although the answer may not be written.
    done: Option<&'static str>,
}

impl Output {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let stdout = BufWriter::new(io::stdout());
        Self { stdout, pager: None, is_terminal, columns: None, palette: None, done: None }
    }

    /// Whether stdout is a terminal.
    pub(super) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Columns of the terminal that the answer is shown on; `None` when there is none.
    pub(super) fn columns(&self) -> Option<usize> {
        let own = self.is_terminal.then(terminal_size::terminal_size).flatten();
        own.map(|(width, _)| width.0.into()).or(self.columns)
    }

    pub(super) const fn set_columns(&mut self, columns: Option<usize>) {
        self.columns = columns;
    }

    /// The colours of answers: none unless they were set.
    pub(super) fn palette(&self) -> Palette {
        self.palette.unwrap_or_default()
    }

    pub(super) const fn set_palette(&mut self, palette: Palette) {
        self.palette = Some(palette);
    }

    /// Sends answers to a pager from now on, and messages too where they would disturb it.
    pub(super) fn page(&mut self, pager: Pager) {
        self.pager = Some(pager);
    }

    /// Waits until the pager ends, if there is one.
    pub(super) fn end_pager(&mut self) -> Result<(), Failure> {
        mem::take(&mut self.pager).map_or(Ok(()), Pager::finish)
    }

    /// Says from now on, when the answer cannot be written, what has been done all the same.
    pub(super) const fn done(&mut self, what: &'static str) {
        self.done = Some(what);
    }

    /// Prints a document and a newline.
    pub(super) fn json(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        let mut text = Vec::new();
        serde_json::to_writer_pretty(&mut text, document).map_err(io::Error::from)?;
        self.write_json(&text)?;
        self.write_all(b"\n")
    }

    /// Prints a part of a document, as [`write_json`] does.
    pub(super) fn write_json(&mut self, json: &[u8]) -> io::Result<()> {
        write_json(self, json)
    }

    /// Prints an error and, if there is one, its hint.
    pub(super) fn error(&mut self, text: &str, hint: Option<&str>) {
        self.say(ERROR, "error", text, hint);
    }

    /// Prints a note: information that is not part of the answer.
    pub(super) fn note(&mut self, text: &str) {
        self.say(NOTE, "note", text, None);
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.say(WARNING, "warning", text, None);
    }

    /// Prints a warning with a hint.
    pub(super) fn advise(&mut self, text: &str, hint: &str) {
        self.say(WARNING, "warning", text, Some(hint));
    }

    /// Prints what another program has said on its stderr, line by line.
    pub(super) fn pass_on(&mut self, said: &[u8]) {
        let _ = self.flush();
        let mut stderr = io::stderr().lock();
        for line in String::from_utf8_lossy(said).lines() {
            let _ = writeln!(stderr, "{}", Escaped::text(&shortened(line)));
        }
    }

    /// Prints one line on stderr, and the hint on a line of its own, after flushing stdout.
    fn say(&mut self, style: Style, kind: &str, text: &str, hint: Option<&str>) {
        // Messages are best effort: a closed stderr must not change the outcome.
        let _ = self.flush();
        let (text, hint) = (shortened(text), hint.map(shortened));
        let mut lines = format!("git-mind: {style}{kind}{style:#}: {}\n", Escaped::text(&text));
        if let Some(hint) = hint {
            lines += &format!("{HINT}hint{HINT:#}: {}\n", Escaped::text(&hint));
        }
        let _ = match &mut self.pager {
            Some(pager) if io::stderr().is_terminal() => match self.palette {
                Some(_) => pager.write_all(lines.as_bytes()),
                None => write!(pager, "{}", strip_str(&lines)),
            },
            _ => {
                let mut stderr: AutoStream<StderrLock<'_>> = AutoStream::auto(io::stderr().lock());
                write!(stderr, "{}{lines}", progress::line_start())
            }
        };
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.pager {
            Some(pager) => pager.write(bytes),
            None => self.stdout.write(bytes),
        };
        written.map_err(|error| to_stdout(&error, self.done))
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.pager {
            Some(pager) => pager.flush(),
            None => self.stdout.flush(),
        };
        flushed.map_err(|error| to_stdout(&error, self.done))
    }
}

/// Writes JSON. Invisible characters that it does not escape, such as U+009B, are written as `\u`
/// escapes, which are the same text to a JSON parser.
pub(super) fn write_json(out: &mut dyn Write, json: &[u8]) -> io::Result<()> {
    let text = str::from_utf8(json).map_err(io::Error::other)?;
    let is_plain = |byte| matches!(byte, b' '..=b'~') | (byte == b'\n');
    let is_escaped = |c| is_invisible(c) && c != '\n';
    each_run(text, is_plain, is_escaped, |run, escaped| {
        out.write_all(run.as_bytes())?;
        let mut units = [0; 2];
        let units = escaped.map(|c| c.encode_utf16(&mut units)).unwrap_or_default();
        units.iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
    })
}

/// A message without its middle when it is too long.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT_BYTES_MAX {
        return text.into();
    }
    let half = TEXT_BYTES_MAX / 2;
    let (start, end) = (text.floor_char_boundary(half), text.ceil_char_boundary(text.len() - half));
    format!("{}... ({} bytes) ...{}", &text[..start], end - start, &text[end..]).into()
}

/// The same error, which names the standard output and what has been done.
fn to_stdout(error: &io::Error, done: Option<&str>) -> io::Error {
    let done = done.map(|done| format!("{done}, but ")).unwrap_or_default();
    io::Error::new(error.kind(), format!("{done}cannot write to the standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::escape::tests::texts;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_has_no_invisible_character_and_is_the_same_document(bytes in texts()) {
            let text = String::from_utf8_lossy(&bytes);
            let json = serde_json::to_string_pretty(&[&text]).expect("text is serialized");
            let mut written = Vec::new();
            write_json(&mut written, json.as_bytes()).expect("a Vec takes everything");
            let unit = |unit: &u16| format!("\\u{unit:04x}");
            let naive = json.chars().map(|c| match is_invisible(c) && c != '\n' {
                true => c.encode_utf16(&mut [0; 2]).iter().map(unit).collect(),
                false => c.to_string(),
            });
            let written = String::from_utf8(written).expect("it is JSON");
            prop_assert_eq!(&written, &naive.collect::<String>());
            prop_assert_eq!(serde_json::from_str::<[String; 1]>(&written).expect("JSON"), [text]);
        }
    }
}
