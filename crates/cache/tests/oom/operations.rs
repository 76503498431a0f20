//! The swept operations: all those of the services, on a journal that reaches their call sites.

use crate::code;
use crate::sandbox::{Draft, JOURNAL, Sandbox, Stored};
use gitmind_cache::{
    Direction, Endpoint, Mode, Query, QueryError, Rebuild, RebuildOptions, Report,
};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_git::{Commit, ObjectKind, diff_trees};
use gitmind_journal::{
    Append, Attribution, Batch, Edge, EdgeOrder, Edges, JournalItem, MergeForm, Outcome, Relation,
    Statistics, WalkError, encode_edge, encode_message, read_newest,
};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable, MemoryError, Pooling, System, Vec, Zeroing};
use gitmind_ports::clock::{FixedClock, Timestamp};
use gitmind_ports::fs::FakeFileSystem;
use gitmind_ports::progress::Silent;
use gitmind_ports::random::CountingRandom;
use std::ops::ControlFlow;

/// Runs an operation on a sandbox with memory of the handle. The text it returns must be the same
/// in every run without a failure.
pub(crate) type Run = fn(&Sandbox, Alloc<'_>) -> Result<String, String>;

/// An operation that is swept.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    /// The content of the sandbox before the operation.
    pub(crate) starts_with: Start,
}

/// The content of a sandbox before an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Nothing,
    Journal,
    /// A journal with as many commits but fewer edges.
    Short,
    /// A journal whose commits are not adjacent in their pack.
    Scattered,
    /// A journal and a cache of all but its newest commits.
    OldCache,
    /// A journal and its current cache.
    Cache,
    /// A short journal, and two others that have diverged from it.
    Diverged,
    /// No journal, and commits of code.
    Code,
    /// A journal that has merged, as its second parent, the tip that its cache was built from.
    Merged,
}

/// The arena allocates its objects in shared blocks.
const POOLED: bool = true;
/// The arena allocates each object separately, as with the kill switch, so that every line that
/// allocates in the arena can fail.
const UNPOOLED: bool = false;

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation { name: "cache.rebuild", run: full::<POOLED>, starts_with: Start::Journal },
    Operation {
        name: "cache.rebuild newest-first",
        run: newest_first,
        starts_with: Start::Journal,
    },
    Operation {
        name: "cache.rebuild incremental",
        run: incremental::<POOLED>,
        starts_with: Start::OldCache,
    },
    Operation {
        name: "cache.rebuild incremental, switch",
        run: incremental::<UNPOOLED>,
        starts_with: Start::OldCache,
    },
    Operation {
        name: "cache.rebuild after a merge",
        run: incremental::<POOLED>,
        starts_with: Start::Merged,
    },
    Operation {
        name: "cache.rebuild spilling",
        run: spilling::<POOLED>,
        starts_with: Start::Short,
    },
    Operation {
        name: "cache.rebuild spilling, switch",
        run: spilling::<UNPOOLED>,
        starts_with: Start::Short,
    },
    Operation { name: "cache.rebuild spilling a hub", run: hub, starts_with: Start::Journal },
    Operation { name: "cache.rebuild current", run: current, starts_with: Start::Cache },
    Operation { name: "journal.append to nothing", run: append_one, starts_with: Start::Nothing },
    Operation { name: "journal.append one edge", run: append_one, starts_with: Start::Journal },
    Operation { name: "journal.append commits", run: append_many, starts_with: Start::Journal },
    Operation { name: "journal.merge", run: merge, starts_with: Start::Diverged },
    Operation { name: "journal.merge linear", run: merge_linear, starts_with: Start::Diverged },
    Operation { name: "journal.merge forward", run: fast_forward, starts_with: Start::Diverged },
    Operation { name: "journal.read", run: read, starts_with: Start::Short },
    Operation { name: "journal.read scattered", run: read, starts_with: Start::Scattered },
    Operation { name: "journal.read statistics", run: statistics, starts_with: Start::Short },
    Operation { name: "attr.query", run: filter, starts_with: Start::Short },
    Operation { name: "query from the cache", run: from_cache, starts_with: Start::Cache },
    Operation { name: "query with an old cache", run: from_cache, starts_with: Start::OldCache },
    Operation { name: "query by the journal", run: by_journal, starts_with: Start::Journal },
    Operation { name: "difference of trees", run: difference, starts_with: Start::Cache },
    Operation { name: "linked by a cache", run: linked, starts_with: Start::OldCache },
    Operation { name: "linked by the journal", run: linked, starts_with: Start::Short },
    Operation { name: "history of a path", run: code::history, starts_with: Start::Code },
    Operation { name: "query of a file", run: of_file::<true>, starts_with: Start::OldCache },
    Operation {
        name: "query of a file by the journal",
        run: of_file::<false>,
        starts_with: Start::Short,
    },
];

/// The id of a generated object.
fn object(number: usize) -> Oid {
    let mut bytes = [0x11; 20];
    bytes[0] = u8::try_from(number % 251).expect("it is below 251");
    bytes[1] = u8::try_from(number / 251).expect("few objects");
    Oid::new(bytes)
}

fn edge(number: usize) -> Edge<'static> {
    // A tombstone takes back the edge before it.
    let flags = if number % 11 == 3 { Attribution::REJECTED } else { 0 };
    let number = number - usize::from(flags != 0);
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let path: &[u8] = if number.is_multiple_of(2) { b"src/a.c" } else { b"docs/a.md" };
    // The objects of the newest edges have few other edges.
    let source = if number < 9 { 150 + number } else { number % 120 };
    let (source, target) = (object(source), object(number * 7 % 110));
    let relation = if number % 5 == 1 { Relation::AUGMENTS } else { Relation::REFERENCES };
    let attribution = Some(Attribution { flags, ..Attribution::default() });
    let paths = Edge { source_path: path, target_path: b"b.c", ..blank };
    Edge { source, target, relation, attribution, ..paths }
}

/// The message that holds the edges with these numbers.
fn message(numbers: std::ops::Range<usize>) -> std::vec::Vec<u8> {
    let system = System::new();
    let alloc = Alloc::new(&system);
    let (mut payload, mut message) = (Vec::new(alloc), Vec::new(alloc));
    for number in numbers {
        encode_edge(&edge(number), &mut payload).expect("within limits");
    }
    encode_message(&payload, &mut message).expect("within limits");
    message.to_vec()
}

/// Number of the oldest commits, which are in a pack that git wrote, with deltas.
const DELTAS: usize = 25;

/// Makes a sandbox with the content of `start`. The journal has a chain that is long enough to be
/// read as a stream, commits with many edges, a merge, a skipped commit and a truncated one, in two
/// packs; its newest commits are loose objects.
pub(crate) fn prepare(sandbox: &str, start: Start) -> Sandbox {
    let sandbox = Sandbox::new(sandbox);
    if start == Start::Nothing {
        return sandbox;
    }
    if start == Start::Diverged {
        return diverged(sandbox);
    }
    if start == Start::Code {
        return code::prepare(sandbox);
    }
    let mut known = vec![];
    // More edges than the initial capacity of the columns of a rebuild, or fewer.
    let edges = if start == Start::Short { 14 } else { 45 };
    let mut drafts = vec![Draft { parents: vec![], message: message(0..1) }];
    let push = |drafts: &mut std::vec::Vec<Draft>, message| {
        let parents = vec![drafts.len() - 1];
        drafts.push(Draft { parents, message });
    };
    for batch in 0..24 {
        push(&mut drafts, message(batch * edges..batch * edges + edges));
    }
    for number in 0..72 {
        push(&mut drafts, message(number..number + 1));
    }
    push(&mut drafts, b"no base64".to_vec());
    push(&mut drafts, b"oP8=".to_vec());
    let side = Draft { parents: vec![50], message: message(3..9) };
    let merge = Draft { parents: vec![drafts.len() - 1, drafts.len()], message: message(1..2) };
    drafts.extend([side, merge]);
    let (oldest, others) = drafts.split_at(DELTAS);
    sandbox.add(&mut known, oldest, Stored::NewestFirst);
    sandbox.repack();
    let is_scattered = start == Start::Scattered;
    let stored = if is_scattered { Stored::OldestFirst } else { Stored::NewestFirst };
    sandbox.add(&mut known, others, stored);
    let sandbox = sandbox.reopened();
    if start == Start::OldCache {
        rebuild(&sandbox, Alloc::new(&System::new()), POOLED, FULL, None).expect("a whole journal");
    }
    let newest: std::vec::Vec<_> = (0..3)
        .map(|number| Draft { parents: vec![known.len() - 1 + number], message: message(5..9) })
        .collect();
    sandbox.add(&mut known, &newest, Stored::Loose);
    let sandbox = sandbox.reopened();
    if matches!(start, Start::Cache | Start::Merged) {
        rebuild(&sandbox, Alloc::new(&System::new()), POOLED, FULL, None).expect("a whole journal");
    }
    if start == Start::Merged {
        let merge = foreign_merge(known.len());
        sandbox.add(&mut known, &merge, Stored::Loose);
    }
    sandbox
}

/// The refs of other journals: the first two have diverged from ours, the last is ahead of it.
const OTHERS: [&str; 3] = [
    "refs/gitmind/remotes/a/edges/main",
    "refs/gitmind/remotes/b/edges/main",
    "refs/gitmind/remotes/c/edges/main",
];

fn diverged(sandbox: Sandbox) -> Sandbox {
    let mut known = vec![];
    let commits = [
        (None, message(0..2), JOURNAL),
        (Some(0), message(2..9), OTHERS[0]),
        (Some(0), b"no base64".to_vec(), OTHERS[1]),
        (Some(0), message(9..12), JOURNAL),
        (Some(3), message(12..13), OTHERS[2]),
    ];
    for (parent, message, name) in commits {
        let draft = Draft { parents: parent.into_iter().collect(), message };
        sandbox.add(&mut known, &[draft], Stored::Loose);
        sandbox.put(name, known.last().copied());
    }
    sandbox.put(JOURNAL, Some(known[3]));
    sandbox.reopened()
}

/// A merge of the last of `count` commits into a journal that goes on from the truncated commit and
/// the side chain below it. Its first commit has no edges, nor has the truncated one, which the
/// cache has counted.
fn foreign_merge(count: usize) -> [Draft; 3] {
    let last = count - 1;
    [
        Draft { parents: vec![last - 5, last - 4], message: b"no base64".to_vec() },
        Draft { parents: vec![count], message: message(5..9) },
        Draft { parents: vec![count + 1, last], message: message(1..2) },
    ]
}

const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
const FULL: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };

fn branch() -> BranchName {
    BranchName::new("main").expect("a name")
}

fn rebuild(
    sandbox: &Sandbox,
    alloc: Alloc<'_>,
    is_pooled: bool,
    options: RebuildOptions,
    cap: Option<Bytes>,
) -> Result<Report, String> {
    let spill_disk = FakeFileSystem::new();
    let pooling = if is_pooled { Pooling::On } else { Pooling::Off };
    let (hint, most) = (Bytes::new(4096), cap.unwrap_or(Bytes::from_mib(256)));
    let mut arena = Arena::with(alloc, hint, most, pooling, Zeroing::Off);
    let (repository, progress) = (sandbox.repository(), &Silent);
    let spills = cap.map(|_| &spill_disk as _);
    let texts = &InternTable::seeded(alloc, pooling, Zeroing::Off, 7);
    let (clock, disk) = (&CLOCK, spills);
    let rebuild = Rebuild { alloc, repository, clock, progress, disk, workers: 0, texts };
    let done = rebuild.run(&mut arena, &branch(), options).map_err(|error| error.to_string());
    // Only the directory of the scope, above the temporary directories, may remain.
    assert!(spill_disk.count() <= FakeFileSystem::new().count() + 1, "temporary files are left");
    done
}

/// The outcome of a rebuild, as text.
fn shown(report: &Report) -> String {
    format!("{:?} {} {:?}", report.mode, report.root_tree, report.meta)
}

fn full<const IS_POOLED: bool>(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(sandbox, alloc, IS_POOLED, FULL, None)?;
    assert_eq!((report.mode, report.spilled), (Mode::Full, Bytes::ZERO));
    Ok(shown(&report))
}

fn newest_first(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let options = RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..FULL };
    rebuild(sandbox, alloc, POOLED, options, None).map(|report| shown(&report))
}

fn incremental<const IS_POOLED: bool>(
    sandbox: &Sandbox,
    alloc: Alloc<'_>,
) -> Result<String, String> {
    let report = rebuild(sandbox, alloc, IS_POOLED, FULL, None)?;
    assert_eq!(report.mode, Mode::Incremental, "{:?}", report.full_because);
    Ok(shown(&report))
}

fn spilling<const IS_POOLED: bool>(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(sandbox, alloc, IS_POOLED, FULL, Some(Bytes::new(48 << 10)))?;
    assert!(report.spilled > Bytes::ZERO);
    Ok(shown(&report))
}

/// The target of every edge has the same path, whose edges do not fit.
fn hub(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(sandbox, alloc, POOLED, FULL, Some(Bytes::new(16 << 10)))?;
    assert!(report.spilled > Bytes::ZERO);
    Ok(shown(&report))
}

fn current(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(sandbox, alloc, POOLED, FULL, None)?;
    assert_eq!(report.mode, Mode::Current);
    Ok(shown(&report))
}

fn append(sandbox: &Sandbox, alloc: Alloc<'_>, edges: usize) -> Result<String, String> {
    let mut batch = Batch::new(alloc);
    let pushed = (0..edges).try_for_each(|number| batch.push(&edge(number)));
    pushed.map_err(|error| error.to_string())?;
    let random = CountingRandom::new(0);
    let append = Append { alloc, repository: sandbox.repository(), clock: &CLOCK, random: &random };
    let appended = append.run(&branch(), &batch).map_err(|error| error.to_string())?;
    Ok(format!("{:?} {}", appended.tip, appended.commits))
}

fn append_one(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    append(sandbox, alloc, 1)
}

fn append_many(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    append(sandbox, alloc, 1500)
}

/// Merges the journals at these refs.
fn merge_all(
    sandbox: &Sandbox,
    alloc: Alloc<'_>,
    names: &[&str],
    form: MergeForm,
) -> Result<String, String> {
    let others: std::vec::Vec<_> =
        names.iter().map(|name| sandbox.resolve(name).expect("it was made")).collect();
    let random = CountingRandom::new(0);
    let service =
        Append { alloc, repository: sandbox.repository(), clock: &CLOCK, random: &random };
    let merged = service.merge(&branch(), &others, form).map_err(|error| error.to_string())?;
    assert!(merged.outcomes.iter().all(|outcome| *outcome != Outcome::UpToDate));
    Ok(format!("{:?} {:?} {}", merged.outcomes, merged.after, merged.appended))
}

fn merge(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    merge_all(sandbox, alloc, &OTHERS, MergeForm::Commit)
}

fn merge_linear(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    merge_all(sandbox, alloc, &OTHERS[..2], MergeForm::Linear)
}

fn fast_forward(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    merge_all(sandbox, alloc, &OTHERS[2..], MergeForm::Commit)
}

/// Reads the journal and counts the edges with this source path, or all edges.
fn count(sandbox: &Sandbox, alloc: Alloc<'_>, wanted: Option<&[u8]>) -> Result<String, String> {
    let tip = sandbox.resolve(JOURNAL).expect("it was made");
    let (mut edges, mut malformed) = (0, 0);
    read_newest(sandbox.repository(), alloc, tip, |item| {
        match item {
            JournalItem::Edge(_, edge) => {
                edges += u32::from(wanted.is_none_or(|path| path == edge.source_path));
            }
            JournalItem::Malformed(_) => malformed += 1,
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    })
    .map_err(|error| error.to_string())?;
    Ok(format!("{edges} edges, {malformed} malformed"))
}

fn read(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    count(sandbox, alloc, None)
}

fn filter(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    count(sandbox, alloc, Some(b"docs/a.md"))
}

fn statistics(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let tip = sandbox.resolve(JOURNAL).expect("it was made");
    let table = InternTable::seeded(alloc, Pooling::On, Zeroing::Off, 7);
    let counted = Statistics::read(sandbox.repository(), alloc, tip, table);
    let counted = counted.map_err(|error| error.to_string())?;
    let mut said = vec![];
    counted
        .most_linked_paths(9, |path, degree| {
            said.push(format!("{path:?} {degree:?}"));
            Ok::<_, MemoryError>(())
        })
        .and_then(|()| {
            counted.relations(|relation, edges| {
                said.push(format!("{relation:?} {edges}"));
                Ok(())
            })
        })
        .and_then(|()| counted.origins(|_, _| Ok(())))
        .and_then(|()| counted.most_active_authors(9, |_, _| Ok(())))
        .map_err(|error| error.to_string())?;
    Ok(format!("{said:?} of {counted:?} in {} commits", counted.commits()))
}

fn query(
    sandbox: &Sandbox,
    alloc: Alloc<'_>,
    endpoint: Endpoint<'_>,
    from_cache: bool,
) -> Result<String, String> {
    let query = Query { alloc, repository: sandbox.repository() };
    let mut found_edges = vec![];
    let answer = query.run(&branch(), endpoint, |found| {
        found_edges.push((found.id, found.content, found.standing));
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    });
    let answer = answer.map_err(|error| error.to_string())?;
    assert_eq!(answer.unusable.is_none(), from_cache, "{:?}", answer.unusable);
    assert!(found_edges.len() > 3, "{found_edges:?}");
    Ok(format!("{found_edges:?}"))
}

fn from_cache(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    query(sandbox, alloc, Endpoint::object(object(7), Direction::Forward), true)
}

fn by_journal(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    query(sandbox, alloc, Endpoint::object(object(7), Direction::Forward), false)
}

fn of_file<const FROM_CACHE: bool>(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let file = Endpoint::file(Some(object(7)), b"b.c", None);
    let said = query(sandbox, alloc, file, FROM_CACHE)?;
    assert!(said.contains("Older(") && said.contains("TakenBack"));
    Ok(said)
}

fn linked(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let query = Query { alloc, repository: sandbox.repository() };
    let ends = [
        (object(7), &b""[..]),
        (Oid::new([0xee; 20]), b"b.c"),
        (Oid::new([0xee; 20]), b"no/such/path"),
    ];
    let linked = query.linked(&branch(), &ends).map_err(|error| error.to_string())?;
    assert_eq!(*linked, [true, true, false]);
    Ok(format!("{linked:?}"))
}

/// The first entries of a cache, against no tree.
fn difference(sandbox: &Sandbox, alloc: Alloc<'_>) -> Result<String, String> {
    let repository = sandbox.repository();
    let cache = repository.resolve(&branch().cache_ref()).expect("readable").expect("a cache");
    let (mut commit, mut paths) = (Vec::new(alloc), vec![]);
    let read = repository.read(cache, ObjectKind::Commit, &mut commit);
    read.map_err(|error| error.to_string())?;
    let tree = Commit::parse_stored(cache, &commit).expect("a commit").tree;
    let compared = diff_trees(repository, alloc, None, Some(tree), &mut |change| {
        paths.push(change.path.to_vec());
        Ok(if paths.len() < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    });
    compared.map_err(|error| error.to_string())?;
    assert!(paths.iter().any(|path| path.contains(&b'/')), "one is in a directory");
    Ok(format!("{paths:?}"))
}
