//! Who new commits are by and when, by git's rules (ident.c, `fmt_ident`).
//!
//! Where git would guess a name or an address from the machine, there is a stand-in: a journal can
//! be started on a machine where git has no identity.

use super::date;
use gitmind_git::{Authors, Identity, IdentityError, is_blank_name};
use gitmind_ports::clock::Timestamp;
use gitmind_system::clock::Zone;
use gitmind_system::env::Environment;
use gix_config::File;
use std::os::unix::ffi::OsStringExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The author and the committer of new commits, or why git would refuse to commit.
pub(super) fn authors(config: &File, env: &dyn Environment) -> Result<Authors, IdentityError> {
    let person = |name| Person { name, config, env }.identity();
    Ok(Authors { author: person("author")?, committer: person("committer")? })
}

/// The author or the committer.
struct Person<'p> {
    /// The name of its section in the configuration.
    name: &'static str,
    config: &'p File,
    env: &'p dyn Environment,
}

impl Person<'_> {
    fn identity(&self) -> Result<Identity, IdentityError> {
        let stand_in = Identity::default();
        let email = match self.named("email")? {
            Some(email) => email,
            None => match self.env.var("EMAIL").filter(|email| !email.is_empty()) {
                Some(email) => email.into_vec(),
                None => stand_in.email,
            },
        };
        let name = self.named("name")?.unwrap_or(stand_in.name);
        if is_blank_name(&name) {
            let (name, email) = (String::from_utf8_lossy(&name), String::from_utf8_lossy(&email));
            let why = format!("the name `{name}` (for <{email}>) is empty or only punctuation");
            return Err(IdentityError::Missing(why));
        }
        Ok(Identity { name, email, time: self.time()? })
    }

    /// What the person's variable, its section or `user` say; `None` when git would guess.
    fn named(&self, part: &str) -> Result<Option<Vec<u8>>, IdentityError> {
        if let Some(value) = self.variable(part) {
            return Ok(Some(value));
        }
        let value = |section| self.config.string(format!("{section}.{part}").as_str());
        if let Some(own) = value(self.name).filter(|own| !own.is_empty()) {
            return Ok(Some(own.into()));
        }
        if let Some(value) = value("user") {
            return Ok(Some(value.into()));
        }
        // What is set for one person keeps git from guessing for the other, who has nothing then.
        if ["author", "committer"].iter().any(|section| value(section).is_some()) {
            return Ok(Some(Vec::new()));
        }
        match self.config.boolean("user.useConfigOnly") {
            Ok(Some(true)) => {
                let why = format!("no {part} was given and user.useConfigOnly is set");
                Err(IdentityError::Missing(why))
            }
            _ => Ok(None),
        }
    }

    fn time(&self) -> Result<Option<Timestamp>, IdentityError> {
        let Some(date) = self.variable("date").filter(|date| !date.is_empty()) else {
            return Ok(None);
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let time = date::parse(&date, &Zone::from_environment(self.env), now_seconds);
        let value = || String::from_utf8_lossy(&date).into_owned();
        time.map(Some)
            .ok_or_else(|| IdentityError::Date { variable: self.name_of("date"), value: value() })
    }

    fn variable(&self, part: &str) -> Option<Vec<u8>> {
        self.env.var(&self.name_of(part)).map(OsStringExt::into_vec)
    }

    /// The name of the person's variable.
    fn name_of(&self, part: &str) -> String {
        format!("GIT_{}_{part}", self.name).to_ascii_uppercase()
    }
}
