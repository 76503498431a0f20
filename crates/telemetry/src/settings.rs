//! The environment variables of telemetry, read once.
//!
//! Names and values are the C tool's. An invalid value is an error that names the variable, the
//! value and the accepted values, also of a switch, for which the C tool takes any text.

use std::path::PathBuf;

use super::level::{Level, LogFormat};
use gitmind_system::env::{Environment, SWITCH_VALUES, parse_switch};

/// Most bytes of a value; paths have no limit here.
const VALUE_BYTES_MAX: usize = 255;
/// Most user-defined tags.
const EXTRA_TAGS_MAX: usize = 3;
const EXTRA_KEY_BYTES_MAX: usize = 31;
const EXTRA_VALUE_BYTES_MAX: usize = 63;

/// The settings of telemetry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The lowest level that is logged.
    pub log_level: Level,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// Whether diagnostics are written.
    pub debug_events: bool,
    /// Whether metrics are collected; without a file they are only logged.
    pub metrics_enabled: bool,
    /// The file that metrics are written to, for a collector.
    pub metrics_file: Option<PathBuf>,
    /// Whether the branch is a tag.
    pub branch_tag: bool,
    /// Whether the mode of an operation is a tag.
    pub mode_tag: bool,
    /// Whether and how the repository is a tag.
    pub repo_tag: RepoTag,
    /// The hash for [`RepoTag::Hash`].
    pub repo_hash: RepoHash,
    /// The valid user-defined tags.
    pub extra_tags: Vec<(String, String)>,
    /// The number of user-defined tags that were invalid or too many.
    pub extras_dropped: u64,
    origins: [Option<String>; NAMES.len()],
}

/// Whether and how the repository is a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoTag {
    /// No tag.
    Off,
    /// A hash of its canonical path.
    Hash,
    /// Its canonical path.
    Plain,
}

/// The hash of a repository's path; a tag has its first twelve hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepoHash {
    /// FNV-1a with 64 bits.
    Fnv,
    /// SHA-256.
    Sha256,
}

/// A variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} is `{value}`; it accepts {accepted}")]
pub struct SettingsError {
    name: &'static str,
    value: String,
    accepted: &'static str,
}

/// One variable, as `git-mind env` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The variable.
    pub name: &'static str,
    /// The effective value.
    pub value: String,
    /// Whether the environment has set it.
    pub is_set: bool,
    /// What it does.
    pub meaning: &'static str,
}

const LEVEL: usize = 0;
const FORMAT: usize = 1;
const DEBUG_EVENTS: usize = 2;
const ENABLED: usize = 3;
const FILE: usize = 4;
const BRANCH_TAG: usize = 5;
const MODE_TAG: usize = 6;
const REPO_TAG: usize = 7;
const REPO_HASH: usize = 8;
const EXTRA_TAGS: usize = 9;

/// The variables in the order of reports, with their descriptions.
const NAMES: [(&str, &str); 10] = [
    ("GITMIND_LOG_LEVEL", "lowest level that is logged"),
    ("GITMIND_LOG_FORMAT", "format of log lines"),
    ("GITMIND_DEBUG_EVENTS", "write diagnostics"),
    ("GITMIND_METRICS_ENABLED", "collect metrics"),
    ("GITMIND_METRICS_FILE", "write metrics to this file"),
    ("GITMIND_METRICS_BRANCH_TAG", "tag metrics with the branch"),
    ("GITMIND_METRICS_MODE_TAG", "tag metrics with the mode"),
    ("GITMIND_METRICS_REPO_TAG", "tag metrics with the repository"),
    ("GITMIND_METRICS_REPO_HASH_ALGO", "hash of the repository's tag"),
    ("GITMIND_METRICS_EXTRA_TAGS", "user-defined tags of metrics"),
];

impl Settings {
    /// Reads all variables from `env`.
    ///
    /// # Errors
    /// The first variable whose value cannot be used.
    pub fn read(env: &dyn Environment) -> Result<Self, SettingsError> {
        let mut origins = [const { None }; NAMES.len()];
        for (index, (origin, (name, _))) in origins.iter_mut().zip(NAMES).enumerate() {
            // The C tool treats an empty value as not set.
            let value = env.var(name).filter(|value| !value.is_empty());
            *origin = value.map(|value| value.to_string_lossy().into_owned());
            let is_long = |value: &&String| index != FILE && value.len() > VALUE_BYTES_MAX;
            if let Some(value) = origin.as_ref().filter(is_long) {
                return Err(invalid(index, value, "up to 255 bytes"));
            }
        }
        let level = |text: &str| Level::ALL.into_iter().find(|level| level.name() == text);
        let format = |text: &str| LogFormat::ALL.into_iter().find(|it| it.name() == text);
        let switch = |index, default| one(&origins, index, parse_switch, SWITCH_VALUES, default);
        let extras = origins[EXTRA_TAGS].as_deref().map(extra_tags).unwrap_or_default();
        Ok(Self {
            log_level: one(&origins, LEVEL, level, "DEBUG, INFO, WARN or ERROR", Level::Warn)?,
            log_format: one(&origins, FORMAT, format, "text or json", LogFormat::Text)?,
            debug_events: switch(DEBUG_EVENTS, false)?,
            metrics_enabled: switch(ENABLED, true)?,
            metrics_file: env.var(NAMES[FILE].0).filter(|it| !it.is_empty()).map(Into::into),
            branch_tag: switch(BRANCH_TAG, true)?,
            mode_tag: switch(MODE_TAG, true)?,
            repo_tag: one(&origins, REPO_TAG, repo_tag, "off, hash or plain", RepoTag::Off)?,
            repo_hash: one(&origins, REPO_HASH, repo_hash, "fnv or sha256", RepoHash::Fnv)?,
            extra_tags: extras.0,
            extras_dropped: extras.1,
            origins,
        })
    }

    /// Every variable with its effective value.
    pub fn list(&self) -> [Variable; NAMES.len()] {
        let switch = |on: bool| u8::from(on).to_string();
        std::array::from_fn(|index| {
            let (name, meaning) = NAMES[index];
            let written = |default: &str| self.origins[index].clone().unwrap_or(default.into());
            let value = match index {
                LEVEL => self.log_level.name().into(),
                FORMAT => self.log_format.name().into(),
                DEBUG_EVENTS => switch(self.debug_events),
                ENABLED => switch(self.metrics_enabled),
                BRANCH_TAG => switch(self.branch_tag),
                MODE_TAG => switch(self.mode_tag),
                REPO_TAG => written("off"),
                REPO_HASH => written("fnv"),
                _ => written("none"),
            };
            Variable { name, value, is_set: self.origins[index].is_some(), meaning }
        })
    }
}

fn invalid(index: usize, value: &str, accepted: &'static str) -> SettingsError {
    SettingsError { name: NAMES[index].0, value: value.into(), accepted }
}

/// The value of variable number `index`, or `default` when it is not set.
fn one<T>(
    origins: &[Option<String>],
    index: usize,
    parse: impl Fn(&str) -> Option<T>,
    accepted: &'static str,
    default: T,
) -> Result<T, SettingsError> {
    let Some(value) = &origins[index] else { return Ok(default) };
    parse(value).ok_or_else(|| invalid(index, value, accepted))
}

fn repo_tag(value: &str) -> Option<RepoTag> {
    match value {
        "off" => Some(RepoTag::Off),
        "hash" => Some(RepoTag::Hash),
        "plain" => Some(RepoTag::Plain),
        _ => None,
    }
}

fn repo_hash(value: &str) -> Option<RepoHash> {
    match value {
        "fnv" => Some(RepoHash::Fnv),
        "sha256" => Some(RepoHash::Sha256),
        _ => None,
    }
}

/// The valid tags of `k=v,k=v`, and the number of the others.
fn extra_tags(text: &str) -> (Vec<(String, String)>, u64) {
    let (mut tags, mut dropped) = (Vec::new(), 0);
    for pair in text.split(',') {
        match pair.split_once('=') {
            Some((key, value)) if tags.len() < EXTRA_TAGS_MAX && is_key(key) && is_value(value) => {
                tags.push((key.into(), value.into()));
            }
            _ => dropped += 1,
        }
    }
    (tags, dropped)
}

fn is_key(text: &str) -> bool {
    let is_in = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=EXTRA_KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_in)
}

fn is_value(text: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:@/-".contains(&byte);
    (1..=EXTRA_VALUE_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_system::env::FixedEnvironment;

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Settings, String> {
        Settings::read(&FixedEnvironment::from(variables)).map_err(|error| error.to_string())
    }

    #[test]
    fn by_default_warnings_are_logged_and_metrics_have_no_file() {
        let settings = read([]).expect("nothing is wrong with nothing");
        assert_eq!((settings.log_level, settings.log_format), (Level::Warn, LogFormat::Text));
        assert!(settings.metrics_enabled && settings.metrics_file.is_none());
        assert!(settings.branch_tag && settings.mode_tag && !settings.debug_events);
        assert_eq!((settings.repo_tag, settings.repo_hash), (RepoTag::Off, RepoHash::Fnv));
    }

    #[test]
    fn a_value_that_is_not_understood_is_named_with_what_is_accepted() {
        let long = "x".repeat(256);
        for (name, value, accepted) in [
            ("GITMIND_LOG_LEVEL", "loud", "DEBUG, INFO, WARN or ERROR"),
            ("GITMIND_LOG_FORMAT", "xml", "text or json"),
            ("GITMIND_METRICS_REPO_TAG", "yes", "off, hash or plain"),
            ("GITMIND_METRICS_REPO_HASH_ALGO", "md5", "fnv or sha256"),
            ("GITMIND_METRICS_EXTRA_TAGS", long.as_str(), "up to 255 bytes"),
        ] {
            let expected = format!("{name} is `{value}`; it accepts {accepted}");
            assert_eq!(read([(name, value)]), Err(expected));
        }
    }

    #[test]
    fn switches_accept_the_usual_words_and_an_empty_value_is_the_default() {
        let names = ["DEBUG_EVENTS", "METRICS_ENABLED", "METRICS_BRANCH_TAG", "METRICS_MODE_TAG"];
        let values = |settings: &Settings| {
            let Settings { debug_events, metrics_enabled, branch_tag, mode_tag, .. } = settings;
            [*debug_events, *metrics_enabled, *branch_tag, *mode_tag]
        };
        let defaults = values(&read([]).expect("nothing is wrong with nothing"));
        assert_eq!(defaults, [false, true, true, true]);
        for (index, default) in defaults.into_iter().enumerate() {
            let name = &*format!("GITMIND_{}", names[index]);
            let on = ["1", "true", "On", "YES"].map(|value| (value, true));
            let off = ["0", "False", "off", "no"].map(|value| (value, false));
            for (value, expected) in on.into_iter().chain(off).chain([("", default)]) {
                let settings = read([(name, value)]).expect("it is a value of a switch");
                assert_eq!(values(&settings)[index], expected, "{name}={value}");
            }
            for value in ["2", "anything", " 1"] {
                let error = read([(name, value)]).expect_err("it is no value of a switch");
                assert_eq!(error, format!("{name} is `{value}`; it accepts {SWITCH_VALUES}"));
            }
        }
    }

    #[test]
    fn three_valid_user_defined_tags_are_used_and_the_others_are_counted() {
        let long = format!("{}=v", "k".repeat(32));
        for (text, kept, dropped) in [
            ("team=core", 1, 0),
            ("a=1,b=2,c=3,d=4", 3, 1),
            ("a=1,B=2,c=x y,=v,d=,e", 1, 5),
            (long.as_str(), 0, 1),
        ] {
            let settings = read([("GITMIND_METRICS_EXTRA_TAGS", text)]).expect("it is short");
            let found = (settings.extra_tags.len(), settings.extras_dropped);
            assert_eq!(found, (kept, dropped), "{text}");
        }
    }

    #[test]
    fn the_list_has_the_values_in_force() {
        let settings = read([("GITMIND_LOG_LEVEL", "DEBUG")]).expect("valid");
        let list = settings.list();
        assert_eq!((list[LEVEL].value.as_str(), list[LEVEL].is_set), ("DEBUG", true));
        assert_eq!((list[ENABLED].value.as_str(), list[ENABLED].is_set), ("1", false));
    }
}
