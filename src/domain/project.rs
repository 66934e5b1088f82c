//! A streamer's project: who it belongs to, what it may hold, how its changes are numbered.

use std::fmt;

use super::{ProjectName, UserName};

/// A project, named by its streamer and its own name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectId {
    /// The streamer it belongs to, who alone may write into it.
    pub streamer: UserName,
    /// Its name among the streamer's projects.
    pub name: ProjectName,
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.streamer, self.name)
    }
}

impl fmt::Debug for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.streamer, self.name)
    }
}

/// The number of a change within its project; later changes have greater numbers.
///
/// A reader that was given a file at one version must not be given an older one afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// Older than every change: a file that was not written through the server.
    pub const UNKNOWN: Self = Self(0);

    /// The version with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What a project holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many files.
    pub files: u64,
    /// The bytes of all files together.
    pub bytes: u64,
}

/// What a project may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectQuota {
    /// `maxProjectFiles`.
    pub max_files: u64,
    /// `maxProjectBytes`.
    pub max_bytes: u64,
}

/// Which bound of a project a write would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// One file more than `maxProjectFiles`.
    #[error("the project would hold more than {0} files")]
    Files(u64),
    /// More bytes than `maxProjectBytes`.
    #[error("the project would hold more than {0} bytes")]
    Bytes(u64),
}

impl ProjectQuota {
    /// What the project holds once a file of `new` bytes takes the place of `old` (if any).
    ///
    /// A write that does not grow what is already over a bound is let through, so that a streamer
    /// can shrink a project that an operator's smaller limits have caught.
    ///
    /// # Errors
    /// The bound that would be passed; files are checked first.
    pub fn replace(&self, usage: Usage, old: Option<u64>, new: u64) -> Result<Usage, QuotaError> {
        let after = Usage {
            files: usage.files + u64::from(old.is_none()),
            bytes: usage
                .bytes
                .saturating_sub(old.unwrap_or(0))
                .saturating_add(new),
        };
        if after.files > self.max_files && after.files > usage.files {
            return Err(QuotaError::Files(self.max_files));
        }
        if after.bytes > self.max_bytes && after.bytes > usage.bytes {
            return Err(QuotaError::Bytes(self.max_bytes));
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_holds_at_its_limit_and_not_one_past_it() {
        let quota = ProjectQuota {
            max_files: 2,
            max_bytes: 10,
        };
        let usage = |files, bytes| Usage { files, bytes };
        for (before, old, new, after) in [
            (usage(0, 0), None, 10, Ok(usage(1, 10))),
            (usage(0, 0), None, 11, Err(QuotaError::Bytes(10))),
            (usage(1, 4), None, 6, Ok(usage(2, 10))),
            (usage(2, 4), None, 0, Err(QuotaError::Files(2))),
            (usage(2, 10), Some(4), 4, Ok(usage(2, 10))),
            (usage(2, 10), Some(4), 5, Err(QuotaError::Bytes(10))),
            // Already over: only growth is refused.
            (usage(3, 20), Some(9), 8, Ok(usage(3, 19))),
            (usage(3, 20), Some(9), 9, Ok(usage(3, 20))),
            (usage(3, 20), Some(9), 10, Err(QuotaError::Bytes(10))),
        ] {
            assert_eq!(
                quota.replace(before, old, new),
                after,
                "{before:?} {old:?} {new}"
            );
        }
    }
}
