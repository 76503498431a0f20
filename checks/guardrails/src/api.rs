//! The public API of each published library, beside the text that is stored of it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use public_api::Builder;
use toml::{Table, Value};

/// The stored texts, one for each library.
const TEXTS: &str = "checks/api";

/// What differs, a line each; with `is_written` the stored texts become those of the sources.
/// rustdoc has written its JSON before, as `checks/api/run` has it do.
pub(crate) fn compare(is_written: bool) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for name in libraries().ok_or("Cargo.toml has no list of members")? {
        let file = documents().join(format!("{}.json", name.replace('-', "_")));
        let api = Builder::from_rustdoc_json(&file).omit_blanket_impls(true);
        let api = api.omit_auto_trait_impls(true).omit_auto_derived_impls(true).build();
        let now = api.map_err(|error| format!("{}: {error}", file.display()))?.to_string();
        let text = Path::new(TEXTS).join(format!("{name}.txt"));
        if is_written {
            std::fs::write(&text, now).map_err(|error| format!("{}: {error}", text.display()))?;
        } else {
            let stored = std::fs::read_to_string(&text).unwrap_or_default();
            findings.extend(difference(&name, &stored, &now));
        }
    }
    Ok(findings)
}

/// The libraries that are published, of those that cargo documents.
fn libraries() -> Option<Vec<String>> {
    let manifest = |member: &str| -> Option<Table> {
        std::fs::read_to_string(Path::new(member).join("Cargo.toml")).ok()?.parse().ok()
    };
    let members = manifest(".")?.get("workspace")?.get("default-members")?.as_array()?.clone();
    let packages = members.iter().filter_map(Value::as_str).filter_map(|member| {
        let package = manifest(member)?.remove("package")?;
        let is_published = package.get("publish").is_none();
        is_published.then(|| package.get("name")?.as_str().map(str::to_owned))?
    });
    Some(packages.collect())
}

/// Where rustdoc writes.
fn documents() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    PathBuf::from(target).join("doc")
}

/// The items that are in one of the two texts alone.
fn difference(library: &str, stored: &str, now: &str) -> Option<String> {
    let [before, after] = [stored, now].map(|text| text.lines().collect::<BTreeSet<_>>());
    let mut lines = String::new();
    for (sign, these) in [('-', before.difference(&after)), ('+', after.difference(&before))] {
        for line in these {
            // Writing to a string does not fail.
            let _ = write!(lines, "\n  {sign} {line}");
        }
    }
    (!lines.is_empty()).then(|| format!("the public API of {library} has changed:{lines}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_item_is_named_as_it_was_and_as_it_is() {
        let (stored, now) = ("pub fn a()\npub fn b()\n", "pub fn b()\npub fn c()\n");
        let found = difference("x", stored, now);
        let expected = "the public API of x has changed:\n  - pub fn a()\n  + pub fn c()";
        assert_eq!(found.as_deref(), Some(expected));
        assert_eq!(difference("x", now, now), None);
    }
}
