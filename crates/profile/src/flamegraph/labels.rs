//! Labels that do not fit their frames: the end of a path is shown, because it distinguishes
//! functions.

/// The text before the name of a frame, and before its label.
const TITLE: &str = "<title>";
const LABEL: [&str; 2] = ["<text x=", "\">"];

/// The text in place of the omitted part.
const OMITTED: &str = "..";

/// The smallest number of characters of a truncated name; fewer are useless.
const PART_CHARS_MIN: usize = 8;

/// The picture, with the ends of truncated paths instead of their beginnings.
pub(super) fn with_ends(svg: &str) -> String {
    let mut parts = svg.split(TITLE);
    let mut shown = String::with_capacity(svg.len());
    shown.push_str(parts.next().unwrap_or_default());
    for part in parts {
        shown.push_str(TITLE);
        match with_end(part) {
            Some(part) => shown.push_str(&part),
            None => shown.push_str(part),
        }
    }
    shown
}

/// One frame, from its name on, when its label is a path that was cut.
fn with_end(frame: &str) -> Option<String> {
    let (name, _) = frame.split_once(" (")?;
    let text = frame.find(LABEL[0])?;
    let start = text + frame[text..].find(LABEL[1])? + LABEL[1].len();
    let end = start + frame[start..].find('<')?;
    let cut = frame[start..end].strip_suffix(OMITTED)?;
    // A character reference must not be cut, and a name without its path begins with what it says.
    if !name.contains("::") || name.contains('&') || !name.starts_with(cut) {
        return None;
    }
    let length = cut.chars().count();
    let (at, _) = name.char_indices().rev().nth(length.checked_sub(1)?)?;
    let kept = &name[at..];
    let is_whole = name[..at].ends_with("::");
    let label = match kept.split_once("::") {
        _ if is_whole => [OMITTED, kept].concat(),
        // From the beginning of a name on.
        Some((_, whole)) => [OMITTED, whole].concat(),
        None if length >= PART_CHARS_MIN => [OMITTED, kept].concat(),
        None => String::new(),
    };
    Some([&frame[..start], &label, &frame[end..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(name: &str, label: &str) -> String {
        let text = format!("<rect x=\"1%\"/><text x=\"2%\" y=\"3\">{label}</text>");
        format!("<g><title>{name} (9 bytes, 1.00%)</title>{text}</g>")
    }

    #[test]
    fn a_path_that_does_not_fit_ends_with_its_function() {
        for (name, label, shown) in [
            ("mine::deep::down::Reader::read", "mine::deep::do..", "..Reader::read"),
            ("mine::deep::down::Reader::read", "mine..", "..read"),
            ("mine::deep::down::Reader::read", "min..", ""),
            ("mine::from_untrusted_bytes", "mine::from..", "..sted_bytes"),
            ("mine::read", "mine::read", "mine::read"),
            ("push (crates/mine/src/f.rs)", "push (cra..", "push (cra.."),
            ("mine::&lt;T&gt;::f", "mine::..", "mine::.."),
            ("mine::é::ü", "mine::..", "..é::ü"),
            ("mine::f", "", ""),
        ] {
            let svg = format!("<svg>{}{}</svg>", frame(name, label), frame("all", ""));
            let expected = format!("<svg>{}{}</svg>", frame(name, shown), frame("all", ""));
            assert_eq!(with_ends(&svg), expected);
        }
    }

    #[test]
    fn a_picture_of_another_shape_is_as_it_was() {
        for svg in
            ["", "<title>", "<title>a::b (", "<title>a::b (<text x=\">a..", "<text x=\"\">a::b..<"]
        {
            assert_eq!(with_ends(svg), svg);
        }
    }
}
