//! Why a command was not carried out; each variant is one error of the protocol (section 2).

use std::borrow::Cow;
use std::time::Duration;

use crate::application::counting::closed_set;
use crate::application::ports::StoreError;
use crate::domain::{
    AuthError, Banned, DraftError, FilePathError, GuestName, Timestamp, UploadError,
};

/// Parameters that are missing, ill-typed or invalid, in a sentence for the author of a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadParameters(pub Cow<'static, str>);

impl BadParameters {
    /// With a fixed sentence.
    pub const fn new(sentence: &'static str) -> Self {
        Self(Cow::Borrowed(sentence))
    }
}

impl From<FilePathError> for BadParameters {
    fn from(error: FilePathError) -> Self {
        Self(error.to_string().into())
    }
}

impl From<UploadError> for BadParameters {
    fn from(error: UploadError) -> Self {
        Self(error.to_string().into())
    }
}

/// Parameters after parsing. A command carries the error, if any, because rights are checked before
/// parameters.
pub type Checked<T> = Result<T, BadParameters>;

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// 400.
    BadParameters(BadParameters),
    /// 401.
    Unauthorized(AuthError),
    /// 401 with the end of the mute.
    Muted {
        /// When the user may speak again.
        until: Timestamp,
    },
    /// 401 for somebody banned by a moderator, with the end of the ban.
    Banned(Banned),
    /// 409 `failReadFileError`.
    UnreadableFile,
    /// 409 `failReadPathError`.
    UnreadablePath,
    /// 409 `failWriteFileError`.
    UnwritableFile,
    /// 409 `failApplyError`, with the reason.
    NotApplied(&'static str),
    /// 409 `nameTakenError`.
    NameTaken {
        /// A similar name that is free.
        free: GuestName,
    },
    /// 413: a quota, with its name and value.
    LimitExceeded {
        /// The configuration key, or another name of the limit.
        limit: &'static str,
        /// The limit.
        value: u64,
    },
    /// 429.
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// 500: the server's own fault; the cause has been logged.
    Internal,
}

closed_set! {
    /// The kind of an error that a client is told, by its type in the protocol.
    pub enum ErrorKind {
        /// 400.
        BadParameters = "badParametersError",
        /// 401.
        BadAuth = "badAuthError",
        /// 409: a file cannot be read.
        FailReadFile = "failReadFileError",
        /// 409: a folder or project cannot be read.
        FailReadPath = "failReadPathError",
        /// 409: a file cannot be written.
        FailWriteFile = "failWriteFileError",
        /// 409: a pull request is not applied.
        FailApply = "failApplyError",
        /// 409: a guest's name is taken.
        NameTaken = "nameTakenError",
        /// 413.
        LimitExceeded = "limitExceededError",
        /// 429.
        RateLimited = "rateLimitedError",
        /// 500.
        Internal = "internalError",
    }
}

impl RequestError {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BadParameters(_) => ErrorKind::BadParameters,
            Self::Unauthorized(_) | Self::Muted { .. } | Self::Banned(_) => ErrorKind::BadAuth,
            Self::UnreadableFile => ErrorKind::FailReadFile,
            Self::UnreadablePath => ErrorKind::FailReadPath,
            Self::UnwritableFile => ErrorKind::FailWriteFile,
            Self::NotApplied(_) => ErrorKind::FailApply,
            Self::NameTaken { .. } => ErrorKind::NameTaken,
            Self::LimitExceeded { .. } => ErrorKind::LimitExceeded,
            Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Internal => ErrorKind::Internal,
        }
    }

    /// The 400 for a pull request that does not exist or that the user may not see.
    pub(crate) const UNKNOWN_PULL_REQUEST: Self = Self::bad("Pullrequest ID does not exist");

    /// A 400 with a fixed sentence.
    pub const fn bad(sentence: &'static str) -> Self {
        Self::BadParameters(BadParameters::new(sentence))
    }

    /// The error for a failed read of one file.
    pub(crate) fn reading_file(error: &StoreError) -> Self {
        log_failure("read a file", error);
        Self::UnreadableFile
    }

    /// The error for a failed read of a folder or project.
    pub(crate) fn reading_path(error: &StoreError) -> Self {
        log_failure("read a folder", error);
        Self::UnreadablePath
    }

    /// The error for a failed write of one file.
    pub(crate) fn writing_file(error: &StoreError) -> Self {
        if let StoreError::OverQuota(quota) = error {
            let (limit, value) = quota.limit();
            return Self::LimitExceeded { limit, value };
        }
        log_failure("write a file", error);
        Self::UnwritableFile
    }

    /// The error for any other failure of a store.
    pub(crate) fn internal(doing: &'static str, error: &StoreError) -> Self {
        tracing::error!(%error, "could not {doing}");
        Self::Internal
    }
}

/// The operator must see a store's own failure; a missing file is nobody's fault.
fn log_failure(doing: &'static str, error: &StoreError) {
    if let StoreError::Failed(cause) = error {
        tracing::error!(%cause, "could not {doing}");
    }
}

impl From<BadParameters> for RequestError {
    fn from(fault: BadParameters) -> Self {
        Self::BadParameters(fault)
    }
}

impl From<AuthError> for RequestError {
    fn from(error: AuthError) -> Self {
        Self::Unauthorized(error)
    }
}

impl From<UploadError> for RequestError {
    fn from(error: UploadError) -> Self {
        Self::BadParameters(error.into())
    }
}

impl From<DraftError> for RequestError {
    fn from(error: DraftError) -> Self {
        match error.limit() {
            Some((limit, value)) => Self::LimitExceeded { limit, value },
            None => Self::UnwritableFile,
        }
    }
}
