//! The program that shows a long answer page by page.

use super::failure::Failure;
use crate::env::Environment;
use gitmind_system::signals;
use std::io::{self, BufWriter, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

/// What less and lv do unless the user says otherwise, as git has it: end when the answer fits,
/// show colours, leave the answer on the screen.
const DEFAULTS: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];
/// Codes with which a shell ends that cannot run a command.
const NOT_RUN: [i32; 2] = [126, 127];

/// A running pager.
pub(super) struct Pager {
    command: String,
    child: Child,
    stdin: Option<BufWriter<ChildStdin>>,
}

impl Pager {
    /// Starts the command line `command`. An interrupt from the keyboard is for the pager from now
    /// on: a program that ended would leave it without the terminal.
    pub(super) fn start(command: &str, env: &dyn Environment) -> Result<Self, Failure> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(Stdio::piped());
        let unset = DEFAULTS.into_iter().filter(|(name, _)| env.var(name).is_none());
        let started = shell.envs(unset).spawn();
        let mut child = started.map_err(|error| cannot_run(command, &error.to_string()))?;
        signals::ignore_interrupt();
        let stdin = child.stdin.take().map(BufWriter::new);
        Ok(Self { command: command.to_owned(), child, stdin })
    }

    /// Ends the input of the pager and waits until its user has read it.
    ///
    /// # Errors
    /// When the shell has not found the pager.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        // A pager that has ended early has shown what was wanted.
        drop(self.stdin.take());
        let ended = self.child.wait();
        let code = ended.ok().as_ref().and_then(ExitStatus::code);
        match code.filter(|code| NOT_RUN.contains(code)) {
            Some(code) => Err(cannot_run(&self.command, &format!("its shell ended with {code}"))),
            None => Ok(()),
        }
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stdin.as_mut().map_or(Ok(bytes.len()), |stdin| stdin.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdin.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn cannot_run(command: &str, reason: &str) -> Failure {
    Failure::new(format!("cannot run the pager `{command}`: {reason}"))
        .hint("`git config core.pager less` sets another one; --no-pager uses none")
}
