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
    /// Starts numbering at the present time.
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

    /// Makes whatever has been written until now older than the next change, no matter who wrote
    /// it.
    pub fn reach_now(&self) {
        self.0.fetch_max(now_nanos(), Ordering::SeqCst);
    }

    /// What is known about a file in this state. A time later than every number given belongs to no
    /// change: somebody else wrote that file, or the clock has been set back since.
    pub fn entry(&self, file: FileState) -> ProjectEntry {
        let number = file.nanos;
        let number = number.filter(|time| *time <= self.0.load(Ordering::SeqCst));
        ProjectEntry {
            bytes: file.bytes,
            version: number.map_or(Version::UNKNOWN, Version::new),
            modified: modified(file.nanos),
            executable: file.executable,
            sha256: None,
        }
    }
}

/// What the system says about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileState {
    /// Its length.
    pub bytes: u64,
    /// When it was last modified, in nanoseconds since the epoch; `None` for times that don't fit.
    pub nanos: Option<u64>,
    /// Whether its owner may execute it.
    pub executable: bool,
}

impl FileState {
    /// From the fields that the system has for it.
    pub fn new(bytes: u64, (seconds, nanos): (i64, u64), mode: u32) -> Self {
        let seconds = u64::try_from(seconds).ok();
        let seconds = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000));
        Self {
            bytes,
            nanos: seconds.and_then(|seconds| seconds.checked_add(nanos)),
            executable: mode & 0o100 != 0,
        }
    }

    /// Whether nobody has written into the file in between.
    pub fn has_content_of(&self, before: &Self) -> bool {
        (self.bytes, self.nanos) == (before.bytes, before.nanos)
    }
}

impl From<&Metadata> for FileState {
    fn from(file: &Metadata) -> Self {
        let nanos = u64::try_from(file.mtime_nsec()).unwrap_or(0);
        Self::new(file.len(), (file.mtime(), nanos), file.mode())
    }
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
