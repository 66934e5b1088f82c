//! The limits within which the use cases work; `main` fills them from the configuration.

use std::time::Duration;

use crate::application::request_error::RequestError;
use crate::domain::{ProjectQuota, PullRequestLimits};

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
    pub max_title_bytes: usize,
    /// `maxDescriptionBytes`.
    pub max_description_bytes: usize,
    /// `maxChatBytes`.
    pub max_chat_bytes: usize,
    /// `chatHistory`: how many messages a room remembers.
    pub chat_history: usize,
    /// `maxRooms`; 0 means no limit.
    pub max_rooms: usize,
    /// `maxWatches`, per connection; 0 means no limit.
    pub max_watches: usize,
    /// `maxFailedAuthentications`, per connection.
    pub max_failed_authentications: u32,
}

/// How the service behaves where its operator has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// `publicRead`: reading needs no token.
    pub public_read: bool,
    /// `onStreamerDisconnect: "delete"` with its `streamerGraceSeconds`; `None` keeps the files.
    pub delete_abandoned_after: Option<Duration>,
}

/// Checks that a text is at most `most` bytes long.
///
/// # Errors
/// 413 with the name and value of the limit.
pub(crate) fn check_text_bytes(
    limit: &'static str,
    text: &str,
    most: usize,
) -> Result<(), RequestError> {
    if text.len() > most {
        return Err(RequestError::LimitExceeded {
            limit,
            value: most as u64,
        });
    }
    Ok(())
}
