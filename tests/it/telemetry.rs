//! Telemetry: formats of lines and files, checked by a parser, and allocation failures.

use gitmind::clock::{FixedClock, Timestamp};
use gitmind::context::operation;
use gitmind::env::FixedEnvironment;
use gitmind::memory::testing::sweep;
use gitmind::memory::{Alloc, Faulty, MemoryError, Op, Schedule, Slab, System};
use gitmind::telemetry::{
    CollectedLines, Event, Level, LogMetrics, Metric, Metrics, MetricsError, OpenMetricsFile,
    Sample, Settings, Tags, Telemetry,
};
use gitmind_test_support::{TempRepository, mind_with, temp_directory};
use openmetrics_parser::openmetrics::parse_openmetrics;
use snapbox::{assert_data_eq, file};
use std::path::Path;

const CLOCK: FixedClock = FixedClock(Timestamp { seconds: 1_700_000_000, offset_seconds: 3600 });

fn settings<const N: usize>(variables: [(&str, &str); N]) -> Settings {
    Settings::read(&FixedEnvironment::from(variables)).expect("they are valid")
}

/// The lines that `act` writes under `settings`.
fn lines(settings: &Settings, act: impl FnOnce(&Telemetry<'_>)) -> String {
    let (system, lines) = (System::new(), CollectedLines::default());
    let alloc = Alloc::new(&system);
    act(&Telemetry::new(settings, alloc, Slab::new(alloc), &CLOCK, &lines));
    lines.text()
}

fn log_everything(telemetry: &Telemetry<'_>) {
    telemetry.log(Level::Info, "cache", "rebuild_ok", |event| {
        event.text("branch", b"feature/x")?;
        event.text("mode", b"full")?;
        event.number("edge_count", 17_345)
    });
    telemetry.log(Level::Error, "cache", "rebuild_failed", |event| {
        event.text("error", "no \"space\" left\n\u{1b}[31mon \u{202e}disk".as_bytes())?;
        event.text("bytes", b"a\xffb")?;
        event.text("empty", b"")?;
        event.text("name", "gr\u{fc}n".as_bytes())?;
        event.number("most", u64::MAX)
    });
    telemetry.log(Level::Debug, "cache", "not_asked_for", |_| {
        panic!("an event below the level is not built")
    });
    telemetry.diagnostic("journal", "journal_cbor_invalid", |event| {
        event.number("offset", 12)?;
        event.text("problem", b"a tag")
    });
}

#[test]
fn events_as_text() {
    let settings = settings([("GITMIND_LOG_LEVEL", "INFO"), ("GITMIND_DEBUG_EVENTS", "1")]);
    assert_data_eq!(
        lines(&settings, log_everything),
        file!["../snapshots/telemetry/events.txt"].raw()
    );
}

#[test]
fn events_as_json() {
    let settings = settings([("GITMIND_LOG_LEVEL", "INFO"), ("GITMIND_LOG_FORMAT", "json")]);
    let text = lines(&settings, log_everything);
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
        let fields = object.as_object().expect("an object");
        assert!(fields.values().all(serde_json::Value::is_string), "{line}");
    }
    assert_data_eq!(text, file!["../snapshots/telemetry/events.jsonl"].raw());
}

#[test]
fn a_long_value_is_cut_at_a_character() {
    let settings = settings([]);
    for (unit, kept) in [("a", 1021), ("\u{fc}", 1020), ("\u{20ac}", 1020), ("\u{1f980}", 1020)] {
        let text = lines(&settings, |telemetry| {
            let value = unit.repeat(2000);
            telemetry.log(Level::Warn, "c", "e", |event| event.text("v", value.as_bytes()));
        });
        let value = text.trim_end().rsplit("v=").next().expect("it is there");
        assert_eq!(value, format!("{}...", unit.repeat(kept / unit.len())));
    }
}

/// The metrics file of a run with these variables.
fn publish(
    settings: &Settings,
    branch: &[u8],
    path: &Path,
    alloc: Alloc<'_>,
) -> Result<String, MetricsError> {
    let mut file = OpenMetricsFile::new(path, alloc);
    for (metric, op, value) in numbers() {
        file.record(Sample { metric, op, value })?;
    }
    let repository = Some(Path::new("/srv/r0/.git"));
    let tags = Tags::build(settings, Some(branch), Some("full"), repository);
    Ok(String::from_utf8(file.render(&tags)?.to_vec()).expect("it is UTF-8"))
}

fn numbers() -> [(Metric, Option<Op>, u64); 6] {
    [
        (Metric::CacheRebuildDuration, None, 12),
        (Metric::AllocFailures, Some(operation::CACHE_REBUILD), 1),
        (Metric::AllocPeak, Some(operation::CACHE_REBUILD), 4096),
        (Metric::AllocPeak, Some(operation::JOURNAL_READ), 128),
        (Metric::AllocFailures, Some(operation::CACHE_REBUILD), 2),
        (Metric::ArenaGrow, Some(operation::CACHE_REBUILD), 8192),
    ]
}

fn text(settings: &Settings, branch: &[u8]) -> String {
    let system = System::new();
    publish(settings, branch, Path::new("unused"), Alloc::new(&system)).expect("there is memory")
}

#[test]
fn metrics_as_openmetrics() {
    let settings = settings([
        ("GITMIND_METRICS_REPO_TAG", "hash"),
        ("GITMIND_METRICS_EXTRA_TAGS", "team=core,1st-host=a.b:1"),
    ]);
    assert_data_eq!(text(&settings, b"main"), file!["../snapshots/telemetry/metrics.prom"].raw());
}

#[test]
fn metrics_as_events() {
    let settings = settings([("GITMIND_LOG_LEVEL", "DEBUG")]);
    let lines = lines(&settings, |telemetry| {
        let mut log = LogMetrics(telemetry);
        for (metric, op, value) in numbers() {
            log.record(Sample { metric, op, value }).expect("there is memory");
        }
        let tags = Tags::build(&settings, Some(b"main"), None, None);
        log.publish(&tags).expect("there is memory");
    });
    assert_data_eq!(lines, file!["../snapshots/telemetry/metrics.txt"].raw());
}

#[test]
fn a_parser_accepts_the_file_whatever_the_branch_is_called() {
    let settings = settings([("GITMIND_METRICS_EXTRA_TAGS", "branch=x,a-b=1,a_b=2")]);
    for branch in [&b"main"[..], b"a\"b\\c\nd", b"\xff", "gr\u{fc}n".as_bytes()] {
        let text = text(&settings, branch);
        let parsed = parse_openmetrics(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(parsed.families.len(), 4, "{text}");
        let peak = &parsed.families["gitmind_alloc_peak_bytes"];
        assert_eq!(peak.unit, "bytes");
        assert_eq!(peak.iter_samples().count(), 2);
        assert!(text.contains("gitmind_alloc_failures_total{"), "{text}");
        assert!(text.contains(" 3\n"), "two records of a counter add up: {text}");
    }
}

#[test]
fn the_parser_rejects_other_text_than_openmetrics() {
    let text = text(&settings([]), b"main");
    for planted in [
        text.replace("# EOF\n", ""),
        text.replace("_total{", "{"),
        text.replace("branch=\"main\"", "branch=main"),
    ] {
        assert!(parse_openmetrics(&planted).is_err(), "{planted}");
    }
}

#[test]
fn tags_are_limited_and_dropped_ones_are_counted() {
    let tags = |settings: &Settings, branch: &[u8], path: &str| {
        let built = Tags::build(settings, Some(branch), Some("read"), Some(path.as_ref()));
        let keys = built.iter().map(|tag| String::from_utf8_lossy(tag.key()).into_owned());
        (keys.collect::<Vec<_>>().join(","), built.dropped())
    };
    let plain = settings([
        ("GITMIND_METRICS_REPO_TAG", "plain"),
        ("GITMIND_METRICS_EXTRA_TAGS", "a=1,b=2,c=3"),
    ]);
    assert_eq!(tags(&plain, b"main", "/r"), ("branch,mode,repo,a,b".into(), 1), "five at most");
    let long = format!("/{}", "r".repeat(64));
    assert_eq!(tags(&plain, b"main", &long), ("branch,mode,a,b,c".into(), 1), "a long path");
    let branch = "b".repeat(250);
    assert_eq!(tags(&plain, branch.as_bytes(), "/r"), ("mode,repo,a,b,c".into(), 1), "255 bytes");
    let bare = settings([
        ("GITMIND_METRICS_BRANCH_TAG", "off"),
        ("GITMIND_METRICS_MODE_TAG", "0"),
        ("GITMIND_METRICS_EXTRA_TAGS", "alloc_op=x,ok=y"),
    ]);
    assert_eq!(tags(&bare, b"main", "/r"), ("ok".into(), 1), "names of ours are taken");
}

#[test]
fn a_repository_is_named_by_the_first_digits_of_its_hash() {
    for (algorithm, expected) in [("fnv", "b7e44372faaf"), ("sha256", "a576dd7ce63d")] {
        let settings = settings([
            ("GITMIND_METRICS_REPO_TAG", "hash"),
            ("GITMIND_METRICS_REPO_HASH_ALGO", algorithm),
        ]);
        let text = text(&settings, b"main");
        assert!(text.contains(&format!("repo=\"{expected}\"")), "{text}");
    }
}

#[test]
fn each_allocation_failure_surfaces_in_events_and_in_metrics() {
    let settings = settings([
        ("GITMIND_LOG_FORMAT", "json"),
        ("GITMIND_METRICS_REPO_TAG", "hash"),
        ("GITMIND_METRICS_EXTRA_TAGS", "a=1"),
    ]);
    let report = sweep(|alloc| {
        let lines = CollectedLines::default();
        let telemetry = Telemetry::new(&settings, alloc, Slab::new(alloc), &CLOCK, &lines);
        telemetry.try_log(Level::Error, "cache", "rebuild_failed", |event| fields(event))
    });
    report.assert_propagated();
    assert!(report.call_stacks() >= 3, "{report:?}");
    let report = sweep(|alloc| publish(&settings, b"main", Path::new("unused"), alloc));
    report.assert_propagated();
    assert!(report.call_stacks() >= 4, "{report:?}");
}

/// More fields, and longer ones, than fit the blocks of the slab.
fn fields(event: &mut Event<'_, '_>) -> Result<(), MemoryError> {
    for key in ["a", "b", "c", "d", "e", "f"] {
        event.text(key, &[b'x'; 300])?;
    }
    Ok(())
}

#[test]
fn an_event_without_memory_is_dropped_and_counted() {
    let (settings, lines) = (settings([]), CollectedLines::default());
    let faulty = Faulty::new(System::new(), Schedule::forever(1));
    let alloc = Alloc::new(&faulty);
    let telemetry = Telemetry::new(&settings, alloc, Slab::new(alloc), &CLOCK, &lines);
    telemetry.log(Level::Warn, "memory", "budget_soft_limit", |event| event.number("used", 1));
    assert_eq!((telemetry.dropped(), lines.text()), (1, String::new()));
}

#[test]
fn a_rebuild_writes_its_metrics_file_whole_and_readable() {
    let (repository, directory) = (TempRepository::fixture("small"), temp_directory());
    let file = directory.path().join("gitmind.prom");
    let variables = [("GITMIND_METRICS_FILE", file.to_str().expect("UTF-8"))];
    for command in [&["cache-rebuild", "--force"][..], &["list"]] {
        let ran = mind_with(repository.path(), command, &variables);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "metrics are silent");
        let text = std::fs::read_to_string(&file).expect("it was written");
        let parsed = parse_openmetrics(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let (family, op) = match command[0] {
            "list" => ("gitmind_journal_read_edges", "journal.read"),
            _ => ("gitmind_cache_edges_processed", "cache.rebuild"),
        };
        assert!(parsed.families.contains_key(family), "{text}");
        assert!(text.contains(&format!("{family}_total{{branch=\"main\",mode=")), "{text}");
        let peak = format!("gitmind_alloc_peak_bytes{{alloc_op=\"{op}\"");
        let peak = text.lines().find(|line| line.starts_with(&peak)).expect("it has a peak");
        let (_, bytes) = peak.rsplit_once(' ').expect("a sample has a value");
        assert!(bytes.parse::<u64>().is_ok_and(|bytes| bytes > 1_000), "{peak}");
        assert!(text.contains("_total{branch=\"main\",mode=\"") && text.contains("} 50\n"));
    }
    let names = std::fs::read_dir(directory.path()).expect("readable").count();
    assert_eq!(names, 1, "no temporary file is left");
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().expect("it exists").permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
    let off = [variables[0], ("GITMIND_METRICS_ENABLED", "off")];
    std::fs::remove_file(&file).expect("it exists");
    mind_with(repository.path(), &["list"], &off).ok();
    assert!(!file.exists(), "metrics are off");
}

#[test]
fn a_metrics_file_that_cannot_be_written_is_a_warning() {
    let repository = TempRepository::fixture("small");
    let variables = [("GITMIND_METRICS_FILE", "missing/gitmind.prom")];
    let ran = mind_with(repository.path(), &["cache-rebuild", "--force"], &variables);
    let expected = "git-mind: warning: cannot write metrics to `missing/gitmind.prom`: ";
    assert!(ran.code == 0 && ran.stderr.starts_with(expected), "{ran:?}");
}

#[test]
fn the_program_logs_events_on_stderr_when_asked() {
    let repository = TempRepository::fixture("small");
    let variables = [("GITMIND_LOG_LEVEL", "INFO"), ("GITMIND_LOG_FORMAT", "json")];
    for (command, expected) in [
        (&["cache-rebuild", "--force"][..], ["rebuild_start", "rebuild_ok"]),
        (&["list"], ["journal_read_start", "journal_read_ok"]),
    ] {
        let ran = mind_with(repository.path(), command, &variables);
        let events: Vec<_> = ran.stderr.lines().map(event_name).collect();
        assert_eq!(events, expected, "{ran:?}");
    }
}

fn event_name(line: &str) -> String {
    let object: serde_json::Value = serde_json::from_str(line).expect("a JSON object");
    object["event"].as_str().expect("a name").into()
}

#[test]
fn exceeding_the_soft_limit_of_a_budget_is_an_event() {
    let repository = TempRepository::fixture("history");
    let mut met = false;
    // Searches the smallest cap with which a list succeeds; below it there is an error.
    for cap_bytes in (1..60).map(|step| (step * 8192).to_string()) {
        let variables = [("GM_ARENA_CAP_ATTR_QUERY", &*cap_bytes)];
        let ran = mind_with(repository.path(), &["list", "--type", "implements"], &variables);
        met |= ran.stderr.contains("[WARN] memory: event=budget_soft_limit message=\"memory runs");
    }
    assert!(met);
}
