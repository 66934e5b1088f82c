//! Tells whether a file has been written to, without reading it.

use rustix::fs::Stat;

/// Identifies a file and its state: inode, size, and time of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// In bytes.
    pub size: u64,
    inode: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// The fingerprint of a file.
    pub fn of(stat: &Stat) -> Self {
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: crate::fs::dirfd::inode(stat),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// The time of the last change of any kind, which no program can set, in milliseconds since the
    /// epoch.
    pub fn changed_at(&self) -> i64 {
        self.changed.0.saturating_mul(1_000) + self.changed.1 / 1_000_000
    }

    /// The fingerprint; `None` if the file changed shortly before it was read at `read`, in seconds
    /// since the epoch. The clock of a file system is coarse, so a later change might leave the
    /// same fingerprint.
    pub fn settled(self, read: i64) -> Option<Self> {
        (self.modified.0.max(self.changed.0) < read - 2).then_some(self)
    }
}

/// The types differ between systems.
fn time(seconds: impl TryInto<i64>, nanoseconds: impl TryInto<i64>) -> (i64, i64) {
    (
        seconds.try_into().unwrap_or(0),
        nanoseconds.try_into().unwrap_or(0),
    )
}
