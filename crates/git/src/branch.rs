//! Branch names, and the names of the refs of a branch's journal and cache.
//!
//! A name must pass the C tool's rules and git's rules for ref names, so that a ref made from it
//! can be written. It is checked before the repository is read.

use std::fmt;

/// Longest full ref name that the C tool accepts, in bytes.
const REF_BYTES_MAX: usize = 511;
const BRANCH_PREFIX: &str = "refs/heads/";
const JOURNAL_PREFIX: &str = "refs/gitmind/edges/";
/// The prefix of every cache ref.
pub const CACHE_PREFIX: &str = "refs/gitmind/cache/";

/// A checked branch name: the shorthand, such as `main` or `feature/x`, or `HEAD` when detached.
///
/// ```
/// use gitmind_git::branch::BranchName;
/// let branch = BranchName::new("feature/x")?;
/// assert_eq!(branch.journal_ref(), "refs/gitmind/edges/feature/x");
/// assert!(BranchName::new("refs/heads/main").is_err());
/// # Ok::<(), gitmind_git::branch::BranchNameError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

/// Why a name cannot be a branch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a branch name: {problem}", .name.escape_debug())]
pub struct BranchNameError {
    name: String,
    problem: &'static str,
}

impl BranchName {
    /// Checks `name`.
    ///
    /// # Errors
    /// When the C tool or git would reject the name or a ref made from it; the error says why.
    pub fn new(name: &str) -> Result<Self, BranchNameError> {
        let reject = |problem| Err(BranchNameError { name: name.into(), problem });
        if let Some(problem) = c_tool_objection(name) {
            return reject(problem);
        }
        let journal = format!("{JOURNAL_PREFIX}{name}");
        if journal.len() > REF_BYTES_MAX {
            return reject("it is too long, the whole ref has at most 511 bytes");
        }
        if !is_ref_name(&journal) {
            return reject("git does not allow it (see `git help check-ref-format`)");
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ref of the branch itself.
    pub fn branch_ref(&self) -> String {
        format!("{BRANCH_PREFIX}{self}")
    }

    /// The prefix of the ref of every branch.
    pub const fn branch_prefix() -> &'static str {
        BRANCH_PREFIX
    }

    /// The ref whose commits are the journal.
    pub fn journal_ref(&self) -> String {
        format!("{JOURNAL_PREFIX}{self}")
    }

    /// The ref whose commit is the cache.
    pub fn cache_ref(&self) -> String {
        format!("{CACHE_PREFIX}{self}")
    }

    /// The prefix of the cache refs that the program of summer 2025 created for this branch; a
    /// number follows.
    pub fn old_caches_prefix(&self) -> String {
        format!("{CACHE_PREFIX}{self}/")
    }

    /// The prefix of every journal ref.
    pub const fn journal_prefix() -> &'static str {
        JOURNAL_PREFIX
    }
}

/// Whether git allows `name`, which contains a slash, as a ref name (`git help check-ref-format`).
pub fn is_ref_name(name: &str) -> bool {
    let is_bad_char = |c: char| c.is_ascii_control() || " ~^:?*[\\".contains(c);
    let is_component =
        |part: &str| !(part.is_empty() || part.starts_with('.') || part.ends_with(".lock"));
    name.split('/').all(is_component)
        && !name.ends_with('.')
        && !name.contains(is_bad_char)
        && !["..", "@{"].iter().any(|bad| name.contains(bad))
}

/// The first of the C tool's rules that `name` breaks.
fn c_tool_objection(name: &str) -> Option<&'static str> {
    let objections = [
        (name.is_empty(), "it is empty"),
        (name.starts_with("refs/"), "give the name without `refs/heads/`"),
        (name.starts_with('/') || name.ends_with('/'), "it starts or ends with `/`"),
        (name.contains(['~', '^', ':', '?', '[', '*', '\\']), "it has one of ~ ^ : ? [ * \\"),
        (name.contains(".."), "it has `..`"),
        (name.contains("@{"), "it has `@{`"),
    ];
    objections.into_iter().find_map(|(broken, problem)| broken.then_some(problem))
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ordinary_branches_pass() {
        for name in ["main", "feature/x", "HEAD", "a-b_c.d", "測試", "x@y", &"a".repeat(64)] {
            let branch = BranchName::new(name).expect(name);
            assert_eq!(branch.cache_ref(), format!("refs/gitmind/cache/{name}"));
        }
    }

    #[test]
    fn names_that_the_c_tool_or_git_rejects_are_errors() {
        let rejected = [
            "",
            "refs/heads/main",
            "refs/",
            "/a",
            "a/",
            "a~b",
            "a^",
            "a:b",
            "a?",
            "a[b",
            "a*",
            "a\\b",
            "a..b",
            "a@{b",
            "a b",
            "a.lock",
            "a//b",
            ".a",
            "a/.b",
            "a\x07b",
            "a.",
        ];
        for name in rejected {
            assert!(BranchName::new(name).is_err(), "{name:?} passed");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_rules_for_ref_names_agree_with_gitoxide(
            name in r"[a.@{/\\~^:?*\[ \x01\x1f\x7fé]{0,6}(\.lock|lock)?[/a.]{0,2}",
        ) {
            let name = format!("{JOURNAL_PREFIX}{name}");
            let expected = gix_validate::reference::name(name.as_str().into()).is_ok();
            proptest::prop_assert_eq!(is_ref_name(&name), expected, "{:?}", name);
        }
    }

    #[test]
    fn length_limits_hold_to_the_byte() {
        let longest = "a".repeat(511 - "refs/gitmind/edges/".len());
        assert!(BranchName::new(&longest).is_ok());
        assert!(BranchName::new(&format!("{longest}a")).is_err());
    }

    #[test]
    fn the_error_escapes_control_characters() {
        let error = BranchName::new("a\x1b[31m:").expect_err("it has a colon");
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
}
