//! Who new commits are by and when, by git's rules (ident.c, `fmt_ident`).
//!
//! Where git would guess a name or an address from the machine, there is a stand-in: a journal can
//! be started on a machine where nobody has told git who they are.

use super::{date, reason};
use gitmind_git::{Authors, Identity, is_blank_name};
use gitmind_system::clock::Zone;
use gitmind_system::env::Environment;
use gix_config::File;
use std::os::unix::ffi::OsStringExt;

/// The author and the committer of new commits, or the reason why git would refuse to commit.
pub(super) fn authors(config: &File, env: &dyn Environment) -> Result<Authors, String> {
    config
        .boolean("user.useConfigOnly")
        .map_err(|error| format!("user.useConfigOnly: {}", reason(&error)))?;
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
    fn identity(&self) -> Result<Identity, String> {
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
            return Err(format!("the name `{name}` (for <{email}>) is empty or only punctuation"));
        }
        Ok(Identity { name, email, time: self.time()? })
    }

    /// What the person's variable, its section or `user` say; `None` when git would guess.
    fn named(&self, part: &str) -> Result<Option<Vec<u8>>, String> {
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
            Ok(Some(true)) => Err(format!("no {part} was given and user.useConfigOnly is set")),
            _ => Ok(None),
        }
    }

    fn time(&self) -> Result<Option<gitmind_ports::clock::Timestamp>, String> {
        let Some(date) = self.variable("date").filter(|date| !date.is_empty()) else {
            return Ok(None);
        };
        let zone = Zone::from_environment(self.env);
        let parsed = str::from_utf8(&date).ok().and_then(|date| date::parse(date, &zone));
        let time = parsed
            .ok_or_else(|| format!("invalid date format: {}", String::from_utf8_lossy(&date)))?;
        Ok(Some(time))
    }

    fn variable(&self, part: &str) -> Option<Vec<u8>> {
        let name = format!("GIT_{}_{part}", self.name).to_ascii_uppercase();
        self.env.var(&name).map(OsStringExt::into_vec)
    }
}
