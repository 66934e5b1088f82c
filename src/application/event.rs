//! What happened, as reported to the connections that it concerns.

use bytes::Bytes;

use crate::domain::{
    ChatMessage, FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Version,
};

/// Something that connections are told without asking.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file has new content.
    FileUpdated {
        /// Its project.
        project: ProjectId,
        /// Which file.
        path: FilePath,
        /// The change's number.
        version: Version,
        /// The content, if it was at hand and small; otherwise it is read back from the store.
        content: Option<Bytes>,
    },
    /// A file is gone.
    FileDeleted {
        /// Its project.
        project: ProjectId,
        /// Which file.
        path: FilePath,
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
    /// The streamer has ended a pull request.
    PullRequestClosed {
        /// Which pull request.
        id: PullRequestId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Somebody said something.
    ChatMessage(ChatMessage),
}
