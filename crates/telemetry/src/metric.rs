//! The closed list of metrics.

use gitmind_memory::Op;

/// How the value of a metric changes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Duration of the last run, in milliseconds.
    Timing,
    /// A count that only increases within a run.
    Counter,
    /// The current value.
    Gauge,
}

impl Kind {
    /// The word in a log line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timing => "timing",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

macro_rules! metrics {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $kind:ident $name:literal, $family:literal;
    )+) => {
        /// A metric. Names and meanings of the first seven are the C tool's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric { $($(#[doc = $doc])+ $variant,)+ }

        impl Metric {
            /// Every metric, in the order of reports.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in a log and in documents.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// How its value changes over time.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind,)+ }
            }

            /// The name of its family in OpenMetrics; samples of a counter add `_total`.
            pub const fn family(self) -> &'static str {
                match self { $(Self::$variant => $family,)+ }
            }

            /// Its description, a sentence.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

metrics! {
    /// Wall time of the last append to a journal, in milliseconds.
    JournalAppendDuration = Timing
        "journal.append.duration_ms", "gitmind_journal_append_duration_ms";
    /// Wall time of the last read of a journal, in milliseconds.
    JournalReadDuration = Timing
        "journal.read.duration_ms", "gitmind_journal_read_duration_ms";
    /// Wall time of the last rebuild of a cache, in milliseconds.
    CacheRebuildDuration = Timing
        "cache.rebuild.duration_ms", "gitmind_cache_rebuild_duration_ms";
    /// Edges that a run appended.
    JournalAppendEdges = Counter
        "journal.append.edges_total", "gitmind_journal_append_edges";
    /// Edges that a run read.
    JournalReadEdges = Counter
        "journal.read.edges_total", "gitmind_journal_read_edges";
    /// Edges that a run indexed.
    CacheEdgesProcessed = Counter
        "cache.edges_processed_total", "gitmind_cache_edges_processed";
    /// Bytes that the last rebuild wrote for a cache.
    CacheTreeSize = Gauge
        "cache.tree_size_bytes", "gitmind_cache_tree_size_bytes";
    /// Wall time of the last merge of journals, in milliseconds.
    JournalMergeDuration = Timing
        "journal.merge.duration_ms", "gitmind_journal_merge_duration_ms";
    /// Wall time of the last query, in milliseconds.
    CacheQueryDuration = Timing
        "cache.query.duration_ms", "gitmind_cache_query_duration_ms";
    /// Edges that a query found.
    CacheQueryEdges = Counter
        "cache.query.edges_total", "gitmind_cache_query_edges";
    /// Peak of the bytes that a run of the operation had allocated through the context.
    AllocPeak = Gauge
        "alloc.peak_bytes", "gitmind_alloc_peak_bytes";
    /// Allocations that failed and that no spill absorbed.
    AllocFailures = Counter
        "alloc.failures_total", "gitmind_alloc_failures";
    /// Bytes of blocks that arenas allocated.
    ArenaGrow = Counter
        "arena.grow.bytes", "gitmind_arena_grow_bytes";
    /// How often work moved to disk because its arena was full.
    ArenaSpills = Counter
        "arena.spills_total", "gitmind_arena_spills";
    /// Events and tags that telemetry dropped.
    TelemetryDropped = Counter
        "telemetry.dropped_total", "gitmind_telemetry_dropped";
}

/// One value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The metric.
    pub metric: Metric,
    /// The value of the label `alloc.op`, where memory is counted by operation.
    pub op: Option<Op>,
    /// The value.
    pub value: u64,
}
