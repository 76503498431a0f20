//! The report as text.

use super::operations::Row;
use super::report::Report;
use super::verdict::{percent, permille};
use crate::cli::count::{counted, number};
use crate::cli::escape::Escaped;
use crate::cli::output::Output;
use crate::units::Bytes;
use std::io::{self, Write};

pub(super) fn print(report: &Report, output: &mut Output) -> io::Result<()> {
    let fixture = Escaped::bytes(report.fixture.as_bytes());
    writeln!(output, "fixture    {fixture}, SHA-256 {}", report.fixture_sha256)?;
    if let Some((edges, commits)) = report.journal {
        let (edges, commits) = (counted(edges, "edge"), counted(commits, "commit"));
        writeln!(output, "journal    {edges} in {commits}")?;
    }
    let heads = ["heap peak", "cap", "share", "blocks", "failed", "verdict"];
    table(output, heads, &report.rows, |Row { measured, judged }| {
        [
            measured.accounts.allocated_peak.to_string(),
            measured.cap.to_string(),
            judged.share(),
            number(measured.allocations_total),
            number(measured.failures_total),
            judged.name().to_owned(),
        ]
    })?;
    let heads = ["charged", "allocated", "resident", "gap", "gap share", "gap allowed"];
    table(output, heads, &report.rows, |Row { measured, judged }| {
        let accounts = measured.accounts;
        let (gap, peak) = (accounts.gap(), accounts.allocated_peak);
        [
            accounts.charged_peak.to_string(),
            peak.to_string(),
            measured.resident.as_ref().map_or_else(|| "unknown".to_owned(), Bytes::to_string),
            gap.to_string(),
            percent(permille(gap, peak)),
            judged.gap_allowed.to_string(),
        ]
    })?;
    environment(report, output)?;
    let verdict = if report.is_within() { "within budget" } else { "not within budget" };
    writeln!(output, "\nverdict    {verdict}")
}

/// Prints a table with a row for each operation; columns are as wide as their longest cell.
fn table<const N: usize>(
    output: &mut Output,
    heads: [&str; N],
    rows: &[Row],
    cells: impl Fn(&Row) -> [String; N],
) -> io::Result<()> {
    let lines: Vec<_> = rows.iter().map(|row| (row.measured.op.name(), cells(row))).collect();
    let width = |column: usize| {
        let widths = lines.iter().map(|(_, cells)| cells[column].len());
        widths.chain([heads[column].len()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    write!(output, "\n{:<13}", "operation")?;
    for (head, width) in heads.iter().zip(widths) {
        write!(output, "  {head:>width$}")?;
    }
    writeln!(output)?;
    for (name, cells) in &lines {
        write!(output, "{name:<13}")?;
        for (cell, width) in cells.iter().zip(widths) {
            write!(output, "  {cell:>width$}")?;
        }
        writeln!(output)?;
    }
    Ok(())
}

/// Prints what the measurement depends on, with the toggles that are set.
fn environment(report: &Report, output: &mut Output) -> io::Result<()> {
    let environment = &report.environment;
    writeln!(output, "\nprogram    gitmind {}, {}", environment.version, environment.profile)?;
    writeln!(output, "revision   {} ({})", environment.revision, environment.revision_from)?;
    writeln!(output, "compiler   {}", environment.rustc)?;
    writeln!(output, "target     {}", environment.target)?;
    let (kernel, threads) = (&environment.kernel, environment.threads);
    writeln!(output, "machine    {kernel}, {threads} threads")?;
    writeln!(output, "pages      {} bytes", environment.page_size_bytes)?;
    writeln!(output, "toggles    {}", environment.toggles_set())
}
