//! The arguments of `git-mind hooks`, and their help.

use clap::{Subcommand, ValueEnum};

/// Install git hooks that keep edges when files change, remove them, or run one
///
/// A commit that changes or renames a linked file gives it a new content. The hooks append an edge
/// of type augments from the old content to the new one, so that queries still find its edges. They
/// run after the hooks that are there already.
#[derive(Clone, Debug, Subcommand)]
pub(in crate::cli) enum HooksCommand {
    Install(InstallArgs),
    Uninstall(UninstallArgs),
    Status(StatusArgs),
    Run(RunArgs),
}

/// Install the hooks post-commit and post-rewrite
///
/// A hook that is there is renamed to NAME.before-git-mind and runs first, with the same arguments
/// and input. The C tool's hook is replaced: it is renamed to NAME.c-tool and does not run.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "The hooks are installed where git looks for them: core.hooksPath, or the \
                        directory hooks that all worktrees share. A commit with more than \
                        gitmind.hookFilesMax files (1000) is left out; 0 switches the hooks \
                        off.\n\nExamples:\n  git mind hooks install\n  git config \
                        gitmind.hookFilesMax 5000")]
pub(in crate::cli) struct InstallArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Remove the hooks and put back those that were there before
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

/// Do what an installed hook does, in the repository of the current directory
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "post-commit appends edges for the commit at HEAD, post-rewrite for the \
                        lines `OLD NEW` of commit ids on its standard input.\n\nExample:\n  git \
                        mind hooks run post-commit")]
pub(in crate::cli) struct RunArgs {
    /// The hook
    #[arg(value_enum, value_name = "HOOK")]
    pub(super) hook: Hook,
}

/// A hook of git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Hook {
    /// After a commit: the commit at HEAD against its first parent
    PostCommit,
    /// After an amend or a rebase: the commits that were rewritten
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
