//! Linux.

use notify::ErrorKind;
use rustix::fs::{Mode, Stat, makedev};
use rustix::io::Errno;

/// The number of the file system that a file is on.
pub fn device(stat: &Stat) -> u64 {
    stat.st_dev
}

/// A file's type and permissions, which the system keeps in one number.
pub fn mode(stat: &Stat) -> u32 {
    stat.st_mode
}

/// Permissions from a number.
pub fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(mode)
}

/// Whether a character device is `/dev/null`.
pub fn is_null_device(stat: &Stat) -> bool {
    stat.st_rdev == makedev(1, 3)
}

/// Whether we were started to outlive the terminal, as with `nohup`.
pub fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// The command that raises how many folders may be watched.
pub const RAISE_WATCHES: &str = "sudo sysctl fs.inotify.max_user_watches=1048576";

/// How many folders all programs of one user may watch; `None` if the system does not say.
pub fn watches_max() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok()?;
    text.trim().parse().ok()
}

/// The command that raises the limit that an error of watching reports.
pub fn raised_watch_limit(error: &notify::Error) -> Option<&'static str> {
    const INSTANCES: &str = "sudo sysctl fs.inotify.max_user_instances=1024";
    match &error.kind {
        ErrorKind::MaxFilesWatch => Some(RAISE_WATCHES),
        ErrorKind::Io(error) => match Errno::from_io_error(error) {
            Some(Errno::NOSPC) => Some(RAISE_WATCHES),
            Some(Errno::MFILE) => Some(INSTANCES),
            _ => None,
        },
        _ => None,
    }
}
