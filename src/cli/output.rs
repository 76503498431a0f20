//! Where words go: answers to stdout, the conversation to stderr, colours only where they belong.

use super::escape::Escaped;
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use std::io::{self, BufWriter, IsTerminal, StderrLock, Stdout, Write};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = Style::new().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The two streams of a command.
pub(super) struct Output {
    /// Answers have no colours.
    stdout: BufWriter<Stdout>,
    is_terminal: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { stdout: BufWriter::new(io::stdout()), is_terminal: io::stdout().is_terminal() }
    }

    /// Columns of the terminal that reads the answer; `None` when it is not a terminal.
    pub(super) fn columns(&self) -> Option<usize> {
        let (width, _) = self.is_terminal.then(terminal_size::terminal_size).flatten()?;
        Some(width.0.into())
    }

    /// Prints a document and the end of its line.
    pub(super) fn json(&mut self, document: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self, document).map_err(io::Error::from)?;
        self.write_all(b"\n")
    }

    /// Says what failed and, where there is something, what to type next.
    pub(super) fn error(&mut self, text: &str, hint: Option<&str>) {
        self.say(ERROR, "error", text, hint);
    }

    /// Says what the answer does not show.
    pub(super) fn note(&mut self, text: &str) {
        self.say(NOTE, "note", text, None);
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.say(WARNING, "warning", text, None);
    }

    /// Warns, and says what to type next.
    pub(super) fn advise(&mut self, text: &str, hint: &str) {
        self.say(WARNING, "warning", text, Some(hint));
    }

    /// Prints one line on stderr, after what was printed on stdout so far.
    fn say(&mut self, style: Style, kind: &str, text: &str, hint: Option<&str>) {
        // The conversation is best effort: a closed stderr must not change the outcome.
        let _ = self.stdout.flush();
        let mut stderr: AutoStream<StderrLock<'_>> = AutoStream::auto(io::stderr().lock());
        let text = Escaped::text(text);
        let _ = write!(stderr, "git-mind: {style}{kind}{style:#}: {text}");
        if let Some(hint) = hint {
            let _ = write!(stderr, "; {HINT}hint{HINT:#}: {}", Escaped::text(hint));
        }
        let _ = writeln!(stderr);
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdout.write(bytes).map_err(to_stdout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush().map_err(to_stdout)
    }
}

/// The same error, with what it happened to.
fn to_stdout(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot write to the standard output: {error}"))
}
