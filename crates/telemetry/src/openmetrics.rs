//! The metrics file: OpenMetrics text, for node_exporter's textfile collector.
//!
//! Source: the OpenMetrics specification 1.0. The file is replaced atomically.

use arrayvec::ArrayString;
use std::fmt::Write as _;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::metric::{Kind, Metric, Sample};
use super::metrics::{Metrics, MetricsError};
use super::tags::Tags;
use gitmind_memory::{Alloc, MemoryError, Vec};

/// The samples of a run, to be written to a file.
#[derive(Debug)]
pub struct OpenMetricsFile<'a> {
    path: PathBuf,
    samples: Vec<'a, Sample>,
}

impl<'a> OpenMetricsFile<'a> {
    /// No samples yet; [`Metrics::publish`] writes the file.
    pub fn new(path: &Path, alloc: Alloc<'a>) -> Self {
        Self { path: path.into(), samples: Vec::new(alloc) }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Every allocation failure.
    pub fn render(&self, tags: &Tags) -> Result<Vec<'a, u8>, MemoryError> {
        let mut out = Vec::new(self.samples.alloc());
        for metric in Metric::ALL {
            let mut samples = self.samples.iter().filter(|sample| sample.metric == *metric);
            let Some(first) = samples.next() else { continue };
            header(*metric, &mut out)?;
            for sample in std::iter::once(first).chain(samples) {
                line(sample, tags, &mut out)?;
            }
        }
        out.try_extend_from_slice(b"# EOF\n")?;
        Ok(out)
    }

    /// Writes `text` to a temporary file in the same directory and renames it.
    fn replace(&self, text: &[u8]) -> std::io::Result<()> {
        let directory = self.path.parent().filter(|path| !path.as_os_str().is_empty());
        // The collector runs as another user, and reads only files that end in `.prom`.
        let readable_by_all = std::fs::Permissions::from_mode(0o644);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".gitmind-metrics-").suffix(".tmp").permissions(readable_by_all);
        let mut file = builder.tempfile_in(directory.unwrap_or(Path::new(".")))?;
        file.write_all(text)?;
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

impl Metrics for OpenMetricsFile<'_> {
    fn record(&mut self, sample: Sample) -> Result<(), MetricsError> {
        let is_same = |it: &&mut Sample| (it.metric, it.op) == (sample.metric, sample.op);
        match (self.samples.iter_mut().find(is_same), sample.metric.kind()) {
            (None, _) => self.samples.try_push(sample)?,
            (Some(known), Kind::Counter) => known.value = known.value.saturating_add(sample.value),
            (Some(known), Kind::Timing | Kind::Gauge) => known.value = sample.value,
        }
        Ok(())
    }

    fn publish(&mut self, tags: &Tags) -> Result<(), MetricsError> {
        let text = self.render(tags)?;
        let failed = |source| MetricsError::Write { path: self.path.clone(), source };
        self.replace(&text).map_err(failed)
    }
}

/// The metadata of a family: type, unit and help.
fn header(metric: Metric, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let family = metric.family();
    let kind = match metric.kind() {
        Kind::Counter => "counter",
        Kind::Timing | Kind::Gauge => "gauge",
    };
    append(out, &["# TYPE ", family, " ", kind, "\n"])?;
    if family.ends_with("_bytes") {
        append(out, &["# UNIT ", family, " bytes\n"])?;
    }
    append(out, &["# HELP ", family, " ", metric.help(), "\n"])
}

fn line(sample: &Sample, tags: &Tags, out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    let total = if sample.metric.kind() == Kind::Counter { "_total" } else { "" };
    append(out, &[sample.metric.family(), total])?;
    let mut separator = b'{';
    if let Some(op) = sample.op {
        append(out, &["{alloc_op=\"", op.name(), "\""])?;
        separator = b',';
    }
    for tag in tags.iter() {
        out.try_push(separator)?;
        out.try_extend(tag.label())?;
        out.try_extend_from_slice(b"=\"")?;
        escape(tag.value(), out)?;
        out.try_push(b'"')?;
        separator = b',';
    }
    if separator == b',' {
        out.try_push(b'}')?;
    }
    let mut value = ArrayString::<22>::new();
    writeln!(value, " {}", sample.value).expect("this holds because 2^64 has 20 digits");
    out.try_extend_from_slice(value.as_bytes())
}

/// Appends the value of a label: UTF-8, with `"`, `\` and newline escaped.
fn escape(value: &[u8], out: &mut Vec<'_, u8>) -> Result<(), MemoryError> {
    for chunk in value.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.try_extend_from_slice(&[b'\\', byte])?,
                b'\n' => out.try_extend_from_slice(b"\\n")?,
                _ => out.try_push(byte)?,
            }
        }
        if !chunk.invalid().is_empty() {
            out.try_extend_from_slice("\u{fffd}".as_bytes())?;
        }
    }
    Ok(())
}

fn append(out: &mut Vec<'_, u8>, parts: &[&str]) -> Result<(), MemoryError> {
    parts.iter().try_for_each(|part| out.try_extend_from_slice(part.as_bytes()))
}
