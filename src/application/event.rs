//! What happened, as reported to the connections that it concerns.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::file_key::FileKey;
use crate::domain::{ChatMessage, Outcome, ProjectId, PullRequest, PullRequestId, Version};

/// Something that connections are told without asking.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file has new content.
    FileUpdated {
        /// Which file.
        file: Arc<FileKey>,
        /// The change's number.
        version: Version,
        /// The content, if it was at hand and small; otherwise it is read back from the store.
        content: Option<Bytes>,
        /// Whether the file may be executed.
        executable: bool,
    },
    /// A file is gone.
    FileDeleted {
        /// Which file.
        file: Arc<FileKey>,
        /// The change's number.
        version: Version,
    },
    /// The first streamer connection has come or the last one has left.
    Presence {
        /// Its project.
        project: ProjectId,
        /// Whether the streamer is connected now.
        connected: bool,
    },
    /// A viewer has finished a pull request.
    PullRequestCreated(PullRequest),
    /// The streamer or the owner has ended a pull request.
    PullRequestClosed {
        /// Which pull request.
        id: PullRequestId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Somebody said something.
    ChatMessage(ChatMessage),
}
