//! How much a project holds, and how much it may hold.

/// What a project holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// How many files.
    pub files: u64,
    /// The bytes of all files together.
    pub bytes: u64,
    /// How many folders: only those with a file below them count.
    pub folders: u64,
    /// The lengths of all files' full names together, in bytes.
    pub name_bytes: u64,
}

impl Usage {
    pub(super) fn plus(self, more: Self) -> Self {
        Self {
            files: self.files.saturating_add(more.files),
            // Sparse files can claim any length.
            bytes: self.bytes.saturating_add(more.bytes),
            folders: self.folders.saturating_add(more.folders),
            name_bytes: self.name_bytes.saturating_add(more.name_bytes),
        }
    }

    pub(super) fn minus(self, less: Self) -> Self {
        Self {
            files: self.files.saturating_sub(less.files),
            bytes: self.bytes.saturating_sub(less.bytes),
            folders: self.folders.saturating_sub(less.folders),
            name_bytes: self.name_bytes.saturating_sub(less.name_bytes),
        }
    }
}

/// What a project may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectQuota {
    /// `maxProjectFiles`.
    pub max_files: u64,
    /// `maxProjectBytes`.
    pub max_bytes: u64,
    /// `maxProjectFolders`.
    pub max_folders: u64,
    /// `maxProjectNameBytes`.
    pub max_name_bytes: u64,
}

/// Which limit of a project a write would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// One file more than `maxProjectFiles`.
    #[error("the project would hold more than {0} files")]
    Files(u64),
    /// More folders than `maxProjectFolders`.
    #[error("the project would hold more than {0} folders")]
    Folders(u64),
    /// Longer names than `maxProjectNameBytes` allows.
    #[error("the names of the project's files would take more than {0} bytes")]
    NameBytes(u64),
    /// More bytes than `maxProjectBytes`.
    #[error("the project would hold more than {0} bytes")]
    Bytes(u64),
}

impl QuotaError {
    /// The limit that would be exceeded, with its value.
    pub fn limit(self) -> (&'static str, u64) {
        match self {
            Self::Files(files) => ("maxProjectFiles", files),
            Self::Folders(folders) => ("maxProjectFolders", folders),
            Self::NameBytes(bytes) => ("maxProjectNameBytes", bytes),
            Self::Bytes(bytes) => ("maxProjectBytes", bytes),
        }
    }
}

impl ProjectQuota {
    /// No limits.
    pub const UNLIMITED: Self = Self {
        max_files: u64::MAX,
        max_bytes: u64::MAX,
        max_folders: u64::MAX,
        max_name_bytes: u64::MAX,
    };

    /// Whether a write may change what a project holds from `before` to `after`.
    ///
    /// A write that does not increase a quantity already over its limit is allowed, so that a
    /// streamer can shrink a project after an operator has lowered the limits.
    ///
    /// # Errors
    /// The first limit that would be exceeded, in the order files, folders, bytes of names, bytes.
    pub fn check(&self, before: &Usage, after: &Usage) -> Result<(), QuotaError> {
        let check = |before: u64, after: u64, most: u64, error: fn(u64) -> QuotaError| {
            let passes = after > most && after > before;
            if passes { Err(error(most)) } else { Ok(()) }
        };
        check(before.files, after.files, self.max_files, QuotaError::Files)?;
        check(
            before.folders,
            after.folders,
            self.max_folders,
            QuotaError::Folders,
        )?;
        check(
            before.name_bytes,
            after.name_bytes,
            self.max_name_bytes,
            QuotaError::NameBytes,
        )?;
        check(before.bytes, after.bytes, self.max_bytes, QuotaError::Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a usage and a quota of one number each; all other limits do not apply.
    type Case = (
        fn(u64) -> Usage,
        fn(u64) -> ProjectQuota,
        fn(u64) -> QuotaError,
    );

    const CASES: [Case; 4] = [
        (
            |files| Usage {
                files,
                ..Usage::default()
            },
            |max_files| ProjectQuota {
                max_files,
                ..ProjectQuota::UNLIMITED
            },
            QuotaError::Files,
        ),
        (
            |folders| Usage {
                folders,
                ..Usage::default()
            },
            |max_folders| ProjectQuota {
                max_folders,
                ..ProjectQuota::UNLIMITED
            },
            QuotaError::Folders,
        ),
        (
            |name_bytes| Usage {
                name_bytes,
                ..Usage::default()
            },
            |max_name_bytes| ProjectQuota {
                max_name_bytes,
                ..ProjectQuota::UNLIMITED
            },
            QuotaError::NameBytes,
        ),
        (
            |bytes| Usage {
                bytes,
                ..Usage::default()
            },
            |max_bytes| ProjectQuota {
                max_bytes,
                ..ProjectQuota::UNLIMITED
            },
            QuotaError::Bytes,
        ),
    ];

    #[test]
    fn each_bound_holds_at_its_limit_and_not_one_past_it() {
        for (usage, quota, error) in CASES {
            for (before, after, allowed) in [
                (0, 10, true),
                (9, 10, true),
                (0, 11, false),
                (10, 11, false),
                (10, 10, true),
                // Already over: only growth is refused.
                (20, 19, true),
                (20, 20, true),
                (20, 21, false),
            ] {
                let found = quota(10).check(&usage(before), &usage(after));
                let wanted = if allowed { Ok(()) } else { Err(error(10)) };
                assert_eq!(found, wanted, "{before} to {after}");
            }
        }
    }

    #[test]
    fn the_bounds_are_checked_in_their_order() {
        let nothing = Usage::default();
        let one = Usage {
            files: 1,
            bytes: 1,
            folders: 1,
            name_bytes: 1,
        };
        let mut quota = ProjectQuota {
            max_files: 0,
            max_bytes: 0,
            max_folders: 0,
            max_name_bytes: 0,
        };
        let mut check = |lift: fn(&mut ProjectQuota)| {
            let found = quota.check(&nothing, &one);
            lift(&mut quota);
            found
        };
        assert_eq!(
            check(|quota| quota.max_files = 1),
            Err(QuotaError::Files(0))
        );
        assert_eq!(
            check(|quota| quota.max_folders = 1),
            Err(QuotaError::Folders(0))
        );
        assert_eq!(
            check(|quota| quota.max_name_bytes = 1),
            Err(QuotaError::NameBytes(0))
        );
        assert_eq!(
            check(|quota| quota.max_bytes = 1),
            Err(QuotaError::Bytes(0))
        );
        assert_eq!(check(|_| ()), Ok(()));
    }
}
