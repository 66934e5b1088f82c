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

/// Adds to an error what was being done.
pub(crate) trait During<T> {
    /// The error with what was being done.
    fn or_refused(self, what: &'static str) -> Result<T, Refused>;
    /// Any error is a failure of the store.
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
    /// As [`During::during`], but nothing usable of that name is `NotFound`.
    fn looking(self, what: &'static str) -> Result<T, StoreError>;
    /// As [`During::during`], but something unusable of that name is `PathConflict`.
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
