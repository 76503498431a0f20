//! What is swept: every operation of the services, on a journal that reaches their call sites.

use crate::place::{Draft, JOURNAL, Place, Stored};
use gitmind_cache::{
    Direction, Endpoint, Mode, Query, QueryError, Rebuild, RebuildOptions, Report,
};
use gitmind_git::branch::BranchName;
use gitmind_git::oid::Oid;
use gitmind_journal::{
    Append, Batch, Edge, EdgeOrder, Edges, JournalItem, Texts, WalkError, encode_edge,
    encode_message, read_newest,
};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, Arena, InternTable, Pooling, System, Vec, Zeroing};
use gitmind_ports::clock::{FixedClock, Timestamp};
use gitmind_ports::fs::FakeFileSystem;
use gitmind_ports::progress::Silent;
use gitmind_ports::random::CountingRandom;
use std::ops::ControlFlow;

/// What is done on a place, in memory of the handle.
pub(crate) type Run = fn(&Place, Alloc<'_>) -> Result<String, String>;

/// An operation: what it does on a place, in memory of the handle. What it returns is what another
/// run must return as well.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    /// Whether a cache of all but the newest commits is there before.
    pub(crate) starts_with: Start,
}

/// What is there before an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Nothing,
    Journal,
    /// A journal of as many commits with fewer edges.
    Short,
    /// A journal whose commits are no neighbours in their pack.
    Scattered,
    OldCache,
    Cache,
}

/// Objects of the arena share blocks, or each is a request of its own, as with the kill switch:
/// then each line that takes memory of the arena can be refused.
const POOLED: bool = true;
const APART: bool = false;

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
        run: incremental::<APART>,
        starts_with: Start::OldCache,
    },
    Operation {
        name: "cache.rebuild spilling",
        run: spilling::<POOLED>,
        starts_with: Start::Short,
    },
    Operation {
        name: "cache.rebuild spilling, switch",
        run: spilling::<APART>,
        starts_with: Start::Short,
    },
    Operation { name: "cache.rebuild current", run: current, starts_with: Start::Cache },
    Operation { name: "journal.append to nothing", run: append_one, starts_with: Start::Nothing },
    Operation { name: "journal.append one edge", run: append_one, starts_with: Start::Journal },
    Operation { name: "journal.append commits", run: append_many, starts_with: Start::Journal },
    Operation { name: "journal.read", run: read, starts_with: Start::Short },
    Operation { name: "journal.read scattered", run: read, starts_with: Start::Scattered },
    Operation { name: "attr.query", run: filter, starts_with: Start::Short },
    Operation { name: "query from the cache", run: from_cache, starts_with: Start::Cache },
    Operation { name: "query with an old cache", run: by_journal, starts_with: Start::OldCache },
    Operation { name: "query by the journal", run: by_journal, starts_with: Start::Journal },
];

/// The id of a generated object.
fn object(number: usize) -> Oid {
    let mut bytes = [0x11; 20];
    bytes[0] = u8::try_from(number % 251).expect("it is below 251");
    bytes[1] = u8::try_from(number / 251).expect("few objects");
    Oid::new(bytes)
}

fn edge(number: usize) -> Edge<'static> {
    let blank = Edges::new(&[0xa0]).next().expect("an edge").expect("a whole one");
    let path: &[u8] = if number.is_multiple_of(2) { b"src/a.c" } else { b"docs/a.md" };
    // The newest edges are of objects that have few.
    let source = if number < 9 { 150 + number } else { number % 120 };
    let (source, target) = (object(source), object(number * 7 % 110));
    Edge { source, target, source_path: path, target_path: b"b.c", ..blank }
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

/// The oldest commits, which are in a pack of git's, with deltas.
const DELTAS: usize = 25;

/// A chain that is long enough for a stream, batches that fill more than the first arrays, a merge,
/// a commit that is skipped and one that is cut short, in two packs; and, on top, the
/// newest commits, each a file of its own. Then what the operation starts with.
pub(crate) fn prepare(place: &str, start: Start) -> Place {
    let place = Place::new(place);
    if start == Start::Nothing {
        return place;
    }
    let mut known = vec![];
    // More edges than the arrays of a rebuild in memory have room for from the start, or fewer.
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
    place.add(&mut known, oldest, Stored::NewestFirst);
    place.repack();
    let is_scattered = start == Start::Scattered;
    let stored = if is_scattered { Stored::OldestFirst } else { Stored::NewestFirst };
    place.add(&mut known, others, stored);
    let place = place.reopened();
    if start == Start::OldCache {
        rebuild(&place, Alloc::new(&System::new()), POOLED, FULL, None).expect("a whole journal");
    }
    let newest: std::vec::Vec<_> = (0..3)
        .map(|number| Draft { parents: vec![known.len() - 1 + number], message: message(5..9) })
        .collect();
    place.add(&mut known, &newest, Stored::Loose);
    let place = place.reopened();
    if start == Start::Cache {
        rebuild(&place, Alloc::new(&System::new()), POOLED, FULL, None).expect("a whole journal");
    }
    place
}

const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 0 });
const FULL: RebuildOptions =
    RebuildOptions { edge_order: EdgeOrder::OldestFirst, force: false, strict: false };

fn branch() -> BranchName {
    BranchName::new("main").expect("a name")
}

fn rebuild(
    place: &Place,
    alloc: Alloc<'_>,
    is_pooled: bool,
    options: RebuildOptions,
    cap: Option<Bytes>,
) -> Result<Report, String> {
    let disk = FakeFileSystem::new();
    let pooling = if is_pooled { Pooling::On } else { Pooling::Off };
    let (hint, most) = (Bytes::new(4096), cap.unwrap_or(Bytes::from_mib(256)));
    let mut arena = Arena::with(alloc, hint, most, pooling, Zeroing::Off);
    let (repository, progress) = (place.repository(), &Silent);
    let spills = cap.map(|_| &disk as _);
    let rebuild = Rebuild { alloc, repository, clock: &CLOCK, progress, disk: spills, workers: 0 };
    let done = rebuild.run(&mut arena, &branch(), options).map_err(|error| error.to_string());
    // The folder that temporary ones are in stays.
    assert!(disk.count() <= FakeFileSystem::new().count() + 1, "temporary files are left");
    done
}

/// What a rebuild gave, as text.
fn shown(report: &Report) -> String {
    format!("{:?} {} {:?}", report.mode, report.root_tree, report.meta)
}

fn full<const IS_POOLED: bool>(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(place, alloc, IS_POOLED, FULL, None)?;
    assert_eq!((report.mode, report.spilled), (Mode::Full, Bytes::ZERO));
    Ok(shown(&report))
}

fn newest_first(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let options = RebuildOptions { edge_order: EdgeOrder::NewestFirst, ..FULL };
    rebuild(place, alloc, POOLED, options, None).map(|report| shown(&report))
}

fn incremental<const IS_POOLED: bool>(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(place, alloc, IS_POOLED, FULL, None)?;
    assert_eq!(report.mode, Mode::Incremental, "{:?}", report.full_because);
    Ok(shown(&report))
}

fn spilling<const IS_POOLED: bool>(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(place, alloc, IS_POOLED, FULL, Some(Bytes::new(48 << 10)))?;
    assert!(report.spilled > Bytes::ZERO);
    Ok(shown(&report))
}

fn current(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let report = rebuild(place, alloc, POOLED, FULL, None)?;
    assert_eq!(report.mode, Mode::Current);
    Ok(shown(&report))
}

fn append(place: &Place, alloc: Alloc<'_>, edges: usize) -> Result<String, String> {
    let mut batch = Batch::new(alloc);
    let pushed = (0..edges).try_for_each(|number| batch.push(&edge(number)));
    pushed.map_err(|error| error.to_string())?;
    let random = CountingRandom::new(0);
    let append = Append { alloc, repository: place.repository(), clock: &CLOCK, random: &random };
    let appended = append.run(&branch(), &batch).map_err(|error| error.to_string())?;
    Ok(format!("{:?} {}", appended.tip, appended.commits))
}

fn append_one(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    append(place, alloc, 1)
}

fn append_many(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    append(place, alloc, 1500)
}

/// Reads the journal and keeps the texts of the edges with this source path, or of all.
fn keep(place: &Place, alloc: Alloc<'_>, wanted: Option<&[u8]>) -> Result<String, String> {
    let tip = place.resolve(JOURNAL).expect("it was made");
    let mut texts = Texts::new(InternTable::seeded(alloc, Pooling::On, Zeroing::Off, 7));
    let (mut kept, mut malformed) = (Vec::new(alloc), 0);
    read_newest(place.repository(), alloc, tip, |met| {
        match met {
            JournalItem::Edge(_, edge) if wanted.is_none_or(|path| path == edge.source_path) => {
                kept.try_push(texts.keep(edge)?)?;
            }
            JournalItem::Edge(..) => {}
            JournalItem::Malformed(_) => malformed += 1,
        }
        Ok::<_, WalkError>(ControlFlow::Continue(()))
    })
    .map_err(|error| error.to_string())?;
    Ok(format!("{} edges, {malformed} malformed", kept.len()))
}

fn read(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    keep(place, alloc, None)
}

fn filter(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    keep(place, alloc, Some(b"docs/a.md"))
}

fn query<const FROM_CACHE: bool>(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    let query = Query { alloc, repository: place.repository() };
    let endpoint = Endpoint { oid: object(7), direction: Direction::Forward };
    let mut ids = vec![];
    let answer = query.run(&branch(), endpoint, |found| {
        ids.push(found.id);
        Ok::<_, QueryError>(ControlFlow::Continue(()))
    });
    let answer = answer.map_err(|error| error.to_string())?;
    assert_eq!(answer.unusable.is_none(), FROM_CACHE, "{:?}", answer.unusable);
    assert!(ids.len() > 3, "{ids:?}");
    Ok(format!("{ids:?}"))
}

fn from_cache(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    query::<true>(place, alloc)
}

fn by_journal(place: &Place, alloc: Alloc<'_>) -> Result<String, String> {
    query::<false>(place, alloc)
}
