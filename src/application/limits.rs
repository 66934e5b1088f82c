//! The limits within which the use cases work; `main` fills them from the configuration.

use std::time::Duration;

use crate::application::request_error::RequestError;
use crate::domain::{GuestAccess, ProjectQuota, PublicAccess, PullRequestLimits, RateLimit};

/// Every limit that a use case enforces, by the name of its configuration key.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `maxFileBytes`.
    pub max_file_bytes: u64,
    /// `maxProjectBytes`, `maxProjectFiles`.
    pub project: ProjectQuota,
    /// `maxOpenUploads`, per connection.
    pub max_open_uploads: usize,
    /// `maxOpenUploadBytes`, per connection.
    pub max_open_upload_bytes: u64,
    /// `uploadIdleSeconds`.
    pub upload_idle: Duration,
    /// `maxPullRequestBytes`, `maxPullRequestFiles`.
    pub pull_request: PullRequestLimits,
    /// `maxOpenPullRequests`, per user and project.
    pub max_open_pull_requests: usize,
    /// `maxTitleBytes`.
    pub max_title_bytes: u64,
    /// `maxDescriptionBytes`.
    pub max_description_bytes: u64,
    /// `maxChatBytes`.
    pub max_chat_bytes: u64,
    /// `chatHistory`: how many messages a room remembers.
    pub chat_history: usize,
    /// `maxRooms`; 0 means no limit.
    pub max_rooms: usize,
    /// `maxWatches`, per connection; 0 means no limit.
    pub max_watches: usize,
    /// `maxGuests`, per project.
    pub max_guests: usize,
    /// `maxGuestsPerAddress`, within an hour; 0 means no limit.
    pub max_guests_per_address: usize,
    /// `maxModerated`: how many people may be muted or banned in a project.
    pub max_moderated: usize,
    /// `chatMessagesPerSecond` and `chatBurst`: how often a moderator may decide something.
    pub chat_rate: RateLimit,
    /// `maxFailedAuthentications`, per connection.
    pub max_failed_authentications: u32,
}

/// How the service behaves where its operator has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What needs no token.
    pub public: PublicAccess,
    /// `folderDeletion: "ignore"`: a streamer's deletion of a folder is answered, and nothing is
    /// deleted.
    pub ignores_folder_deletions: bool,
    /// `guests`: what people without an account may do.
    pub guests: GuestAccess,
    /// `onStreamerDisconnect: "delete"` with its `streamerGraceSeconds`; `None` keeps the files.
    pub delete_abandoned_after: Option<Duration>,
}

/// Refuses with 413 what is over a limit.
pub(crate) fn check_limit(limit: &'static str, found: u64, value: u64) -> Result<(), RequestError> {
    if found > value {
        return Err(RequestError::LimitExceeded { limit, value });
    }
    Ok(())
}
