//! Read-ahead against reading each commit by itself, for every pack layout and for damaged packs.

use gitmind_git::oid::Oid;
use gitmind_git::{Authors, BoxedTransaction, Commit, Error, Head, ObjectKind, Repository};
use gitmind_gitoxide::GitRepository;
use gitmind_journal::{EdgeOrder, WalkError, walk};
use gitmind_memory::units::Bytes;
use gitmind_memory::{Alloc, ErrorKind, Gate, Gated, MemoryError, OpTag, System, testing};
use gitmind_test_support::{TempRepository, git};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const JOURNAL: &str = "refs/gitmind/edges/main";

/// The repository with the port's default `follow`, which reads one commit at a time.
struct OneByOne<'a>(&'a GitRepository);

impl Repository for OneByOne<'_> {
    fn head(&self) -> Result<Head, Error> {
        self.0.head()
    }
    fn resolve(&self, name: &str) -> Result<Option<Oid>, Error> {
        self.0.resolve(name)
    }
    fn refs(&self, prefix: &str, count_max: usize) -> Result<Vec<String>, Error> {
        self.0.refs(prefix, count_max)
    }
    fn read(
        &self,
        id: Oid,
        kind: ObjectKind,
        buffer: &mut gitmind_memory::Vec<'_, u8>,
    ) -> Result<(), Error> {
        self.0.read(id, kind, buffer)
    }
    fn authors(&self) -> Result<Authors, Error> {
        self.0.authors()
    }
    fn begin<'t>(
        &'t self,
        alloc: Alloc<'t>,
        objects: Option<u32>,
    ) -> Result<BoxedTransaction<'t>, Error> {
        self.0.begin(alloc, objects)
    }
}

/// The visited commits with their content, and how the walk ended.
fn visited(repository: &dyn Repository, tip: Oid, limit: usize) -> (Vec<(Oid, Vec<u8>)>, String) {
    let system = System::new();
    let mut visited = Vec::new();
    let followed = repository.follow(Alloc::new(&system), tip, &mut |commit| {
        visited.push((commit.id, [commit.tree.as_bytes(), commit.message].concat()));
        if visited.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    (visited, followed.map_or_else(|error| error.to_string(), |()| "the root".into()))
}

/// Compares both ways of reading; returns the number of commits and how the walk ended.
fn compare(repository: &TempRepository, what: &str) -> (usize, String) {
    let opened = repository.open();
    let tip = opened.resolve(JOURNAL).expect("readable").expect("there is a journal");
    let expected = visited(&OneByOne(&opened), tip, usize::MAX);
    let streamed = visited(&opened, tip, usize::MAX);
    assert_eq!(streamed.1, expected.1, "{what}");
    assert!(streamed.0 == expected.0, "{what}: other commits");
    (expected.0.len(), expected.1)
}

/// The medium fixture, in one pack.
fn medium() -> TempRepository {
    let repository = TempRepository::fixture("medium");
    repository.git(&["repack", "-q", "-ad", "--window=0"]);
    repository
}

fn packs(repository: &TempRepository) -> Vec<PathBuf> {
    let files = fs::read_dir(repository.path().join("objects/pack")).expect("a directory");
    let mut packs: Vec<_> = files.map(|file| file.expect("readable").path()).collect();
    packs.retain(|path| path.extension().is_some_and(|kind| kind == "pack"));
    packs
}

/// Runs git with `input`; returns what it prints, trimmed.
fn git_fed(directory: &Path, args: &[&str], input: &str) -> String {
    let mut child = Command::new("git")
        .current_dir(directory)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tests need git");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "git {args:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().into()
}

/// Replaces all packs by packs of the given objects, in the order in which they are given.
fn pack_in_order(repository: &TempRepository, packs_of: &[Vec<&str>]) {
    let old = packs(repository);
    for ids in packs_of {
        let args = ["pack-objects", "-q", "--window=0", "objects/pack/pack"];
        git_fed(repository.path(), &args, &(ids.join("\n") + "\n"));
    }
    for pack in old {
        for extension in ["pack", "idx", "rev", "bitmap"] {
            let file = pack.with_extension(extension);
            assert!(!file.exists() || fs::remove_file(file).is_ok(), "the test owns it");
        }
    }
}

/// The same ids in a random order.
fn shuffled<'s>(ids: &[&'s str]) -> Vec<&'s str> {
    let mut shuffled = ids.to_vec();
    let mut random = SplitMix64::seed_from_u64(9);
    for index in (1..shuffled.len()).rev() {
        let other = random.next_u64() % (index as u64 + 1);
        shuffled.swap(index, usize::try_from(other).expect("below the index"));
    }
    shuffled
}

/// The medium fixture, in one pack in random order.
fn random_order() -> TempRepository {
    let repository = medium();
    let list = repository.git(&["rev-list", "--objects", "--no-object-names", JOURNAL]);
    pack_in_order(&repository, &[shuffled(&list.lines().collect::<Vec<_>>())]);
    repository
}

#[test]
fn read_ahead_visits_the_same_commits_as_single_reads_in_every_layout() {
    let repository = medium();
    let (all, end) = compare(&repository, "one pack");
    assert!(all > 4000 && end == "the root", "{all} commits, {end}");

    repository.git(&["repack", "-q", "-adf", "--depth=50", "--window=20"]);
    assert_eq!(compare(&repository, "deltas").0, all);

    let list = repository.git(&["rev-list", "--objects", "--no-object-names", JOURNAL]);
    let ids: Vec<&str> = list.lines().collect();
    let chunks: Vec<Vec<&str>> = ids.chunks(ids.len() / 7 + 1).map(<[_]>::to_vec).collect();
    pack_in_order(&repository, &chunks);
    assert_eq!(packs(&repository).len(), 7);
    assert_eq!(compare(&repository, "seven packs").0, all);

    pack_in_order(&repository, &[ids.iter().rev().copied().collect()]);
    assert_eq!(compare(&repository, "oldest first").0, all);

    let shuffled = shuffled(&ids);
    let halves = shuffled.chunks(ids.len() / 2 + 1).map(<[_]>::to_vec).collect::<Vec<_>>();
    pack_in_order(&repository, &halves);
    assert_eq!(compare(&repository, "random order in two packs").0, all);

    let half_sorted = [&shuffled[..ids.len() / 2], &ids].concat();
    pack_in_order(&repository, &[half_sorted]);
    assert_eq!(compare(&repository, "half of it in random order").0, all);

    pack_in_order(&repository, &[shuffled]);
    assert_eq!(compare(&repository, "random order").0, all);

    let blocks: Vec<&[&str]> = ids.chunks(300).collect();
    let (even, odd): (Vec<_>, Vec<_>) = (0..blocks.len()).partition(|index| index % 2 == 0);
    let swapped = even.iter().chain(&odd).flat_map(|index| blocks[*index].iter().copied());
    pack_in_order(&repository, &[swapped.collect()]);
    assert_eq!(compare(&repository, "runs of 300").0, all);

    // As for packs of more than 4 GiB: the offsets are in the index's table of 64 bits.
    let pack = packs(&repository).remove(0);
    for extension in ["idx", "rev"] {
        fs::remove_file(pack.with_extension(extension)).expect("git has written it");
    }
    let pack = pack.to_str().expect("UTF-8");
    repository.git(&["index-pack", "--index-version=2,0x1000", pack]);
    assert_eq!(compare(&repository, "offsets of 64 bits").0, all);
}

#[test]
fn objects_between_the_commits_of_a_journal_are_skipped() {
    let repository = TempRepository::fixture("medium");
    let code = repository.git(&["commit-tree", "-m", "code", gitmind_test_support::EMPTY_TREE]);
    let mut stream = String::new();
    for number in 1..=3000 {
        let blob = "x".repeat(number % 50);
        stream +=
            &format!("commit refs/heads/code\ncommitter a <a@b> {number} +0000\ndata 4\ncode");
        stream += &format!(
            "\n{}M 644 inline f{number}\n",
            if number == 1 { format!("from {code}\n") } else { String::new() }
        );
        stream += &format!("data {}\n{blob}\n", blob.len());
    }
    git_fed(repository.path(), &["fast-import", "--quiet"], &stream);
    let journal = repository.git(&["rev-list", JOURNAL]);
    let other = repository.git(&["rev-list", "--objects", "--no-object-names", "refs/heads/code"]);
    let mut other = other.lines();
    let mut mixed = Vec::new();
    for (number, id) in journal.lines().enumerate() {
        mixed.push(id);
        mixed.extend(other.by_ref().take(number % 3));
    }
    mixed.extend(other);
    let trees = repository.git(&["rev-parse", &format!("{JOURNAL}^{{tree}}")]);
    mixed.push(&trees);
    pack_in_order(&repository, &[mixed]);
    let (commits, end) = compare(&repository, "interleaved");
    assert_eq!((commits, end.as_str()), (journal.lines().count(), "the root"));
}

#[test]
fn loose_commits_on_top_of_a_pack_and_a_visitor_that_stops_are_handled() {
    for repository in [medium(), random_order()] {
        let mut tip = repository.git(&["rev-parse", JOURNAL]);
        for _ in 0..3 {
            tip = repository.commit(&[&tip], b"oA==");
        }
        repository.git(&["update-ref", JOURNAL, &tip]);
        let opened = repository.open();
        let tip = Oid::from_hex(tip.as_bytes()).expect("an id");
        for limit in [1, 3, 4, 5, 66, 67, 68, 69, 100, 101, 323, 324, 325, 4000] {
            let expected = visited(&OneByOne(&opened), tip, limit);
            assert_eq!(expected.0.len(), limit);
            assert!(visited(&opened, tip, limit) == expected, "{limit}");
        }
    }
}

#[test]
fn damage_ends_both_ways_at_the_same_commit() {
    for repository in [medium(), random_order()] {
        let (mut cut_short, mut whole) = (0, 0);
        let pack = packs(&repository).remove(0);
        let sound = fs::read(&pack).expect("readable");
        fs::remove_file(&pack).expect("it was read");
        for step in 1..12 {
            let mut bytes = sound.clone();
            let at = step * bytes.len() / 12;
            bytes[at] ^= 0x55;
            fs::write(&pack, bytes).expect("writable");
            let (_, end) = compare(&repository, &format!("byte {at}"));
            *(if end == "the root" { &mut whole } else { &mut cut_short }) += 1;
        }
        assert!(cut_short > 5, "{cut_short} ended early, {whole} did not");
        fs::write(&pack, &sound).expect("writable");
        let reverse = pack.with_extension("rev");
        let all = compare(&repository, "sound").0;
        for content in [&b"RIDX\0\0\0\x01\0\0\0\x01"[..], b"", &[0xff; 60_000]] {
            let _ = fs::remove_file(&reverse);
            fs::write(&reverse, content).expect("writable");
            assert_eq!(compare(&repository, "a damaged reverse index").0, all);
        }
    }
}

#[test]
fn read_ahead_allocates_from_the_handle_and_reports_an_allocation_failure() {
    for repository in [medium(), random_order()] {
        let (_directory, repository) = repository.open_kept();
        let tip = repository.resolve(JOURNAL).expect("readable").expect("a journal");
        let follow = |alloc: Alloc<'_>| {
            let mut commits = 0_u32;
            let followed = repository.follow(alloc, tip, &mut |_: &Commit<'_>| {
                commits += 1;
                ControlFlow::Continue(())
            });
            followed.map(|()| commits)
        };
        testing::assert_no_leaks(|alloc| assert!(follow(alloc).is_ok_and(|all| all > 4000)));
        let (failed, _) = testing::with_budget(Bytes::new(16 << 10), follow);
        match failed {
            Err(Error::Memory(error)) => assert_eq!(error.kind(), ErrorKind::OverBudget),
            other => panic!("16 KiB are not enough: {other:?}"),
        }
        let (followed, peak) = testing::with_budget(Bytes::from_mib(8), follow);
        assert!(followed.is_ok(), "the window is bounded: {followed:?}, {peak}");
    }
}

#[test]
fn git_agrees_on_the_number_of_commits() {
    let repository = medium();
    let counted = git(repository.path(), &["rev-list", "--first-parent", "--count", JOURNAL]);
    assert_eq!(compare(&repository, "one pack").0.to_string(), counted);
}

/// Counts allocation requests, and among them those of one size.
#[derive(Default)]
struct Counting {
    all: AtomicU32,
    sized: AtomicU32,
    size: u64,
}

impl Gate for &Counting {
    fn admit(&self, size: Bytes, _: OpTag<'_>) -> Result<(), MemoryError> {
        self.all.fetch_add(1, Relaxed);
        self.sized.fetch_add(u32::from(size == Bytes::new(self.size)), Relaxed);
        Ok(())
    }
}

/// Walks the journal, merges included; returns the number of its commits, of allocations, and of
/// allocations with the size of the order of the only pack.
fn walked(repository: &TempRepository, workers: usize) -> (usize, u32, u32) {
    let index = packs(repository).remove(0).with_extension("idx");
    let objects = git(repository.path(), &["verify-pack", "-v", index.to_str().expect("UTF-8")]);
    let is_object =
        |line: &&str| [" commit ", " tree ", " blob "].iter().any(|kind| line.contains(kind));
    let size = objects.lines().filter(is_object).count() as u64 * 4;
    let counting = Counting { size, ..Counting::default() };
    let port = Gated::with_gate(System::new(), &counting);
    let opened = repository.open().with_workers(workers);
    let tip = opened.resolve(JOURNAL).expect("readable").expect("there is a journal");
    let visit = |_: &Commit<'_>| Ok::<_, WalkError>(());
    let history = walk(&opened, Alloc::new(&port), tip, EdgeOrder::OldestFirst, visit);
    let commits = history.expect("a sound journal").commits().len();
    (commits, counting.all.load(Relaxed), counting.sized.load(Relaxed))
}

/// A journal in one pack with `branches` merged side branches of `commits` commits each.
fn with_side_branches(branches: usize, commits: usize) -> TempRepository {
    let repository = TempRepository::empty();
    let (mut stream, mut mark) = (String::new(), 0);
    let mut commit = |branch: &str, parents: &[usize]| {
        mark += 1;
        stream += &format!("commit {branch}\nmark :{mark}\ncommitter a <a@b> {mark} +0000\n");
        stream += "data 4\noA==\n";
        for (parent, name) in parents.iter().zip(["from", "merge"]) {
            stream += &format!("{name} :{parent}\n");
        }
        mark
    };
    let mut tip = commit(JOURNAL, &[]);
    for _ in 0..branches {
        let side = (0..commits).fold(tip, |side, _| commit("refs/heads/side", &[side]));
        tip = commit(JOURNAL, &[tip]);
        tip = commit(JOURNAL, &[tip, side]);
    }
    git_fed(repository.path(), &["fast-import", "--quiet", "--force"], &stream);
    repository.git(&["update-ref", "-d", "refs/heads/side"]);
    repository.git(&["-c", "pack.writeReverseIndex=false", "repack", "-q", "-ad", "--window=0"]);
    repository
}

#[test]
fn the_cost_of_a_side_branch_does_not_grow_with_the_pack_and_their_number() {
    // Regression: the pack was sorted and decoded ahead anew for each side branch.
    for workers in [0, 2] {
        let few = walked(&with_side_branches(10, 100), workers);
        let many = walked(&with_side_branches(60, 100), workers);
        assert_eq!((few.0, many.0), (1 + 10 * 102, 1 + 60 * 102));
        assert!(few.2 <= 1 && many.2 <= 1, "sorted {} and {} times", few.2, many.2);
        assert!(many.1 < few.1 + 50 * 10, "{} requests, and {} for many branches", few.1, many.1);
    }
}

#[test]
fn a_pack_in_which_runs_of_a_journal_and_others_alternate_is_sorted_once() {
    // Regression: the order was dropped with the stream, and computed again for each run of the
    // journal.
    let repository = medium();
    let blobs: String = (0..6000).map(|number| format!("blob\ndata 4\n{number:04}\n")).collect();
    git_fed(repository.path(), &["fast-import", "--quiet"], &blobs);
    let all = repository.git(&["cat-file", "--batch-all-objects", "--batch-check", "--unordered"]);
    let of_blobs = all.lines().filter_map(|line| Some(line.split_once(" blob ")?.0));
    let (journal, others) = (repository.git(&["rev-list", JOURNAL]), of_blobs.collect::<Vec<_>>());
    let journal: Vec<&str> = journal.lines().collect();
    let mut mixed: Vec<&str> = vec![];
    for (run, other) in journal.chunks(1200).zip(others.chunks(1200)) {
        mixed.extend(run.iter().chain(other));
    }
    let trees = repository.git(&["rev-parse", &format!("{JOURNAL}^{{tree}}")]);
    mixed.push(&trees);
    pack_in_order(&repository, &[mixed]);
    fs::remove_file(packs(&repository)[0].with_extension("rev")).expect("git has written it");
    assert_eq!(compare(&repository, "alternating").0, journal.len());
    let (commits, _, ordered) = walked(&repository, 1);
    assert_eq!((commits, ordered), (journal.len(), 1));
}

/// Exchanges the offsets of two objects in a pack's index.
fn swap_in_index(repository: &TempRepository, ids: [&str; 2]) {
    let index = packs(repository).remove(0).with_extension("idx");
    let mut bytes = fs::read(&index).expect("readable");
    let count = u32::from_be_bytes(bytes[8 + 1020..][..4].try_into().expect("four")) as usize;
    let names = 8 + 1024;
    let place = |id: &str| {
        let id = Oid::from_hex(id.as_bytes()).expect("an id");
        let mut names = bytes[names..].chunks(20).take(count);
        names.position(|name| name == id.as_bytes()).expect("it is packed")
    };
    let [left, right] = ids.map(|id| names + count * 24 + place(id) * 4);
    for byte in 0..4 {
        bytes.swap(left + byte, right + byte);
    }
    fs::remove_file(&index).expect("it was read");
    fs::write(&index, bytes).expect("writable");
}

#[test]
fn content_that_does_not_match_its_id_ends_both_ways_at_the_same_commit() {
    // Regression: commits were not hashed here, so a rebuild indexed what a query rejected.
    let journal = || {
        let repository = TempRepository::empty();
        let mut ids = vec![repository.commit(&[], b"oA==")];
        for _ in 0..9 {
            ids.push(repository.commit(&[&ids[ids.len() - 1]], b"oA=="));
        }
        repository.git(&["update-ref", JOURNAL, &ids[9]]);
        (repository, ids)
    };
    let assert_reported = |repository: &TempRepository, what: &str| {
        let (visited, end) = compare(repository, what);
        assert_eq!(visited, 4, "{what}");
        assert!(end.contains("does not match its id"), "{what}: {end}");
    };
    let (repository, ids) = journal();
    let [stranger, wronged] = [&ids[2], &ids[5]]
        .map(|id| repository.path().join("objects").join(&id[..2]).join(&id[2..]));
    fs::remove_file(&wronged).expect("it is loose");
    fs::copy(stranger, wronged).expect("writable");
    assert_reported(&repository, "loose");

    let (repository, ids) = journal();
    repository.git(&["repack", "-q", "-ad", "--window=0"]);
    swap_in_index(&repository, [&ids[2], &ids[5]]);
    assert_reported(&repository, "packed");
}
