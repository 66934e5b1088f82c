//! The answers to a connection.

use std::fmt;

use crate::application::command::RequestKind;
use crate::domain::{Abilities, GuestAccess, Timestamp, UserName};

/// One message that answers a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// What was asked for has been done, and there is no more to say about it.
    Done(RequestKind),
    /// The connection is a streamer's now.
    FileAuth,
    /// The connection is in a room now.
    ChatAuth,
    /// The connection is a viewer's now.
    PullRequestAuth,
    /// Everything that `authenticate` asked for has been done.
    Authentication,
    /// The file has been stored.
    FilePosted,
    /// The file or folder has been deleted.
    FileDeleted,
    /// The state of a project.
    FileStatus(ProjectStatus),
    /// Another connection has been asked to apply the pull request.
    PullRequestApply {
        /// The question's number.
        request: u64,
    },
    /// Somebody is muted.
    ChatMute {
        /// Who.
        user: UserName,
        /// Until when.
        until: Timestamp,
        /// Whether it concerns addresses, too.
        address: bool,
    },
    /// Somebody is banned.
    ChatBan {
        /// Who.
        user: UserName,
        /// Until when, if it ends by itself.
        until: Option<Timestamp>,
        /// Whether it concerns addresses, too.
        address: bool,
    },
    /// A guest has a name now.
    GuestEnter(GuestPass),
}

/// The state of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectStatus {
    /// Whether its streamer is connected.
    pub streamer: bool,
    /// How many others receive its updates.
    pub viewers: usize,
    /// How many files it has.
    pub files: u64,
    /// The bytes of all files together.
    pub bytes: u64,
    /// `maxProjectBytes`.
    pub max_bytes: u64,
    /// How many folders it has.
    pub folders: u64,
    /// What guests may do.
    pub guests: GuestAccess,
    /// How many seconds slow mode has; `None` where that cannot be read.
    pub slow: Option<u32>,
    /// What the connection that asks may do there.
    pub you: Abilities,
    /// Whether it may stream, and there is a connection that applies pull requests.
    pub apply: bool,
}

/// What a guest is given.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestPass {
    /// The token.
    pub token: String,
    /// The name in it.
    pub name: UserName,
    /// What it allows.
    pub access: GuestAccess,
    /// When it expires.
    pub expires: Timestamp,
}

impl fmt::Debug for GuestPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuestPass({:?})", self.name)
    }
}
