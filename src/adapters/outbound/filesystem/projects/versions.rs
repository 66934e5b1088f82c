//! The numbers of a project's changes, and how a file remembers its own.
//!
//! A number is the time in nanoseconds, pushed on where the clock stands still or goes back, and is
//! kept as the file's time of last modification. So content and number are read from one inode,
//! cost no memory per file, and survive a restart.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::{Timestamp, Version};

/// Gives the numbers of one project's changes.
#[derive(Debug)]
pub(crate) struct Versions {
    last: AtomicU64,
}

impl Versions {
    /// Numbers from now on.
    pub fn from_now() -> Self {
        Self {
            last: AtomicU64::new(now()),
        }
    }

    /// A number greater than all before. Visible to readers before the file that bears it.
    pub fn next(&self) -> Version {
        let time = now();
        let next = |last: u64| time.max(last + 1);
        let before = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(next(last)))
            .unwrap_or_else(|last| last);
        Version::new(next(before))
    }

    /// The number of the change that wrote a file. A time later than every number given is
    /// nobody's: somebody else wrote that file, or the clock was set back since.
    pub fn of(&self, file: &Metadata) -> Version {
        nanos(file)
            .filter(|time| *time <= self.last.load(Ordering::SeqCst))
            .map_or(Version::UNKNOWN, Version::new)
    }
}

/// When a file was written, in nanoseconds since the epoch; `None` for times that don't fit.
pub(crate) fn nanos(file: &Metadata) -> Option<u64> {
    let seconds = u64::try_from(file.mtime()).ok()?;
    let nanos = u64::try_from(file.mtime_nsec()).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// When a file was written.
pub(crate) fn modified(file: &Metadata) -> Timestamp {
    Timestamp::from_millis(nanos(file).unwrap_or(0) / 1_000_000)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file's time is the disk's affair and finer than the Clock port's"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_though_the_clock_lags() {
        let ahead = now() + 3_600_000_000_000;
        let versions = Versions {
            last: AtomicU64::new(ahead),
        };
        assert_eq!(versions.next(), Version::new(ahead + 1));
        assert_eq!(versions.next(), Version::new(ahead + 2));
    }
}
