//! What happened, as it is told to those whom it concerns.

use bytes::Bytes;

use crate::domain::{
    ChatMessage, FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Version,
};

/// Something that connections are told without asking.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file has new content.
    FileUpdated {
        /// Where.
        project: ProjectId,
        /// Which file.
        path: FilePath,
        /// The change's number.
        version: Version,
        /// The content, where it was at hand and small; else it is read back from the store.
        content: Option<Bytes>,
    },
    /// A file is gone.
    FileDeleted {
        /// Where.
        project: ProjectId,
        /// Which file.
        path: FilePath,
        /// The change's number.
        version: Version,
    },
    /// The first streamer connection has come or the last one has gone.
    Presence {
        /// Whose.
        project: ProjectId,
        /// Whether the streamer is there now.
        connected: bool,
    },
    /// A viewer has finished a pull request.
    PullRequestCreated(PullRequest),
    /// The streamer has ended a pull request.
    PullRequestClosed {
        /// Which.
        id: PullRequestId,
        /// How.
        outcome: Outcome,
    },
    /// Somebody said something.
    ChatMessage(ChatMessage),
}
