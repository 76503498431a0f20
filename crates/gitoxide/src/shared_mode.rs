//! Who else may use what is made in a repository: `core.sharedRepository` (`git help config`).
//!
//! Modes are those that git gives (path.c, `calc_shared_perm`). Without the setting they are what
//! the system makes of the umask, and nothing is called.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use gitmind_system::owned_file::open_directory;

/// What members of a group may do, and then all.
const GROUP: u32 = 0o660;
const EVERYBODY: u32 = 0o664;
/// The rights of a mode, and that what is made in a directory gets its group.
const MODE: u32 = 0o7777;
const RIGHTS: u32 = 0o777;
const OF_ITS_GROUP: u32 = 0o2000;

/// The rights that others get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Those that the umask leaves.
    #[default]
    Umask,
    /// These besides.
    Also(u32),
    /// These alone.
    Only(u32),
}

impl Sharing {
    /// What the setting says; `value` is `None` where it has none. `None` when git knows no such
    /// value.
    pub(super) fn parse(value: Option<&str>) -> Option<Self> {
        let value = value.unwrap_or("group").to_ascii_lowercase();
        if let Ok(mode) = u32::from_str_radix(&value, 8) {
            return match mode {
                0 => Some(Self::Umask),
                1 => Some(Self::Also(GROUP)),
                2 => Some(Self::Also(EVERYBODY)),
                // The owner reads and writes, and not all write but those who are named.
                _ => (mode & 0o600 == 0o600).then_some(Self::Only(mode & 0o666)),
            };
        }
        match value.as_str() {
            "umask" | "false" | "no" | "off" | "" => Some(Self::Umask),
            "group" | "true" | "yes" | "on" => Some(Self::Also(GROUP)),
            "all" | "world" | "everybody" => Some(Self::Also(EVERYBODY)),
            _ => None,
        }
    }

    /// The mode of what the system has made with this one.
    pub(super) fn mode(self, old: u32, is_directory: bool) -> u32 {
        let (kept, mut rights) = match self {
            Self::Umask => return old,
            Self::Also(rights) => (old, rights),
            Self::Only(rights) => (old & !RIGHTS, rights),
        };
        if old & 0o200 == 0 {
            rights &= !0o222;
        }
        // Who may read a program or a directory may run it or look into it.
        if is_directory || old & 0o100 != 0 {
            rights |= (rights & 0o444) >> 2;
        }
        let new = kept | rights;
        if is_directory && new & 0o060 != 0 { new | OF_ITS_GROUP } else { new }
    }

    /// Gives a new file or directory the rights that others get.
    pub(super) fn adjust(self, made: impl AsFd) -> Result<(), Errno> {
        if self == Self::Umask {
            return Ok(());
        }
        let stat = rustix::fs::fstat(&made)?;
        let is_directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        let old = stat.st_mode & MODE;
        match self.mode(old, is_directory) {
            new if new == old => Ok(()),
            new => rustix::fs::fchmod(made, Mode::from_raw_mode(new)),
        }
    }

    /// As [`Self::adjust`], a new directory by its path.
    pub(super) fn adjust_directory(self, path: &Path) -> Result<(), Errno> {
        if self == Self::Umask {
            return Ok(());
        }
        self.adjust(File::from(open_directory(CWD, path, OFlags::NOFOLLOW)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_git() {
        for (value, expected) in [
            (None, Some(Sharing::Also(0o660))),
            (Some("group"), Some(Sharing::Also(0o660))),
            (Some("1"), Some(Sharing::Also(0o660))),
            (Some("True"), Some(Sharing::Also(0o660))),
            (Some("all"), Some(Sharing::Also(0o664))),
            (Some("2"), Some(Sharing::Also(0o664))),
            (Some("umask"), Some(Sharing::Umask)),
            (Some("false"), Some(Sharing::Umask)),
            (Some(""), Some(Sharing::Umask)),
            (Some("0"), Some(Sharing::Umask)),
            (Some("0640"), Some(Sharing::Only(0o640))),
            (Some("0777"), Some(Sharing::Only(0o666))),
            (Some("0060"), None),
            (Some("somebody"), None),
        ] {
            assert_eq!(Sharing::parse(value), expected, "{value:?}");
        }
    }

    #[test]
    fn what_nobody_writes_stays_so_and_directories_give_their_group() {
        for (sharing, old, is_directory, expected) in [
            (Sharing::Umask, 0o700, true, 0o700),
            (Sharing::Also(GROUP), 0o755, true, 0o2775),
            (Sharing::Also(GROUP), 0o400, false, 0o440),
            (Sharing::Also(GROUP), 0o600, false, 0o660),
            (Sharing::Also(EVERYBODY), 0o700, true, 0o2775),
            (Sharing::Only(0o600), 0o2755, true, 0o2700),
            (Sharing::Only(0o640), 0o444, false, 0o440),
        ] {
            assert_eq!(sharing.mode(old, is_directory), expected, "{sharing:?} {old:o}");
        }
    }
}
