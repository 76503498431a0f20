//! The colours of a flamegraph: a hue for each crate, which shows the layers, and a shade for each
//! function.

use inferno::flamegraph::color::{Color, PaletteMap};

/// Steps between two hues of the wheel of colours, which has six of them.
const STEPS: u64 = 60;

/// The colour of frames that are not functions: the root, and the names of profiles.
const GREY: Color = Color { r: 216, g: 216, b: 216 };

/// The colours of all frames of folded stacks, by their names alone.
pub(super) fn palette(folded: &str) -> PaletteMap {
    let mut palette = PaletteMap::default();
    palette.insert("", GREY);
    for line in folded.lines() {
        let stack = line.rsplit_once(' ').map_or(line, |(stack, _)| stack);
        let (profile, frames) = stack.split_once(';').unwrap_or((stack, ""));
        for frame in frames.split(';') {
            palette.insert(frame, colour(frame));
        }
        palette.insert(profile, GREY);
    }
    palette
}

/// The hue of the crate, in the shade of the function; both light enough for black text.
fn colour(frame: &str) -> Color {
    let hue = hash(of_crate(frame)) % (6 * STEPS);
    let (low, high) = (135 + channel(hash(frame) % 35), 225 + channel(hash(frame) / 64 % 20));
    let rising = channel(hue % STEPS * u64::from(high - low) / STEPS);
    let (up, down) = (low + rising, high - rising);
    let (r, g, b) = match hue / STEPS {
        0 => (high, up, low),
        1 => (down, high, low),
        2 => (low, high, up),
        3 => (low, down, high),
        4 => (up, low, high),
        _ => (high, low, down),
    };
    Color { r, g, b }
}

/// A part of a colour, which is below 256 as it is computed.
fn channel(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// The crate of a function: the first part of its path, or the directory of its file.
fn of_crate(frame: &str) -> &str {
    let file = frame.rsplit_once(" (").map(|(_, file)| file);
    let directory = |file: &'_ str| file.split("/src/").next().map_or(0, str::len);
    match file {
        Some(file) => &file[..directory(file)],
        None => frame.split("::").next().unwrap_or(frame),
    }
}

/// FNV-1a, which is the same on every machine.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_a_crate_have_its_hue() {
        assert_eq!(of_crate("mine::a::f_[i]"), "mine");
        assert_eq!(of_crate("push (crates/cache/src/plan.rs)_[i]"), "crates/cache");
        assert_eq!(of_crate("main"), "main");
        let strongest =
            |Color { r, g, b }: Color| [r, g, b].iter().position(|of| *of == r.max(g).max(b));
        let [f, g] = ["mine::f", "mine::b::g"].map(colour);
        assert_eq!(strongest(f), strongest(g));
        assert_ne!(f, g);
    }

    #[test]
    fn black_text_is_readable_on_every_colour() {
        for number in 0..10_000 {
            let Color { r, g, b } = colour(&format!("crate{number}::f{number}"));
            let luminance = 299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b);
            assert!(luminance > 140_000, "{r} {g} {b}");
        }
    }
}
