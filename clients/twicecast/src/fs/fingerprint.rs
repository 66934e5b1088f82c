//! What tells a file that was written to from one that was not, without reading it.

use rustix::fs::Stat;

/// Which file it is, how long, and when it was last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// In bytes.
    pub size: u64,
    inode: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    /// That of a file.
    pub fn of(stat: &Stat) -> Self {
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: crate::fs::dirfd::inode(stat),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// When it was last changed in any way, which nobody can set; in milliseconds since the epoch.
    pub fn changed_at(&self) -> i64 {
        self.changed.0.saturating_mul(1_000) + self.changed.1 / 1_000_000
    }

    /// The fingerprint, unless the file was changed so shortly before it was read, at `read` in
    /// seconds since the epoch, that a change after that might leave the same one: the clock of a
    /// file system is coarse.
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
