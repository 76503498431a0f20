//! The command-line arguments and their help.

use super::habits::{Habits, ListHabits};
use super::hooks::HooksCommand;
use super::list_filter::ListFilter;
use super::merge::MergeArgs;
use super::relation::{RelationArg, RelationParser, parse_confidence};
use super::sync::SyncArgs;
use super::unlink::UnlinkArgs;
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
                  no verdict.\n\nSignals: at SIGUSR1 a long command prints on stderr which \
                  operation runs, with its memory, limit, peak, failures and time.\n\n\
                  Examples:\n  git mind cache-rebuild\n  git mind -C ../repo list --limit 10\n  \
                  git-mind budget --json"
)]
pub struct Args {
    /// Run as if started in DIR; may be given more than once
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
    #[command(after_help = "Example:\n  git-mind completions bash \
                            > ~/.local/share/bash-completion/completions/git-mind")]
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
    /// Branch whose journal to read [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Rebuild even when the cache is current
    #[arg(long)]
    pub(super) force: bool,
    /// How edges are numbered; newest-first gives the C tool's ids
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = OrderArg::OldestFirst)]
    pub(super) edge_order: OrderArg,
    /// Strict mode: fail on the first malformed commit instead of skipping it
    #[arg(long)]
    pub(super) strict: bool,
    /// Threads that read and encode [default: one per core, at most 8]
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<NonZeroU8>,
    /// Fail when edges exceed the arena's cap, instead of spilling them to disk
    #[arg(long)]
    pub(super) no_spill: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OrderArg {
    /// Stable ids: 0 is the oldest edge, and an append changes no id
    OldestFirst,
    /// Ids of the C tool: 0 is the newest edge
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
    /// Branch whose journal to read [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    #[command(flatten)]
    pub(super) filter: ListFilter,
    /// The edges of then: as of a commit of the journal, a commit of the code or a date
    #[arg(long, value_name = "REV")]
    pub(super) at: Option<String>,
    /// Also show edges that were taken back, and the tombstones that took them back
    #[arg(long)]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) habits: ListHabits,
    /// Stop after this many edges
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Count the edges, paths, authors and sessions of a journal
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind stats\n  git mind stats --limit 3 --branch \
                        feature/x\n  git mind stats --json | jq '.most_linked_paths[0].path'")]
pub(super) struct StatsArgs {
    /// Branch whose journal to read [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Show this many of the most linked paths, and of the most active authors
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(super) limit: usize,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the edges that start or end at a file, in the order of their ids
///
/// The answer is from the cache, and from the commits of the journal that are newer. When the cache
/// cannot be used it is from the journal alone, and a warning says why.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "An object is a path of HEAD's commit, relative to the current directory; an \
                        object id; or REV:PATH, the content of a path in another commit. Ids may \
                        be abbreviated; 40 hexadecimal digits are always an id, and a file with \
                        that name is ./NAME. A path stands for its content at HEAD, for the \
                        older contents that AUGMENTS edges lead from, and for every edge that was \
                        recorded under it; HEAD need not have it any more.\n\nExamples:\n  git \
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
    /// Only edges of the content that the path has at HEAD
    #[arg(long)]
    pub(super) exact: bool,
    /// Also show edges that were taken back, tombstones, and edges that connect two versions of the
    /// file
    #[arg(long)]
    pub(super) all: bool,
    /// Branch whose edges to print [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Stop after this many edges
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
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
    after_help = "The author is git's identity, unless GIT_MIND_SOURCE (human, claude, gpt, ai, \
                        system, import), GIT_MIND_AUTHOR and GIT_MIND_SESSION say otherwise.\n\n\
                        Examples:\n  git mind link src/parser.c docs/grammar.md --type \
                        implements\n  \
                        GIT_MIND_SOURCE=claude git mind link a.c b.c --type depends_on \
                        --confidence 0.8 --json"
)]
pub(super) struct LinkArgs {
    /// File or directory that the edge starts at, relative to the current directory
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(super) source: PathBuf,
    /// File or directory that the edge ends at, relative to the current directory
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(super) target: PathBuf,
    /// Type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", default_value = "references",
          value_parser = RelationParser, hide_possible_values = true)]
    pub(super) relation: RelationArg,
    /// Confidence from 0 to 1 [default: 1 for source human, 0.907 for others]
    #[arg(long, value_name = "FRACTION", value_parser = parse_confidence)]
    pub(super) confidence: Option<Confidence>,
    /// Branch whose journal to append to [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Append edges from lines of JSON to a journal, all of them or none
///
/// A line is a JSON object with source_path and target_path, which are paths of HEAD's commit from
/// the top of its tree, or with source_oid and target_oid. Optional are type (a name, or a number
/// as a string) or type_number, confidence (from 0 to 1) or confidence_stored, timestamp_ms, ulid,
/// legacy_source_oid, legacy_target_oid, and attribution with source or source_number, author,
/// session, flags and lane. The objects in `edges` of `list --json` can be imported, except those
/// with text that is not UTF-8 or has control characters.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind import edges.jsonl\n  git mind query --from a.c \
                        --json | jq -c '.edges[]' | git mind import - --branch copy")]
pub(super) struct ImportArgs {
    /// File with the lines, or - for standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Leave out edges whose ULID is in the journal already
    #[arg(long)]
    pub(super) skip_existing: bool,
    /// Branch whose journal to append to [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Measure the memory that the operations need on a pinned journal
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 within the caps; 1 over a cap or the tolerance, or an allocation \
                  failed, leaked or bypassed the allocator; 2 no verdict, or nothing to compare \
                  with.\n\nExamples:\n  git-mind budget\n  git-mind budget --fixture medium \
                  --json\n  git-mind budget --cap 4MiB --plot budget.svg\n  git-mind budget \
                  --fixture ./100k, after git-mind fixture make --edges 100000 --seed 1 \
                  ./100k\n  git-mind budget --threads 1 --profile base.json\n  git-mind budget \
                  --threads 1 --against base.json --tolerance 1%"
)]
pub(super) struct BudgetArgs {
    /// Fixture to measure: its name, or the path, with a `/`, of a bare repository with a journal
    /// for branch main
    #[arg(long, value_name = "NAME|DIR", default_value = "history")]
    pub(super) fixture: String,
    /// Directory with fixtures.toml [default: `fixtures` in the current directory or one above it,
    /// or as installed]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) fixtures_dir: Option<PathBuf>,
    /// Cap of the rebuild, in bytes or with KiB, MiB or GiB [default: 256MiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_cap)]
    pub(super) cap: Option<Bytes>,
    /// Threads to use; with 1, every figure is the same in each run [default: one for each core]
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<NonZeroU8>,
    /// Write a plot of the live bytes over time to this file, with the largest holders at the peaks
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(super) plot: Option<PathBuf>,
    /// Write who held the heap at the peaks, by call stack: a flamegraph (.svg), a recording for
    /// --against (.json), folded stacks (.folded), or lines to commit as a baseline (.txt); may be
    /// given more than once
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
          value_parser = ProfileFile::parse)]
    pub(super) profile: Vec<ProfileFile>,
    /// Compare the peaks with those of this recording or baseline, by call site
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "json")]
    pub(super) against: Option<PathBuf>,
    /// How much a peak may be above that of --against
    #[arg(long, value_name = "PERCENT", default_value = "0%", requires = "against")]
    pub(super) tolerance: Tolerance,
    /// Print the comparison alone, as a Markdown table for a pull request
    #[arg(long, requires = "against")]
    pub(super) markdown: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// List the environment variables of memory, logs and metrics with value and origin
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind env\n  GM_ALLOC_TRACE=sites git-mind env --json")]
pub(super) struct EnvArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the man page, or write the pages of all commands
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind man | man -l -\n  git-mind man --dir \
                        ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write the man pages of git-mind and of each command into the existing directory DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
}

/// Make journals for measurements
#[derive(Clone, Debug, Subcommand)]
pub(super) enum FixtureCommand {
    Make(MakeArgs),
}

/// Make a bare repository with a journal on branch main
///
/// The same arguments give the same bytes on every machine.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  git-mind fixture make --edges 100000 --seed 1 journal.git \
                        && git-mind -C journal.git cache-rebuild")]
pub(super) struct MakeArgs {
    /// Edges in the journal
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) edges: u32,
    /// Seed of the generator; the same seed gives the same journal
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: u64,
    /// Edges in each commit
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
