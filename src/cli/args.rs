//! The arguments and their help.

use super::list_filter::ListFilter;
use super::relation::{RelationArg, parse_confidence, parse_relation};
use crate::cache::Direction;
use crate::journal::{Confidence, EdgeOrder};
use crate::units::Bytes;
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU8;
use std::path::PathBuf;

/// git-mind's journal and cache: edges between blobs, kept inside a git repository.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "git-mind",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done or within budget, 1 failed or over budget, 2 wrong usage or \
                  could not tell.\n\nExamples:\n  git mind cache-rebuild\n  git mind -C ../repo \
                  list --limit 10\n  git-mind budget --json"
)]
pub struct Args {
    /// Run as if started in DIR; may be given more than once
    #[arg(short = 'C', value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(super) directories: Vec<PathBuf>,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    CacheRebuild(RebuildArgs),
    List(ListArgs),
    Query(QueryArgs),
    Link(LinkArgs),
    Import(ImportArgs),
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
    /// Fail on the first malformed commit instead of skipping it
    #[arg(long)]
    pub(super) strict: bool,
    /// Threads that read and encode [default: one for each core, at most 8]
    #[arg(long, value_name = "COUNT")]
    pub(super) threads: Option<NonZeroU8>,
    /// Fail when the arena's cap is reached, instead of moving edges to the disk
    #[arg(long)]
    pub(super) no_spill: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OrderArg {
    /// Stable: an append changes no id
    OldestFirst,
    /// The C tool's: 0 is the newest edge
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

/// Print the edges of a journal, newest commit first
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
    /// Stop after this many edges
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the edges that start or end at a file, in the order of their ids
///
/// The cache of the branch answers when it is current, else the journal, and a warning says why.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "An object is a path at HEAD, as seen from the current folder, or an id of \
                        40 hexadecimal digits. Digits are always an id; ./NAME is a file that is \
                        called so. A path means the content that it has at HEAD: what was \
                        recorded for an older one is found by that one's id.\n\nExamples:\n  git \
                        mind query --from src/main.c\n  git mind query --to docs/spec.md \
                        --type implements\n  git mind query --from src/main.c --json \
                        | jq '.edges[].target_path'"
)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    pub(super) endpoint: EndpointArgs,
    /// Only edges of this type: implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_relation)]
    pub(super) relation: Option<RelationArg>,
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

/// One end of edges.
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct EndpointArgs {
    /// Edges that start at this object
    #[arg(long, value_name = "OBJECT", value_hint = ValueHint::AnyPath)]
    from: Option<OsString>,
    /// Edges that end at this object
    #[arg(long, value_name = "OBJECT", value_hint = ValueHint::AnyPath)]
    to: Option<OsString>,
}

impl EndpointArgs {
    /// The object as it was typed, and which edges of it.
    pub(super) fn word(&self) -> (&OsStr, Direction) {
        let from = self.from.as_deref().map(|word| (word, Direction::Forward));
        let to = self.to.as_deref().map(|word| (word, Direction::Reverse));
        from.or(to).expect("this holds because the group is required")
    }
}

/// Append an edge between two files of HEAD's commit to a journal
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Who writes is in GIT_MIND_SOURCE (human, claude, gpt, ai, system, import), \
                        GIT_MIND_AUTHOR and GIT_MIND_SESSION.\n\nExamples:\n  git mind link \
                        src/parser.c docs/grammar.md --type implements\n  GIT_MIND_SOURCE=claude \
                        git mind link a.c b.c --type depends_on --confidence 0.8 --json"
)]
pub(super) struct LinkArgs {
    /// File or folder that the edge starts at, as seen from the current folder
    #[arg(value_name = "SOURCE", value_hint = ValueHint::AnyPath)]
    pub(super) source: PathBuf,
    /// File or folder that the edge ends at
    #[arg(value_name = "TARGET", value_hint = ValueHint::AnyPath)]
    pub(super) target: PathBuf,
    /// implements, references, depends_on, augments, custom, or a number
    #[arg(long = "type", value_name = "TYPE", default_value = "references",
          value_parser = parse_relation)]
    pub(super) relation: RelationArg,
    /// How sure it is, from 0 to 1 [default: certain for people, 0.907 for programs]
    #[arg(long, value_name = "FRACTION", value_parser = parse_confidence)]
    pub(super) confidence: Option<Confidence>,
    /// Branch whose journal gets it [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Append edges from lines of JSON to a journal, all of them or none
///
/// A line is an object with source_path and target_path, files of HEAD's commit from the top of its
/// tree, or source_oid and target_oid. Optional are type (a name, or digits in quotes) or
/// type_number, confidence (from nought to one) or confidence_stored, timestamp_ms, ulid,
/// legacy_source_oid, legacy_target_oid, and attribution with source or source_number, author,
/// session, flags and lane. So the edges that list prints as JSON are such lines, but for those
/// with a text that is not UTF-8 or has control characters, which no new edge may have.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git mind import edges.jsonl\n  git mind query --from a.c \
                        --json | jq -c '.edges[]' | git mind import - --branch copy")]
pub(super) struct ImportArgs {
    /// File with the lines, or - for the standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// Branch whose journal gets them [default: the one that is checked out]
    #[arg(long, value_name = "NAME")]
    pub(super) branch: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Measure the memory that the operations need on a pinned journal
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 within the caps; 1 over one, or memory was refused, went past \
                  the port or was not given back; 2 could not tell.\n\nExamples:\n  git-mind \
                  budget\n  git-mind budget --fixture medium --json\n  git-mind budget --cap 4MiB \
                  --plot budget.svg\n  git-mind budget --fixture ./100k, after git-mind fixture \
                  make --edges 100000 --seed 1 ./100k"
)]
pub(super) struct BudgetArgs {
    /// Fixture to measure on: its name, or a bare repository, named with a `/`, whose branch main
    /// has a journal
    #[arg(long, value_name = "NAME|DIR", default_value = "history")]
    pub(super) fixture: String,
    /// Folder with fixtures.toml [default: `fixtures` here or above, or as installed]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) fixtures_dir: Option<PathBuf>,
    /// Cap of the rebuild instead of 256MiB: bytes, also with KiB, MiB or GiB
    #[arg(long, value_name = "BYTES", value_parser = parse_cap)]
    pub(super) cap: Option<Bytes>,
    /// Draw the live bytes over time
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub(super) plot: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// List the variables of memory, logs and metrics, with value and origin
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind env\n  GM_ALLOC_TRACE=sites git-mind env --json")]
pub(super) struct EnvArgs {
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

/// Print the man page, or write those of all commands
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:\n  git-mind man | man -l -\n  git-mind man --dir \
                        ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write git-mind.1 and a page for each command into DIR, which exists, and print nothing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,
}

/// Make journals to measure
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
    /// Which of all journals of that size
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: u64,
    /// Edges in each commit
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::fixture::BATCH_MAX)))]
    pub(super) batch: u32,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
    /// Folder to make; it must not exist, or be empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) folder: PathBuf,
}

/// A cap, as variables have it.
fn parse_cap(text: &str) -> Result<Bytes, String> {
    let accepts = "a cap is a number of bytes above 0, also with KiB, MiB or GiB as in 64MiB";
    crate::context::parse_size(text).ok_or_else(|| accepts.to_owned())
}
