//! `git-mind completions`, and the candidates that the scripts it prints ask the program for.

mod values;

use super::failure::{Exit, Failure};
use super::output::Output;
use clap_complete::Shell;
use clap_complete::env::{EnvCompleter, Shells};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::PathBuf;

/// The variable with which a script asks for candidates; its value is the name of the shell.
pub(super) const VARIABLE: &str = "GIT_MIND_COMPLETE";
const PROGRAM: &str = "git-mind";
const SHELLS: Shells<'static> = Shells::builtins();

/// Prints the script for a shell.
pub(super) fn completions(shell: Shell, output: &mut Output) -> Result<Exit, Failure> {
    match shell {
        Shell::Bash => output.write_all(include_bytes!("complete/git-mind.bash"))?,
        Shell::Fish => output.write_all(include_bytes!("complete/git-mind.fish"))?,
        Shell::Zsh => output.write_all(include_bytes!("complete/_git-mind"))?,
        // git has no completion for other shells that would have to find this one.
        _ => {
            let completer = completer(shell.to_string().as_ref())?;
            let mut script = Vec::new();
            completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
            output.write_all(&script)?;
        }
    }
    Ok(Exit::Success)
}

/// Prints the candidates for the last of the words of a command line, which follow `--`.
pub(super) fn answer(
    shell: &OsStr,
    arguments: impl IntoIterator<Item = OsString>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let completer = completer(shell)?;
    let words: Vec<OsString> =
        arguments.into_iter().skip_while(|word| word != "--").skip(1).collect();
    let directory = directory(&words);
    let mut command = values::command(&directory);
    completer.write_complete(&mut command, words, Some(&directory), output)?;
    output.flush()?;
    Ok(Exit::Success)
}

fn completer(shell: &OsStr) -> io::Result<&'static dyn EnvCompleter> {
    let shell = shell.to_str().and_then(|name| SHELLS.completer(name));
    shell.ok_or_else(|| io::Error::other(format!("{VARIABLE} does not name a known shell")))
}

/// The directory that the command would run in, by each `-C` before the last word.
fn directory(words: &[OsString]) -> PathBuf {
    let before = &words[..words.len().saturating_sub(1)];
    let named = before.windows(2).filter(|pair| pair[0] == "-C").map(|pair| &pair[1]);
    named.fold(PathBuf::from("."), |directory, next| directory.join(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_that_of_every_option_before_the_last_word() {
        for (words, expected) in [
            ("git-mind list --branch x", "."),
            ("git-mind -C a list -C b x", "./a/b"),
            ("git-mind -C a -C /b list x", "/b"),
            ("git-mind -C x", "."),
            ("", "."),
        ] {
            let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            assert_eq!(directory(&words), PathBuf::from(expected), "{words:?}");
        }
    }
}
