//! A recording as a picture: a flamegraph whose widths are bytes, with a tower for each profile.

mod colours;
mod labels;

use std::cmp::Reverse;

use gitmind_memory::units::Bytes;
use inferno::flamegraph::color::{BackgroundColor, Color, StrokeColor};
use inferno::flamegraph::{self, Options};

use crate::held::{Held, When};
use crate::number::{Exact, grouped};
use crate::recording::{RecordedProfile, Recording};
use crate::text::cleaned;

/// Characters that fit one line of the subtitle.
const SUBTITLE_CHARS_MAX: usize = 140;

/// The background, and the lines between frames.
const WHITE: Color = Color { r: 255, g: 255, b: 255 };

/// There is nothing to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no call stack of the recording holds anything at this moment, so there is nothing to draw"
)]
pub struct NothingHeld;

impl Recording {
    /// The recording as an SVG that can be searched and zoomed in a browser. Equal recordings give
    /// equal bytes.
    ///
    /// # Errors
    /// When no call stack holds anything.
    pub fn flamegraph(&self, title: &str, when: When) -> Result<String, NothingHeld> {
        let folded = self.folded(when);
        if folded.is_empty() {
            return Err(NothingHeld);
        }
        let mut palette = colours::palette(&folded);
        let mut options = Options::default();
        options.title = cleaned(title);
        options.subtitle = Some(self.subtitle(when));
        options.count_name = "bytes".into();
        options.name_type = "Function:".into();
        options.image_width = Some(1200);
        options.font_type = "monospace".into();
        // Of the widest usual monospaced font, so that no text leaves its frame.
        options.font_width = 0.64;
        options.palette_map = Some(&mut palette);
        options.stroke_color = StrokeColor::Color(WHITE);
        options.bgcolors = Some(BackgroundColor::Flat(WHITE));
        let mut svg = Vec::new();
        // Lines with bytes, and a vector that takes all that is written to it.
        flamegraph::from_lines(&mut options, folded.lines(), &mut svg).map_err(|_| NothingHeld)?;
        Ok(labels::with_ends(&String::from_utf8_lossy(&svg)))
    }

    /// The text of the subtitle: the amount of a single profile, or the largest of several with
    /// their shares of the picture.
    fn subtitle(&self, when: When) -> String {
        let mut profiles: Vec<&RecordedProfile> = self.profiles.iter().collect();
        profiles.sort_by_key(|profile| Reverse(drawn_bytes(profile, when)));
        if let [profile] = profiles.as_slice() {
            let Held { bytes, blocks } = profile.held(when);
            let blocks = grouped(blocks.into());
            return format!(
                "{}: {} {} in {blocks} blocks",
                profile.name,
                when.name(),
                Exact(bytes)
            );
        }
        let whole: u128 = profiles.iter().map(|profile| drawn_bytes(profile, when)).sum();
        let mut subtitle = format!("{} of", when.name());
        for (number, profile) in profiles.iter().enumerate() {
            let permille = drawn_bytes(profile, when) * 1000 / whole.max(1);
            let bytes = Bytes::new(profile.held(when).bytes);
            let (name, percent, tenth) = (&profile.name, permille / 10, permille % 10);
            let next = format!(" {name} {bytes} ({percent}.{tenth} %),");
            if subtitle.len() + next.len() > SUBTITLE_CHARS_MAX {
                return format!("{subtitle} and {} more", profiles.len() - number);
            }
            subtitle += &next;
        }
        subtitle.trim_end_matches(',').into()
    }
}

/// The width of a tower.
fn drawn_bytes(profile: &RecordedProfile, when: When) -> u128 {
    profile.stacks.iter().map(|stack| u128::from(stack.held(when).bytes)).sum()
}
