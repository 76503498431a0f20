//! The command-line arguments and their help.

use super::habits::{Habits, ListHabits};
use super::hooks::HooksCommand;
use super::list_filter::ListFilter;
use super::merge::MergeArgs;
use super::relation::{RelationArg, RelationParser, parse_confidence};
use super::sync::SyncArgs;
use super::unlink::UnlinkArgs;
use super::view::ViewArgs;
use crate::cache::Direction;
use crate::context::available_workers;
use crate::journal::{Confidence, EdgeOrder};
use crate::profile::Tolerance;
use crate::units::Bytes;
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU8;
use std::path::PathBuf;

/// Record typed links between the files of a git repository, and query them.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "git-mind",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done or within budget, 1 failed or over budget, 2 usage error or \
                  no verdict.\n\nSignals: SIGUSR1 makes a long command print on stderr which \
                  operation is running, with its memory, limit, peak, failures and time.\n\n\
                  Examples:\n  git mind cache-rebuild\n  git mind -C ../repo list --limit 10\n  \
                  git-mind budget --json"
)]
pub struct Args {
    /// Run as if started in DIR; can be given more than once
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(super) directories: Vec<OsString>,

    #[command(flatten)]
    pub(super) habits: Habits,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    CacheRebuild(RebuildArgs),
    List(ListArgs),
    Stats(StatsArgs),
    Query(QueryArgs),
    Status(super::status::StatusArgs),
    Diff(super::diff::DiffArgs),
    Export(super::export::ExportArgs),
    Link(LinkArgs),
    Unlink(UnlinkArgs),
    Import(ImportArgs),
    #[command(subcommand)]
    Hooks(HooksCommand),
    Merge(MergeArgs),
    Sync(SyncArgs),
    Budget(BudgetArgs),
    Env(EnvArgs),
    #[command(subcommand)]
    Fixture(FixtureCommand),
    /// Print the completion script for a shell
    #[command(after_help = "The scripts of bash, zsh and fish also complete `git mind`, where \
                            git's own completion is installed. The program must be on the \
                            PATH.\n\nExamples:\n  git-mind completions bash > \
                            ~/.local/share/bash-completion/completions/git-mind\n  git-mind \
                            completions zsh > ~/.zfunc/_git-mind\n  git-mind completions fish > \
                            ~/.config/fish/completions/git-mind.fish")]
    Completions {
        shell: clap_complete::Shell,
    },
    Man(ManArgs),
}

/// Build the bitmap cache of a branch from its journal
///
/// What is written is a pack of its own, with --force that of a whole cache, even if it has the
/// same content as the cache that it replaces. Objects that only the replaced cache had are then
/// unreachable: git removes them when it collects garbage, as it does by itself after commits and
/// fetches when there are more packs than gc.autoPackLimit; a note says so when there are.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind cache-rebuild\n  git mind cache-rebuild --branch \
                        feature/x --strict\n  git mind cache-rebuild --edge-order newest-first \
                        --json | jq .shards_tree")]
pub(super) struct RebuildArgs {
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Rebuild the whole cache even if it is current
    #[arg(long)]
    pub(super) force: bool,
    /// Order of the edge ids
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderArg::OldestFirst)]
    pub(super) edge_order: OrderArg,
    /// Fail at the first malformed commit instead of skipping it
    #[arg(long)]
    pub(super) strict: bool,
    /// Number of threads [default: one for each core, at most 8]
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<NonZeroU8>,
    /// Fail if the edges exceed the memory limit, instead of using temporary files
    #[arg(long)]
    pub(super) no_spill: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OrderArg {
    /// Id 0 is the oldest edge; an append changes no id
    OldestFirst,
    /// Id 0 is the newest edge, as in the C tool
    NewestFirst,
}

impl From<OrderArg> for EdgeOrder {
    fn from(order: OrderArg) -> Self {
        match order {
            OrderArg::OldestFirst => Self::OldestFirst,
            OrderArg::NewestFirst => Self::NewestFirst,
        }
    }
}

/// Print the edges of a journal, newest first
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind list --limit 20\n  git mind list --from src/main.c \
                        --type depends_on\n  git mind list --source ai --min-confidence 0.9 \
                        --json")]
pub(super) struct ListArgs {
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    #[command(flatten)]
    pub(super) filter: ListFilter,
    /// Show the journal as of a commit of the journal, a commit of the code, or a date
    #[arg(long, value_name = "REV")]
    pub(super) at: Option<String>,
    /// Also show edges that were taken back, and the tombstones that took them back
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) habits: ListHabits,
    /// Print at most this many edges
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    #[command(flatten)]
    pub(super) view: ViewArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Count the edges, paths, authors and sessions of a journal
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind stats\n  git mind stats --limit 3 --branch \
                        feature/x\n  git mind stats --json | jq '.most_linked_paths[0].path'")]
pub(super) struct StatsArgs {
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Number of paths and of authors to show, those with the most edges first
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(super) limit: usize,
    #[command(flatten)]
    pub(super) view: ViewArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the edges that start or end at a file, in the order of their ids
///
/// Reads the cache, then the commits of the journal that are newer than the cache. If there is no
/// usable cache, it reads the whole journal and prints a warning with the reason.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "OBJECT is a path, relative to the current directory; an object id, which can \
                        be abbreviated; or REV:PATH, the content of a path in another commit. 40 \
                        hexadecimal digits are always an object id; a file with such a name is \
                        ./NAME.\n\nA path matches its content at HEAD, its older contents, and \
                        every edge that was recorded under this path, also if HEAD's commit does \
                        not have the path any more.\n\nExamples:\n  git \
                        mind query src/main.c\n  git mind query --to docs/spec.md --type \
                        implements\n  git mind query --from src/main.c --json | jq \
                        '.edges[].target_path'"
)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    pub(super) endpoint: EndpointArgs,
    /// Only edges of this type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", value_parser = RelationParser,
          hide_possible_values = true)]
    pub(super) relation: Option<RelationArg>,
    /// Only edges of the content at HEAD, not of older contents
    #[arg(long)]
    pub(super) exact: bool,
    /// Also show edges that were taken back, the tombstones that did it, and edges that connect two
    /// versions of the file
    #[arg(long)]
    pub(super) all: bool,
    /// Read the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print at most this many edges
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    #[command(flatten)]
    pub(super) view: ViewArgs,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// One end of edges, or either.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct EndpointArgs {
    /// Edges that start or end at this object
    #[arg(value_name = "OBJECT", value_hint = ValueHint::AnyPath)]
    either: Option<OsString>,
    /// Edges that start at this object
    #[arg(long, value_name = "OBJECT", value_hint = ValueHint::AnyPath)]
    from: Option<OsString>,
    /// Edges that end at this object
    #[arg(long, value_name = "OBJECT", value_hint = ValueHint::AnyPath)]
    to: Option<OsString>,
}

impl EndpointArgs {
    /// The argument that names the object, and the direction of the edges; `None`: both.
    pub(super) fn word(&self) -> (&OsStr, Option<Direction>) {
        let from = self.from.as_deref().map(|word| (word, Some(Direction::Forward)));
        let to = self.to.as_deref().map(|word| (word, Some(Direction::Reverse)));
        let either = self.either.as_deref().map(|word| (word, None));
        from.or(to).or(either).expect("this holds because the group is required")
    }
}

/// Append an edge between two files of HEAD's commit to a journal
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The author is taken from git's identity, or from the variables GIT_MIND_SOURCE \
                        (human, claude, gpt, ai, system, import), GIT_MIND_AUTHOR and \
                        GIT_MIND_SESSION if they are set.\n\n\
                        Examples:\n  git mind link src/parser.c docs/grammar.md --type \
                        implements\n  \
                        GIT_MIND_SOURCE=claude git mind link a.c b.c --type depends_on \
                        --confidence 0.8 --json"
)]
pub(super) struct LinkArgs {
    /// File or directory where the edge starts, relative to the current directory
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(super) source: PathBuf,
    /// File or directory where the edge ends, relative to the current directory
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(super) target: PathBuf,
    /// Type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", default_value = "references",
          value_parser = RelationParser, hide_possible_values = true)]
    pub(super) relation: RelationArg,
    /// Confidence from 0 to 1 [default: 1 for source human, 0.907 for others]
    #[arg(long, value_name = "FRACTION", value_parser = parse_confidence)]
    pub(super) confidence: Option<Confidence>,
    /// Append to the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Append edges from lines of JSON to a journal, all of them or none
///
/// Each line is a JSON object with the two ends of an edge: source_path and target_path, which are
/// paths in HEAD's commit from the top of the tree, or source_oid and target_oid. Optional members
/// are type (a name, or a number as a string) or type_number; confidence (from 0 to 1) or
/// confidence_stored; timestamp_ms; ulid; legacy_source_oid; legacy_target_oid; and attribution, an
/// object with source or source_number, author, session, flags and lane. The objects in `edges` of
/// `list --json` can be imported, except those with text that is not UTF-8 or has control
/// characters.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind import edges.jsonl\n  git mind query --from a.c \
                        --json | jq -c '.edges[]' | git mind import - --branch copy")]
pub(super) struct ImportArgs {
    /// File with the lines, or - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Skip edges whose ULID is already in the journal
    #[arg(long)]
    pub(super) skip_existing: bool,
    /// Append to the journal of this branch [default: the current branch]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Measure the memory that operations use on a journal, and compare it with their limits
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "The first table has, for each operation: `heap peak`, the most heap memory that \
                  it used at once; its limit `cap`; `share`, the peak as a part of the cap; \
                  `blocks`, the number of allocations; `failed`, the number of those that failed. \
                  In the second table, `charged` is the peak that was allocated through the \
                  memory budget, `allocated` the heap peak again, and `gap` their difference: \
                  heap that dependencies use outside the budget. `resident` is how much the \
                  peak of the process's resident memory (RSS) rose; it depends on the kernel and \
                  decides nothing. `blocks` and `resident` depend on the timing of threads, so \
                  they vary between runs. `revision` is the commit of the program: `(build)` if \
                  the build recorded it, `(checkout)` if it is the commit that is checked out \
                  here, `(not recorded)` if neither is known.\n\n\
                  Exit status: 0 within the caps; 1 over a cap or the tolerance, or an allocation \
                  failed, leaked or bypassed the allocator; 2 no verdict, or nothing to compare \
                  with.\n\nExamples:\n  git-mind budget\n  git-mind budget --fixture medium \
                  --json\n  git-mind budget --cap 4MiB --plot budget.svg\n  git-mind fixture \
                  make --edges 100000 --seed 1 100k\n  git-mind budget --fixture \
                  ./100k\n  git-mind budget --threads 1 --profile base.json\n  git-mind budget \
                  --threads 1 --against base.json --tolerance 1%"
)]
pub(super) struct BudgetArgs {
    /// Journal to measure: the name of a fixture, or the path of a bare repository with a journal
    /// of branch main; a path contains a `/`
    #[arg(long, value_name = "NAME|DIR", default_value = "history")]
    pub(super) fixture: String,
    /// Directory with fixtures.toml [default: `fixtures` in the current directory or a directory
    /// above it, else the one that was installed with the program]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) fixtures_dir: Option<PathBuf>,
    /// Memory limit of the rebuild, such as 64MiB; without a unit, in bytes [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_cap)]
    pub(super) cap: Option<Bytes>,
    /// Number of threads; with 1, each run gives the same numbers [default: one for each core]
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<NonZeroU8>,
    /// Write a plot of the allocated bytes over time, with the call sites that hold most at the
    /// peaks
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(super) plot: Option<PathBuf>,
    /// Write a profile of the heap at the peaks, by call stack: a flamegraph (.svg), a recording
    /// for --against (.json), folded stacks (.folded), or a baseline to commit (.txt); can be given
    /// more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          value_parser = ProfileFile::parse)]
    pub(super) profile: Vec<ProfileFile>,
    /// Compare the peaks, by call site, with those of this recording or baseline
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "json")]
    pub(super) against: Option<PathBuf>,
    /// How far a peak may exceed the one of --against
    #[arg(long, value_name = "PERCENT", default_value = "0%", requires = "against")]
    pub(super) tolerance: Tolerance,
    /// Print only the comparison, as a Markdown table for a pull request
    #[arg(long, requires = "against")]
    pub(super) markdown: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// List the environment variables of memory, logs and metrics, with their values
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind env\n  GM_ALLOC_TRACE=sites git-mind env --json")]
pub(super) struct EnvArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the manual page, or write the pages of all commands
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind man | man -l -\n  git-mind man --dir \
                        ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write the pages of git-mind and of each command to the existing directory DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
}

/// Make journals for measurements
#[derive(Clone, Debug, Subcommand)]
pub(super) enum FixtureCommand {
    Make(MakeArgs),
}

/// Make a bare repository with a journal of branch main
///
/// The same arguments give the same bytes on every machine.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  git-mind fixture make --edges 100000 --seed 1 journal.git \
                        && git-mind -C journal.git cache-rebuild")]
pub(super) struct MakeArgs {
    /// Number of edges
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) edges: u32,
    /// Seed of the generator; the same seed gives the same journal
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: u64,
    /// Number of edges in each commit
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::fixture::BATCH_MAX)))]
    pub(super) batch: u32,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    /// Directory to make; it must not exist or must be empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) directory: PathBuf,
}

/// A file for a profile; its name says what it is.
#[derive(Clone, Debug)]
pub(super) struct ProfileFile {
    pub(super) path: PathBuf,
    pub(super) format: ProfileFormat,
}

/// How a profile is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProfileFormat {
    Flamegraph,
    Recording,
    Folded,
    Baseline,
}

impl ProfileFile {
    fn parse(path: &str) -> Result<Self, &'static str> {
        let path = PathBuf::from(path);
        let format = match path.extension().and_then(OsStr::to_str) {
            Some("svg") => ProfileFormat::Flamegraph,
            Some("json") => ProfileFormat::Recording,
            Some("folded") => ProfileFormat::Folded,
            Some("txt") => ProfileFormat::Baseline,
            _ => return Err("the name of a profile ends in .svg, .json, .folded or .txt"),
        };
        Ok(Self { path, format })
    }
}

/// The worker threads beside the calling one for `--threads`; without it, one for each other core.
pub(super) fn workers(threads: Option<NonZeroU8>) -> usize {
    threads.map_or_else(available_workers, |threads| usize::from(threads.get()) - 1)
}

/// Parses a cap, in the format of the variables.
fn parse_cap(text: &str) -> Result<Bytes, String> {
    let accepts = "a cap is a number of bytes above 0, or with KiB, MiB or GiB as in 64MiB";
    crate::context::parse_size(text).ok_or_else(|| accepts.to_owned())
}
