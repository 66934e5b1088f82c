//! What a connection is answered.

use crate::application::files::commit::Commit;
use crate::application::files::file_stream::FileStream;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::domain::{ChatMessage, UserName};

/// One message that answers a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The connection is a streamer's now.
    FileAuth,
    /// The connection is in a room now.
    ChatAuth,
    /// The connection is a viewer's now.
    PullRequestAuth,
    /// All that `authenticate` asked for has been done.
    Authentication,
    /// The file has been stored.
    FilePosted,
    /// The file or folder has been deleted.
    FileDeleted,
    /// The project is watched.
    FileWatch,
    /// The project is watched no more.
    FileUnwatch,
    /// How a project is.
    FileStatus(ProjectStatus),
    /// There is a new draft.
    PullRequestCreation,
    /// The draft has become a pull request.
    PullRequestFinish,
    /// The pull request is gone.
    PullRequestDelete,
    /// The message has been said.
    ChatMessage,
    /// What was said.
    ChatHistory(Vec<ChatMessage>),
    /// Who is there.
    ChatMembers(Vec<UserName>),
    /// The room has been left.
    ChatLeave,
}

/// How a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectStatus {
    /// Whether its streamer is there.
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
}

/// What became of a command.
pub enum CommandOutcome {
    /// Nothing to say: a part has been taken and more are to come.
    Silent,
    /// Answered.
    Replied(Reply),
    /// Answered section by section; then perhaps pull requests that had waited for the streamer.
    Authenticated {
        /// One reply per section, then the last one.
        replies: Vec<Reply>,
        /// What had waited.
        waiting: Option<PullRequestPages>,
    },
    /// A change of the project that is yet to be carried out, beside others.
    Commit(Commit),
    /// Files to be sent.
    Files(FileStream),
    /// The files of a pull request to be sent.
    PullRequestFiles(FileStream),
    /// Files to be listed.
    Listing(FileStream),
    /// Pull requests to be listed.
    PullRequests(PullRequestPages),
    /// Refused.
    Refused(RequestError),
    /// Refused, and for the last time: the connection is to be closed.
    RefusedForGood(RequestError),
}

use crate::application::request_error::RequestError;

impl From<Result<Reply, RequestError>> for CommandOutcome {
    fn from(result: Result<Reply, RequestError>) -> Self {
        match result {
            Ok(reply) => Self::Replied(reply),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}
