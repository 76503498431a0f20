//! The arguments of `git-mind hooks`, and their help.

use clap::{Subcommand, ValueEnum};

/// Install or remove git hooks that keep the edges of files that change
///
/// An edge belongs to a content of a file. When a commit changes or renames a linked file, the
/// hooks append an edge of type augments from the old content to the new one, so that queries still
/// find the earlier edges. Existing hooks run first.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum HooksCommand {
    Install(InstallArgs),
    Uninstall(UninstallArgs),
    Status(StatusArgs),
    Run(RunArgs),
}

/// Install the hooks post-commit and post-rewrite
///
/// An existing hook is renamed to NAME.before-git-mind and runs first, with the same arguments and
/// input. A hook of the C tool is renamed to NAME.c-tool and does not run any more.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(
    after_help = "The hooks are installed in the directory that git uses: core.hooksPath, or \
                        the directory hooks that all worktrees share. The hooks skip a commit \
                        that changes more than gitmind.hookFilesMax files (1000 by default); 0 \
                        switches them off.\n\nExamples:\n  git mind hooks install\n  git config \
                        gitmind.hookFilesMax 5000"
)]
pub(in crate::cli) struct InstallArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Remove the hooks and restore the earlier ones
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Example:\n  git mind hooks uninstall")]
pub(in crate::cli) struct UninstallArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print which hooks are installed, and where
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  git mind hooks status\n  git mind hooks status --json | jq -r \
                        '.hooks[].state'"
)]
pub(in crate::cli) struct StatusArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Run a hook by hand, in the repository of the current directory
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(
    after_help = "post-commit appends edges for the commit at HEAD. post-rewrite reads lines \
                        `OLD NEW` of commit ids from standard input and appends edges for the new \
                        commits.\n\nExample:\n  git \
                        mind hooks run post-commit"
)]
pub(in crate::cli) struct RunArgs {
    /// The hook
    #[arg(value_enum, value_name = "HOOK")]
    pub(super) hook: Hook,
}

/// A hook of git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Hook {
    /// Compares the commit at HEAD with its first parent
    PostCommit,
    /// Compares commits with what an amend or a rebase made of them
    PostRewrite,
}

impl Hook {
    pub(super) const ALL: [Self; 2] = [Self::PostCommit, Self::PostRewrite];

    /// The name of its file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::PostCommit => "post-commit",
            Self::PostRewrite => "post-rewrite",
        }
    }
}
