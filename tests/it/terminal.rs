//! A terminal for tests: a pseudo-terminal with the model of a screen.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, ExitStatus};

/// Lines of the screen.
const ROWS: u16 = 60;

/// What a program has done in a terminal.
pub(crate) struct Shown {
    pub(crate) status: ExitStatus,
    /// All that it has written, with the sequences that control the terminal.
    pub(crate) raw: String,
    /// The screen after each thing that was written; the last is what it left behind.
    pub(crate) screens: Vec<String>,
}

impl Shown {
    /// The screen at the end.
    pub(crate) fn end(&self) -> &str {
        self.screens.last().map_or("", String::as_str)
    }

    /// Whether the screen has had this text.
    pub(crate) fn has_shown(&self, text: &str) -> bool {
        self.screens.iter().any(|screen| screen.contains(text))
    }
}

/// Runs a program in a terminal with so many columns.
pub(crate) fn in_terminal(mut command: Command, columns: u16) -> Shown {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
    let controller = controller.expect("the system has terminals");
    grantpt(&controller).and_then(|()| unlockpt(&controller)).expect("it is ours");
    let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&controller, size).expect("it is a terminal");
    let name = ptsname(&controller, Vec::new()).expect("it has a name");
    let name = std::ffi::OsStr::from_bytes(name.as_bytes());
    let open = || OpenOptions::new().read(true).write(true).open(name).expect("it is unlocked");
    if command.get_envs().all(|(name, _)| name != "TERM") {
        command.env("TERM", "xterm-256color");
    }
    command.stdin(open()).stdout(open()).stderr(open());
    let mut child = command.spawn().expect("the program was built");
    // The end of the terminal that the command still has would keep it open.
    drop(command);
    let size = |count| NonZero::new(count).expect("a screen has rows and columns");
    let mut screen = vt100::Parser::new(size(ROWS), size(columns), 0);
    let (mut raw, mut screens) = (Vec::new(), Vec::new());
    let mut buffer = [0; 4096];
    let mut reader = File::from(controller);
    // Linux fails when the other end is closed.
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        raw.extend_from_slice(&buffer[..count]);
        screen.process(&buffer[..count]);
        screens.push(screen.screen().contents());
    }
    let status = child.wait().expect("it was started");
    Shown { status, raw: String::from_utf8_lossy(&raw).into_owned(), screens }
}
