//! The environment port: access to environment variables, which tests replace.
//!
//! Only the composition root reads the environment, once, through this trait. No other module
//! calls `std::env`, so that a run depends only on its inputs.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// A source of environment variables.
pub trait Environment {
    /// The value of variable `name`; `None` when it is not set.
    fn var(&self, name: &str) -> Option<OsString>;
}

/// The values of a switch, for error messages. An empty value counts as unset.
pub const SWITCH_VALUES: &str = "0 or 1, true or false, on or off, yes or no";

/// The value of a switch, in upper or lower case.
///
/// ```
/// use gitmind_system::env::parse_switch;
/// assert_eq!(["on", "No", "2"].map(parse_switch), [Some(true), Some(false), None]);
/// ```
pub fn parse_switch(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        _ if is_one_of(["1", "true", "on", "yes"]) => Some(true),
        _ if is_one_of(["0", "false", "off", "no"]) => Some(false),
        _ => None,
    }
}

/// The variables of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn var(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// A fixed set of variables, for tests.
///
/// ```
/// use gitmind_system::env::{Environment, FixedEnvironment};
/// let env = FixedEnvironment::from([("GM_ALLOC_TRACE", "1")]);
/// assert_eq!(env.var("GM_ALLOC_TRACE"), Some("1".into()));
/// assert_eq!(env.var("HOME"), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct FixedEnvironment(BTreeMap<String, OsString>);

impl<const N: usize> From<[(&str, &str); N]> for FixedEnvironment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl Environment for FixedEnvironment {
    fn var(&self, name: &str) -> Option<OsString> {
        self.0.get(name).cloned()
    }
}
