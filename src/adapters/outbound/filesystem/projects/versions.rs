//! How a file on disk remembers the number of the change that wrote it.
//!
//! The number is kept as the file's modification time, in nanoseconds. So content and number are
//! read from one inode, cost no memory per file, and survive a restart.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::adapters::outbound::system::now_nanos;
use crate::domain::{Project, ProjectEntry, Timestamp, Version};

/// The greatest number that any project's change has been given. It outlives the projects in
/// memory, so that a reloaded project does not give a deleted file's number again.
#[derive(Debug)]
pub(crate) struct LastVersion(AtomicU64);

impl LastVersion {
    /// Numbers from now on.
    pub fn from_now() -> Self {
        Self(AtomicU64::new(now_nanos()))
    }

    /// The number of the project's next change. Recorded here before any file has it.
    pub fn next(&self, project: &mut Project) -> Version {
        let least = self.0.load(Ordering::SeqCst).saturating_add(1);
        let version = project.next_version(now_nanos().max(least));
        self.0.fetch_max(version.number(), Ordering::SeqCst);
        version
    }

    /// What is known about a file of this many bytes last modified at this time. A time later than
    /// every number given belongs to no change: somebody else wrote that file, or the clock has
    /// been set back since.
    pub fn entry(&self, bytes: u64, nanos: Option<u64>) -> ProjectEntry {
        let number = nanos.filter(|time| *time <= self.0.load(Ordering::SeqCst));
        ProjectEntry {
            bytes,
            version: number.map_or(Version::UNKNOWN, Version::new),
            modified: modified(nanos),
            sha256: None,
        }
    }
}

/// When a file was written, in nanoseconds since the epoch; `None` for times that don't fit.
pub(crate) fn nanos(file: &Metadata) -> Option<u64> {
    nanos_of(file.mtime(), u64::try_from(file.mtime_nsec()).ok()?)
}

/// The same for a time in seconds and nanoseconds.
pub(crate) fn nanos_of(seconds: i64, nanos: u64) -> Option<u64> {
    let seconds = u64::try_from(seconds).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// When a file was written.
pub(crate) fn modified(nanos: Option<u64>) -> Timestamp {
    Timestamp::from_millis(nanos.unwrap_or(0) / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_though_the_clock_lags_and_the_project_is_loaded_anew() {
        let ahead = now_nanos() + 3_600_000_000_000;
        let last = LastVersion(AtomicU64::new(ahead));
        assert_eq!(last.next(&mut Project::default()).number(), ahead + 1);
        assert_eq!(last.next(&mut Project::default()).number(), ahead + 2);
    }
}
