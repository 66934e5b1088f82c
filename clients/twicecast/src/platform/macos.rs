//! macOS: compiled by `scripts/macos-check`, and not yet tried on a machine.

use rustix::fs::{Mode, Stat, makedev};

/// The number of the file system that a file is on.
pub fn device(stat: &Stat) -> u64 {
    // Only compared with others.
    u64::from(stat.st_dev.cast_unsigned())
}

/// The kind and the permissions of a file, in the one number that systems keep of them.
pub fn mode(stat: &Stat) -> u32 {
    stat.st_mode.into()
}

/// Permissions, from their number.
pub fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(u16::try_from(mode & 0o7777).unwrap_or_default())
}

/// Whether a character device is `/dev/null`.
pub fn is_null_device(stat: &Stat) -> bool {
    stat.st_rdev == makedev(3, 2)
}

/// Whether those who started us want us to outlive the terminal, as `nohup` does. The system says
/// that to unsafe code only: here the terminal's end is always ours.
pub fn ignores_hangup() -> bool {
    false
}

/// The command that raises how many folders may be watched: none, for there is no such limit.
pub const RAISE_WATCHES: &str = "";

/// How many folders all programs of one user may watch: the system has no such limit.
pub fn watches_max() -> Option<u64> {
    None
}

/// The command that raises the limit of the system that an error of watching is about: none.
pub fn raised_watch_limit(_: &notify::Error) -> Option<&'static str> {
    None
}
