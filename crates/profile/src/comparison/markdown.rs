//! The report of a comparison for a pull request, in the Markdown of code hosts.

use std::fmt::{self, Write};

use super::report::{SITES_SHOWN, base, held, name_and_place};
use super::{Comparison, Mismatch, ProfileChange, SiteBase, SiteChange};
use crate::held::Held;
use crate::number::{Exact, percent, signed};

impl Comparison {
    /// A table with a row for each profile, then the call sites of each, folded away.
    ///
    /// Names are untrusted: characters with a meaning in Markdown or HTML are escaped.
    pub fn markdown(&self) -> String {
        let mut page = String::new();
        self.write(&mut page).expect("this holds because a string takes all that is written to it");
        page
    }

    fn write(&self, page: &mut String) -> fmt::Result {
        let is_over = if self.exceeds() { "above" } else { "within" };
        writeln!(page, "**Memory at the peak**: {is_over} the tolerance of {}\n", self.tolerance)?;
        let label = |Mismatch { key, base, now }: &Mismatch| {
            let [base, now] =
                [base, now].map(|value| code(value.as_deref().unwrap_or("not stated")));
            format!("{}: {base} → {now}", escaped(key))
        };
        if !self.labels.is_empty() {
            let labels = self.labels.iter().map(label).collect::<Vec<_>>();
            writeln!(page, "{}\n", labels.join(", "))?;
        }
        writeln!(page, "| profile | base | now | change | |\n|---|--:|--:|--:|---|")?;
        self.profiles.iter().try_for_each(|profile| profile.row(page))?;
        let alone = |page: &mut String, name: &str, cells: [&str; 2], what: &str| {
            writeln!(page, "| {} | {} | {} | | {what} |", code(name), cells[0], cells[1])
        };
        for (name, Held { bytes, .. }) in &self.came {
            alone(page, name, ["", &Exact(*bytes).to_string()], "not in the base")?;
        }
        for (name, Held { bytes, .. }) in &self.went {
            alone(page, name, [&Exact(*bytes).to_string(), ""], "not recorded")?;
        }
        self.profiles.iter().try_for_each(|profile| profile.details(page))
    }
}

impl ProfileChange {
    fn row(&self, page: &mut String) -> fmt::Result {
        let difference = self.difference_bytes();
        let (change, verdict) = match difference {
            0 => ("0 B".into(), ""),
            _ => {
                let share = percent(self.base.bytes, difference);
                let verdict = if self.exceeds { "**above the tolerance**" } else { "" };
                (format!("{} B ({share})", signed(difference)), verdict)
            }
        };
        let [base, now] = [self.base, self.now].map(|peak| Exact(peak.bytes));
        writeln!(page, "| {} | {base} | {now} | {change} | {verdict} |", code(&self.name))
    }

    fn details(&self, page: &mut String) -> fmt::Result {
        let group = self.unlisted.as_ref().filter(|group| group.difference_bytes() != 0);
        let unattributed_bytes = self.unattributed_difference_bytes;
        if self.sites.is_empty() && group.is_none() && unattributed_bytes == 0 {
            return Ok(());
        }
        let difference = signed(self.difference_bytes());
        let summary = format!("Call sites of {}: {difference} B", code(&self.name));
        writeln!(page, "\n<details><summary>{summary}</summary>\n")?;
        writeln!(page, "| | change | base | now | call site |\n|---|--:|--:|--:|---|")?;
        self.sites.iter().take(SITES_SHOWN).try_for_each(|site| site.row(page))?;
        if let Some(group) = group {
            let difference = signed(group.difference_bytes());
            let [base, now] = [group.base_bytes, group.now_bytes].map(Exact);
            let what = "call sites that the base does not list";
            writeln!(page, "| | {difference} B | {base} | {now} | {what} |")?;
            for of in &group.candidates {
                let site = located(&of.site, of.place.as_deref());
                writeln!(page, "| | | | {} | perhaps {site} |", held(of.held))?;
            }
        }
        if unattributed_bytes != 0 {
            let what = "memory that no call site is known for";
            writeln!(page, "| | {} B | | | {what} |", signed(unattributed_bytes))?;
        }
        if let Some(more @ 1..) = self.sites.len().checked_sub(SITES_SHOWN) {
            writeln!(page, "\nand {more} other call sites with smaller changes")?;
        }
        writeln!(page, "\n</details>")
    }
}

impl SiteChange {
    fn row(&self, page: &mut String) -> fmt::Result {
        let least = if matches!(self.base, SiteBase::AtMost { .. }) { "at least " } else { "" };
        let difference = signed(self.difference_bytes());
        let (base, now) = (base(self.base), held(self.now));
        let site = located(&self.site, self.place.as_deref());
        writeln!(page, "| {} | {least}{difference} B | {base} | {now} | {site} |", self.verb())
    }
}

fn located(site: &str, place: Option<&str>) -> String {
    let (name, place) = name_and_place(site, place);
    let place = place.map(|place| format!(" {}", escaped(place))).unwrap_or_default();
    code(name) + &place
}

/// A name in code type, as HTML, since a code span can contain neither `|` nor a backtick.
fn code(name: &str) -> String {
    format!("<code>{}</code>", escaped(name))
}

/// The text with characters that have a meaning in Markdown or HTML as character references.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        // An underscore within a word emphasizes nothing.
        let is_in_word =
            before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        let is_plain = !c.is_ascii()
            || c.is_ascii_alphanumeric()
            || " :./-,()%{}+=\"'".contains(c)
            || (c == '_' && is_in_word);
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            _ if is_plain => escaped.push(c),
            _ => {
                write!(escaped, "&#{};", u32::from(c))
                    .expect("this holds because a string takes all that is written to it");
            }
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_meaning_in_markdown() {
        assert_eq!(escaped("mine::a_b::{closure}"), "mine::a_b::{closure}");
        assert_eq!(escaped("a|b`c<d>&e"), "a&#124;b&#96;c&lt;d&gt;&amp;e");
        assert_eq!(
            escaped("_a_ *b* [c](d) \\| ~~e~~"),
            "&#95;a&#95; &#42;b&#42; &#91;c&#93;(d) &#92;&#124; &#126;&#126;e&#126;&#126;"
        );
        assert_eq!(escaped("@user #1 $x$ !"), "&#64;user &#35;1 &#36;x&#36; &#33;");
        assert_eq!(escaped("測試 é"), "測試 é");
    }
}
