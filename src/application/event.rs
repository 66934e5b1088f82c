//! What happened, as reported to the connections that it concerns.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::counting::closed_set;
use crate::application::file_key::FileKey;
use crate::domain::{
    ApplyOutcome, ChatMessage, FilePath, Outcome, ProjectEntry, ProjectId, PullRequest,
    PullRequestId, RoomName, Timestamp, UserName, Version,
};

/// Something that connections are told without asking.
#[derive(Debug, Clone)]
pub enum Event {
    /// A file has new content.
    FileUpdated {
        /// Which file.
        file: Arc<FileKey>,
        /// What is known about it now; its version is the change's number.
        entry: ProjectEntry,
        /// The content, if it was at hand and small; otherwise it is read back from the store.
        content: Option<Bytes>,
    },
    /// The same, for connections that do not want the content.
    FileChanged {
        /// Which file.
        file: Arc<FileKey>,
        /// What is known about it now.
        entry: ProjectEntry,
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
    /// The number of those who view a project may have changed.
    ViewersChanged {
        /// Which project.
        project: ProjectId,
        /// How many there are now.
        viewers: usize,
    },
    /// A streamer looks at another place.
    FocusChanged {
        /// The file.
        file: FileKey,
        /// The line, from 1 on.
        line: Option<u32>,
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
    /// About a pull request that a streamer wants applied.
    Apply(ApplyNotice),
    /// Somebody said something.
    ChatMessage(ChatMessage),
    /// A moderator has deleted a message.
    ChatDeleted {
        /// In which room.
        room: RoomName,
        /// Its number.
        id: u64,
    },
    /// A moderator has changed slow mode.
    ChatSlowed {
        /// In which room.
        room: RoomName,
        /// The fewest seconds between two messages of one user; 0 means no slow mode.
        seconds: u32,
    },
    /// A moderator has decided about somebody.
    ChatModerated {
        /// In which room.
        room: RoomName,
        /// What: `mute`, `unmute`, `ban` or `unban`.
        action: &'static str,
        /// Who it is about.
        user: UserName,
        /// Until when it lasts, if it ends by itself.
        until: Option<Timestamp>,
    },
}

/// What the two connections of a streamer are told when one asks the other to apply a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyNotice {
    /// To the connection that is asked.
    Asked {
        /// The question's number.
        request: u64,
        /// Which pull request.
        id: PullRequestId,
        /// Which of its files; `None` means all.
        files: Option<Arc<[FilePath]>>,
    },
    /// To the same connection: its answer is no longer wanted.
    Withdrawn {
        /// The question's number.
        request: u64,
    },
    /// To the connection that asks: the answer.
    Ended {
        /// The question's number.
        request: u64,
        /// Which pull request.
        id: PullRequestId,
        /// What became of it.
        outcome: ApplyOutcome,
        /// The files that both sides have changed.
        conflicts: Arc<[FilePath]>,
        /// More about it; may be empty.
        message: Arc<str>,
    },
    /// To the same connection: there will be no answer.
    Failed {
        /// The question's number.
        request: u64,
        /// Which pull request.
        id: PullRequestId,
        /// Why.
        message: &'static str,
    },
}

impl ApplyNotice {
    /// Why there will be no answer: nobody has accepted the question.
    pub const TOO_LATE: &str = "nobody accepted it within a minute; nothing has been applied";
    /// Why there will be no answer: the servers have not heard of each other.
    pub const LOST: &str = "the servers have lost touch; nothing has been applied, try again";
    /// Why there will be no answer: the connection that was asked is gone.
    pub const APPLIER_LEFT: &str = "the connection that was to apply it has left; look at the \
                                    files \
                                    to see what it has done";
}

closed_set! {
    /// The kind of an event, for counting.
    pub enum EventKind {
        /// [`Event::FileUpdated`].
        FileUpdated = "file_updated",
        /// [`Event::FileChanged`].
        FileChanged = "file_changed",
        /// [`Event::FileDeleted`].
        FileDeleted = "file_deleted",
        /// [`Event::Presence`].
        Presence = "presence",
        /// [`Event::ViewersChanged`].
        ViewersChanged = "viewers_changed",
        /// [`Event::FocusChanged`].
        FocusChanged = "focus_changed",
        /// [`Event::PullRequestCreated`].
        PullRequestCreated = "pull_request_created",
        /// [`Event::PullRequestClosed`].
        PullRequestClosed = "pull_request_closed",
        /// [`Event::Apply`].
        Apply = "apply",
        /// [`Event::ChatMessage`].
        ChatMessage = "chat_message",
        /// [`Event::ChatDeleted`].
        ChatDeleted = "chat_deleted",
        /// [`Event::ChatSlowed`].
        ChatSlowed = "chat_slowed",
        /// [`Event::ChatModerated`].
        ChatModerated = "chat_moderated",
    }
}

impl Event {
    /// What kind of event it is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::FileUpdated { .. } => EventKind::FileUpdated,
            Self::FileChanged { .. } => EventKind::FileChanged,
            Self::FileDeleted { .. } => EventKind::FileDeleted,
            Self::Presence { .. } => EventKind::Presence,
            Self::ViewersChanged { .. } => EventKind::ViewersChanged,
            Self::FocusChanged { .. } => EventKind::FocusChanged,
            Self::PullRequestCreated(_) => EventKind::PullRequestCreated,
            Self::PullRequestClosed { .. } => EventKind::PullRequestClosed,
            Self::Apply(_) => EventKind::Apply,
            Self::ChatMessage(_) => EventKind::ChatMessage,
            Self::ChatDeleted { .. } => EventKind::ChatDeleted,
            Self::ChatSlowed { .. } => EventKind::ChatSlowed,
            Self::ChatModerated { .. } => EventKind::ChatModerated,
        }
    }

    /// The file that it changes and the number of that change; `None` if it is no change of a file.
    pub fn file_change(&self) -> Option<(&FileKey, Version)> {
        match self {
            Self::FileUpdated { file, entry, .. } | Self::FileChanged { file, entry } => {
                Some((file, entry.version))
            }
            Self::FileDeleted { file, version } => Some((file, *version)),
            _ => None,
        }
    }
}
