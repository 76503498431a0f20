//! How a long answer is shown to a person: colours and a pager, by the rules of git.

use super::failure::Failure;
use super::output::Output;
use super::pager::Pager;
use super::palette::Palette;
use crate::env::Environment;
use crate::gitoxide::GitRepository;
use clap::ValueEnum;

/// Options of commands with long answers.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(super) struct ViewArgs {
    /// When to print colours [default: color.ui of git's configuration, else auto]
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true,
          default_missing_value = "always")]
    color: Option<Color>,
    /// Print a long answer to the terminal without a pager
    #[arg(long)]
    no_pager: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal, and in a pager
    Auto,
    Always,
    Never,
}

impl ViewArgs {
    /// Prepares the output: from now on the answer goes to the pager, if there is one.
    ///
    /// # Errors
    /// When a value of the configuration is none that git accepts, or the pager does not start.
    pub(super) fn apply(
        self,
        repository: &GitRepository,
        env: &dyn Environment,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let is_set = |name| env.var(name).is_some_and(|value| !value.is_empty());
        // git has started a pager for its alias or for `git --paginate`.
        let is_paged_by_git = env.var("GIT_PAGER_IN_USE").is_some_and(|value| value == "true");
        let has_pager_colours = repository.switch("color.pager")? != Some(false);
        let is_shown = (output.is_terminal() || is_paged_by_git && has_pager_colours)
            && env.var("TERM").is_none_or(|term| term != "dumb");
        let switch = |name| env.var(name).map(|value| value != "0");
        let color = match self.color {
            Some(color) => color,
            None if is_set("NO_COLOR") => Color::Never,
            None if switch("CLICOLOR_FORCE") == Some(true) => Color::Always,
            None if switch("CLICOLOR") == Some(false) => Color::Never,
            None => configured(repository)?,
        };
        let is_coloured = color == Color::Always || color == Color::Auto && is_shown;
        if is_coloured {
            output.set_palette(Palette::COLOURED);
        }
        if is_paged_by_git {
            let columns = env.var("COLUMNS").and_then(|text| text.to_str()?.parse().ok());
            output.set_columns(columns);
        }
        if self.no_pager || !output.is_terminal() {
            return Ok(());
        }
        if let Some(command) = pager(repository, env) {
            output.page(Pager::start(&command, env)?);
        }
        Ok(())
    }
}

/// The value of `color.ui`.
fn configured(repository: &GitRepository) -> Result<Color, Failure> {
    let Some(value) = repository.text("color.ui") else { return Ok(Color::Auto) };
    match value.as_deref() {
        Some("always") => Ok(Color::Always),
        Some("never") => Ok(Color::Never),
        Some("auto") => Ok(Color::Auto),
        _ if repository.switch("color.ui")? == Some(false) => Ok(Color::Never),
        _ => Ok(Color::Auto),
    }
}

/// The command line of the pager; `None` when there is to be none.
fn pager(repository: &GitRepository, env: &dyn Environment) -> Option<String> {
    let variable = |name: &str| env.var(name).and_then(|value| value.into_string().ok());
    // The configuration of another user's repository names no program that is executed.
    let text = |key: &str| repository.text(key).flatten().filter(|_| repository.is_own());
    // As for a command of git: no pager, the pager, or which one.
    let own = match repository.switch("pager.mind") {
        Ok(Some(false)) => return None,
        Ok(_) => None,
        Err(_) => text("pager.mind"),
    };
    let first = variable("GIT_PAGER").or(own).or_else(|| text("core.pager"));
    let pager = first.or_else(|| variable("PAGER")).unwrap_or_else(|| "less".into());
    Some(pager).filter(|pager| !pager.is_empty() && pager != "cat")
}
