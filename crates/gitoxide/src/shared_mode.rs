//! The file modes of `core.sharedRepository` (`git help config`).
//!
//! They are computed as in git (path.c, `calc_shared_perm`). Without the setting the umask applies,
//! and no mode is changed.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, RawMode};
use rustix::io::Errno;

use gitmind_system::calls;
use gitmind_system::owned_file::open_directory;

/// The permissions for the value `group`.
const GROUP: RawMode = 0o660;
/// The permissions for the value `all`.
const ALL: RawMode = 0o664;
/// All bits of a mode.
const MODE: RawMode = 0o7777;
/// The permission bits of a mode.
const RIGHTS: RawMode = 0o777;
/// The setgid bit, which makes new files in a directory inherit its group.
const SETGID: RawMode = 0o2000;

/// The permissions of new files and directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharedMode {
    /// Those that the umask leaves.
    #[default]
    Umask,
    /// Those that the umask leaves, and at least these.
    AtLeast(RawMode),
    /// Exactly these.
    Exactly(RawMode),
}

impl SharedMode {
    /// Parses the setting; `value` is `None` for a key without a value. `None` when git does not
    /// know the value.
    pub(super) fn parse(value: Option<&str>) -> Option<Self> {
        let value = value.unwrap_or("group").to_ascii_lowercase();
        if let Ok(mode) = RawMode::from_str_radix(&value, 8) {
            return match mode {
                0 => Some(Self::Umask),
                1 => Some(Self::AtLeast(GROUP)),
                2 => Some(Self::AtLeast(ALL)),
                // The owner must be able to read and write; execute bits are ignored, as in git.
                _ => (mode & 0o600 == 0o600).then_some(Self::Exactly(mode & 0o666)),
            };
        }
        match value.as_str() {
            "umask" | "false" | "no" | "off" | "" => Some(Self::Umask),
            "group" | "true" | "yes" | "on" => Some(Self::AtLeast(GROUP)),
            "all" | "world" | "everybody" => Some(Self::AtLeast(ALL)),
            _ => None,
        }
    }

    /// The mode for a file or directory that was created with the mode `old`.
    pub(super) fn mode(self, old: RawMode, is_directory: bool) -> RawMode {
        let (kept, mut rights) = match self {
            Self::Umask => return old,
            Self::AtLeast(rights) => (old, rights),
            Self::Exactly(rights) => (old & !RIGHTS, rights),
        };
        if old & 0o200 == 0 {
            rights &= !0o222;
        }
        // On a directory or an executable file, permission to read implies permission to execute.
        if is_directory || old & 0o100 != 0 {
            rights |= (rights & 0o444) >> 2;
        }
        let new = kept | rights;
        if is_directory && new & 0o060 != 0 { new | SETGID } else { new }
    }

    /// Sets the mode of a new file or directory.
    pub(super) fn adjust(self, made: impl AsFd) -> Result<(), Errno> {
        if self == Self::Umask {
            return Ok(());
        }
        let stat = calls::fstat(&made)?;
        let is_directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        let old = stat.st_mode & MODE;
        match self.mode(old, is_directory) {
            new if new == old => Ok(()),
            new => calls::set_mode(made, Mode::from_raw_mode(new)),
        }
    }

    /// As [`Self::adjust`], for a new directory at `path`.
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
            (None, Some(SharedMode::AtLeast(0o660))),
            (Some("group"), Some(SharedMode::AtLeast(0o660))),
            (Some("1"), Some(SharedMode::AtLeast(0o660))),
            (Some("True"), Some(SharedMode::AtLeast(0o660))),
            (Some("all"), Some(SharedMode::AtLeast(0o664))),
            (Some("2"), Some(SharedMode::AtLeast(0o664))),
            (Some("umask"), Some(SharedMode::Umask)),
            (Some("false"), Some(SharedMode::Umask)),
            (Some(""), Some(SharedMode::Umask)),
            (Some("0"), Some(SharedMode::Umask)),
            (Some("0640"), Some(SharedMode::Exactly(0o640))),
            (Some("0777"), Some(SharedMode::Exactly(0o666))),
            (Some("0060"), None),
            (Some("unknown"), None),
        ] {
            assert_eq!(SharedMode::parse(value), expected, "{value:?}");
        }
    }

    #[test]
    fn read_only_files_stay_read_only_and_directories_are_setgid() {
        for (shared_mode, old, is_directory, expected) in [
            (SharedMode::Umask, 0o700, true, 0o700),
            (SharedMode::AtLeast(GROUP), 0o755, true, 0o2775),
            (SharedMode::AtLeast(GROUP), 0o400, false, 0o440),
            (SharedMode::AtLeast(GROUP), 0o600, false, 0o660),
            (SharedMode::AtLeast(ALL), 0o700, true, 0o2775),
            (SharedMode::Exactly(0o600), 0o2755, true, 0o2700),
            (SharedMode::Exactly(0o640), 0o444, false, 0o440),
        ] {
            assert_eq!(shared_mode.mode(old, is_directory), expected, "{shared_mode:?} {old:o}");
        }
    }
}
