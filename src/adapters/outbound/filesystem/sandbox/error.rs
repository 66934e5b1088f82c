//! How failures of the file system become the store's errors.

use std::io;

use rustix::io::Errno;

use crate::application::ports::StoreError;

/// A call that the file system refused. The text is for the log; it names no path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {cause}")]
pub struct Refused {
    what: &'static str,
    #[source]
    cause: io::Error,
}

/// Why the stores cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The base folder cannot be created or opened.
    #[error("cannot open the folder: {0}")]
    Base(#[source] io::Error),
    /// `.twicecast`, or a folder in it, is a link or a file.
    #[error("{0} is not a folder (or a link to one); the server keeps its state there")]
    NotAFolder(&'static str),
    /// A layout other than this server's.
    #[error(
        ".twicecast has format {found:?}, but this server knows formats 1 and 2 only; \
         use the server that made it"
    )]
    Format {
        /// The content of `.twicecast/version`.
        found: String,
    },
    /// A name of layout 1 that layout 2 cannot have.
    #[error(
        "the layout changes: % becomes %25 in the names of projects, but {from:?} cannot become \
         {to:?}, {why}; nothing has changed yet: rename one of them (docs/base-folder.md, Names)"
    )]
    Rename {
        /// The path below the base folder.
        from: String,
        /// What it would be.
        to: String,
        /// Why not.
        why: &'static str,
    },
    /// Another process has the lock.
    #[error("another server is running on this folder (it holds .twicecast/lock)")]
    Locked,
    /// Modification times cannot be read back as they were set.
    #[error(
        "the file system does not keep modification times to the nanosecond, \
         which the server needs to number versions"
    )]
    CoarseTimes,
    /// A call that the file system refused.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Adds to an error what was being done.
pub(crate) trait During<T> {
    /// The error with what was being done.
    fn or_refused(self, what: &'static str) -> Result<T, Refused>;
    /// The same, as a failure of the store.
    fn during(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn or_refused(self, what: &'static str) -> Result<T, Refused> {
        self.map_err(|error| Refused {
            what,
            cause: error.into(),
        })
    }

    fn during(self, what: &'static str) -> Result<T, StoreError> {
        self.or_refused(what).map_err(StoreError::failed)
    }
}

/// Separates what is absent or conflicts from what failed.
pub(crate) trait Looking<T> {
    /// As [`During::during`], but if nothing usable has that name, the error is `NotFound`.
    fn looking(self, what: &'static str) -> Result<T, StoreError>;
    /// As [`During::during`], but if something unusable has that name, the error is `PathConflict`.
    fn writing(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Looking<T> for Result<T, Errno> {
    fn looking(self, what: &'static str) -> Result<T, StoreError> {
        match self {
            Err(error) if is_absent(error) => Err(StoreError::NotFound),
            other => other.during(what),
        }
    }

    fn writing(self, what: &'static str) -> Result<T, StoreError> {
        match self {
            Err(error) if is_in_the_way(error) => Err(StoreError::PathConflict),
            other => other.during(what),
        }
    }
}

/// Nothing is there, or nothing that a project can contain.
pub(crate) fn is_absent(error: Errno) -> bool {
    error == Errno::NOENT
        || is_in_the_way(error)
        // The error for opening a socket, or a device without a driver.
        || error == Errno::NXIO
        || error == Errno::NODEV
}

/// A link or a file exists where a folder is needed, or a folder where a file is.
pub(crate) fn is_in_the_way(error: Errno) -> bool {
    error == Errno::NOTDIR || error == Errno::LOOP || error == Errno::ISDIR
}
