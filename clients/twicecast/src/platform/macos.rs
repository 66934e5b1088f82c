//! macOS: compiled by `scripts/macos-check`, but not yet tried on a real system.

use rustix::fs::{Mode, Stat, makedev};

/// The number of the file system that a file is on.
pub fn device(stat: &Stat) -> u64 {
    // It is only compared with other such numbers.
    u64::from(stat.st_dev.cast_unsigned())
}

/// A file's type and permissions, which the system keeps in one number.
pub fn mode(stat: &Stat) -> u32 {
    stat.st_mode.into()
}

/// Permissions from a number.
pub fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(u16::try_from(mode & 0o7777).unwrap_or_default())
}

/// Whether a character device is `/dev/null`.
pub fn is_null_device(stat: &Stat) -> bool {
    stat.st_rdev == makedev(3, 2)
}

/// Whether we were started to outlive the terminal, as with `nohup`. Only unsafe code could ask the
/// system, so here we always end with the terminal.
pub fn ignores_hangup() -> bool {
    false
}

/// The command that raises how many folders may be watched: none, because there is no such limit.
pub const RAISE_WATCHES: &str = "";

/// How many folders all programs of one user may watch: the system has no such limit.
pub fn watches_max() -> Option<u64> {
    None
}

/// The command that raises the limit that an error of watching reports: none.
pub fn raised_watch_limit(_: &notify::Error) -> Option<&'static str> {
    None
}
