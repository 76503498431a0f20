//! What the call sites held then and now, as bars: the change is seen without reading figures.

use gitmind_profile::{ProfileChange, SiteBase};

/// Call sites that are drawn, those first whose size changed the most.
const SITES_MAX: usize = 4;
/// Pixels that the largest bar is long, and that a call site is high.
const BAR_WIDTH: u64 = 560;
const ROW_HEIGHT: usize = 44;

/// The changes of one profile as an SVG.
pub fn picture(change: &ProfileChange) -> String {
    let sites = &change.sites[..change.sites.len().min(SITES_MAX)];
    let then = |site: SiteBase| match site {
        SiteBase::Held { bytes, .. } | SiteBase::AtMost { bytes } => bytes,
    };
    let largest = sites.iter().map(|site| then(site.base).max(site.now.bytes)).max().unwrap_or(1);
    let height = 40 + ROW_HEIGHT * sites.len();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"10\" y=\"20\" font-size=\"14\">The peak went from {} to {} B; the call sites \
         that changed the most:</text>\n",
        change.base.bytes, change.now.bytes,
    );
    for (row, site) in sites.iter().enumerate() {
        let top = 34 + ROW_HEIGHT * row;
        let name = &site.site;
        svg += &format!("<text x=\"10\" y=\"{}\">{name}</text>\n", top + 12);
        let colour = if site.difference_bytes() > 0 { "#c0392b" } else { "#2e8b57" };
        let bars = [(then(site.base), "#b8b8b8", "then"), (site.now.bytes, colour, "now")];
        for (bar, (bytes, colour, when)) in bars.into_iter().enumerate() {
            let (y, width) = (top + 16 + 12 * bar, bytes * BAR_WIDTH / largest);
            svg += &format!(
                "<rect x=\"10\" y=\"{y}\" width=\"{width}\" height=\"10\" fill=\"{colour}\"/>\n\
                 <text x=\"{}\" y=\"{}\" font-size=\"10\">{when} {bytes} B</text>\n",
                width + 16,
                y + 9,
            );
        }
    }
    svg + "</svg>\n"
}
