//! The drawing. When all peaks are small against the cap there are two panels: one up to the cap,
//! and the same curves at their own scale below it.

use super::series::{Band, Point, bands, mib};
use crate::cli::budget::report::Report;
use crate::profile::Recording;
use crate::units::Bytes;
use plotters::chart::ChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::io;

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Chart<'c, 'b> = ChartContext<'c, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Error<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

const SIZE: (u32, u32) = (960, 664);
/// Height of the heading, in pixels.
const HEAD: u32 = 160;
/// Height of a line of its text, in pixels.
const LINE: i32 = 16;
const FONT: &str = "sans-serif";
const TEXT: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const ALLOCATED: RGBColor = RGBColor(31, 78, 140);
const CHARGED: RGBColor = RGBColor(214, 96, 0);
const CAP: RGBColor = RGBColor(200, 30, 30);
/// Colours of the bands, from the palette of Okabe and Ito for colour-blind readers.
const BANDS: [RGBColor; 3] =
    [RGBColor(86, 180, 233), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
/// Peaks below this percentage of the largest cap get a panel at their own scale.
const OWN_PANEL_PERCENT: f64 = 25.0;

/// Draws the report as an SVG document.
pub(super) fn svg(report: &Report, recording: &Recording) -> io::Result<String> {
    let mut text = String::new();
    let drawn =
        draw(report, recording, &mut text).map_err(|error| io::Error::other(error.to_string()));
    drawn.map(|()| text)
}

fn draw<'a>(report: &Report, recording: &Recording, text: &'a mut String) -> Result<(), Error<'a>> {
    let bands = bands(report, recording);
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (head, panels) = root.split_vertically(HEAD);
    heading(report, &bands, &head)?;
    let highest = |level: fn(&Band) -> f64| bands.iter().map(level).fold(0.001, f64::max);
    let (peak, cap) = (highest(|band| mib(band.peak.get())), highest(|band| mib(band.cap.get())));
    if peak * 100.0 < cap * OWN_PANEL_PERCENT {
        let (above, below) = panels.split_vertically((SIZE.1 - HEAD) * 2 / 5);
        panel(&above, &bands, cap * 1.12, "MiB, up to the cap")?;
        panel(&below, &bands, peak * 1.12, "MiB, own scale")?;
    } else {
        panel(&panels, &bands, peak.max(cap) * 1.12, "MiB")?;
    }
    root.present()
}

/// The title, the legend, the peaks and who held the most of them.
fn heading<'a>(report: &Report, bands: &[Band], area: &Area<'a>) -> Result<(), Error<'a>> {
    let hash = report.fixture_sha256.get(..12).unwrap_or_default();
    let title = format!("Live heap bytes on fixture {} ({hash})", report.fixture);
    area.draw(&Text::new(title, (16, 12), (FONT, 18).into_font().color(&TEXT)))?;
    let text = (FONT, 12).into_font().color(&TEXT);
    let mut left = 16;
    for (line, (name, colour)) in
        [("allocated", ALLOCATED), ("charged to the port", CHARGED)].into_iter().enumerate()
    {
        let line = left + 180 * i32::try_from(line).unwrap_or(0);
        area.draw(&PathElement::new([(line, 49), (line + 24, 49)], colour.stroke_width(2)))?;
        area.draw(&Text::new(name, (line + 32, 43), text.clone()))?;
    }
    for (band, colour) in bands.iter().zip(BANDS.iter().cycle()) {
        area.draw(&Rectangle::new([(left, 70), (left + 12, 82)], colour.mix(0.5).filled()))?;
        let words = format!("{}: peak {} of {} ({})", band.name, band.peak, band.cap, band.share);
        area.draw(&Text::new(words, (left + 18, 70), text.clone()))?;
        for (line, holder) in (1..).zip(&band.holders) {
            let place = (left + 18, 70 + LINE * line);
            area.draw(&Text::new(holder.clone(), place, (FONT, 11).into_font().color(&TEXT)))?;
        }
        left += 312;
    }
    Ok(())
}

/// The bands, the lines of the caps and the curves, on axes up to `top_mib`.
fn panel<'a>(area: &Area<'a>, bands: &[Band], top_mib: f64, unit: &str) -> Result<(), Error<'a>> {
    let end_ms = bands.last().map_or(1.0, |band| band.end_ms);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..end_ms, 0.0..top_mib)?;
    for (band, colour) in bands.iter().zip(BANDS.iter().cycle()) {
        let corners = [(band.start_ms, 0.0), (band.end_ms, top_mib)];
        chart.draw_series([Rectangle::new(corners, colour.mix(0.18).filled())])?;
    }
    let digits = if top_mib < 10.0 { 1 } else { 0 };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(TEXT)
        .x_desc("ms")
        .y_desc(unit)
        .x_labels(10)
        .y_labels(6)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| format!("{value:.digits$}"))
        .label_style((FONT, 12).into_font().color(&TEXT))
        .draw()?;
    for (band, colour) in bands.iter().zip(BANDS.iter().cycle()) {
        curve(&mut chart, &band.allocated, ALLOCATED, Some(*colour))?;
        curve(&mut chart, &band.charged, CHARGED, None)?;
    }
    let mut before = None;
    for band in bands {
        let is_named = before.replace(band.cap) != Some(band.cap);
        caps(&mut chart, band, top_mib, is_named)?;
    }
    Ok(())
}

/// One curve, with the area below it in the colour of its band.
fn curve<'b>(
    chart: &mut Chart<'_, 'b>,
    points: &[Point],
    colour: RGBColor,
    below: Option<RGBColor>,
) -> Result<(), Error<'b>> {
    if let (Some(below), Some(first), Some(last)) = (below, points.first(), points.last()) {
        let corners = [&[(first.0, 0.0)], points, &[(last.0, 0.0)]].concat();
        chart.draw_series([Polygon::new(corners, below.mix(0.35).filled())])?;
    }
    chart.draw_series([PathElement::new(points, colour.stroke_width(1))]).map(drop)
}

/// The lines of the cap and of 80 % of it, where a warning is due, as far as the panel shows them.
fn caps<'b>(
    chart: &mut Chart<'_, 'b>,
    band: &Band,
    top_mib: f64,
    is_named: bool,
) -> Result<(), Error<'b>> {
    let centre = (band.start_ms + band.end_ms) / 2.0;
    for (percent, name) in [(80, "80 %"), (100, "100 %")] {
        // Rounded up, so that 80 % of 256 MiB read 204.8 MiB.
        let limit = (u128::from(band.cap.get()) * percent).div_ceil(100);
        let limit = Bytes::new(u64::try_from(limit).unwrap_or(u64::MAX));
        let level = mib(limit.get());
        if level > top_mib {
            continue;
        }
        let ends = [(band.start_ms, level), (band.end_ms, level)];
        if percent == 100 {
            chart.draw_series([PathElement::new(ends, CAP.stroke_width(2))])?;
        } else {
            chart.draw_series(DashedLineSeries::new(ends, 6, 4, CAP.stroke_width(1)))?;
        }
        if is_named {
            let words = format!("{name}: {limit}");
            let above = Pos::new(HPos::Center, VPos::Bottom);
            let style = (FONT, 11).into_font().color(&CAP).pos(above);
            chart.draw_series([Text::new(words, (centre, level), style)])?;
        }
    }
    Ok(())
}
