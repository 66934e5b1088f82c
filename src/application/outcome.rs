//! The result of a command.

use crate::application::counts::Outcome;
use crate::application::files::change_outlives_connection::Commit;
use crate::application::files::file_stream::FileStream;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::domain::{ChatMessage, Moderation, UserName};

/// The result of a command.
pub enum CommandOutcome {
    /// No answer: a part has been accepted and more are to come.
    Silent,
    /// Answered.
    Replied(Reply),
    /// Answered section by section; then possibly pull requests that have waited for the streamer.
    Authenticated {
        /// One reply per section, then the last one.
        replies: Vec<Reply>,
        /// The pull requests that have waited.
        waiting: Option<PullRequestPages>,
    },
    /// A change of the project that is still to be carried out, in parallel with others.
    Commit(Commit),
    /// An answer still to be sent.
    Long(LongAnswer),
    /// Refused.
    Refused(RequestError),
    /// Refused for the last time: the connection must be closed.
    RefusedForGood(RequestError),
}

impl CommandOutcome {
    /// How the request counts; `None` if that is known only once its change has been carried out.
    pub(crate) fn counted(&self) -> Option<Outcome> {
        match self {
            Self::Commit(_) => None,
            Self::Refused(_) | Self::RefusedForGood(_) => Some(Outcome::Refused),
            Self::Silent | Self::Replied(_) | Self::Authenticated { .. } | Self::Long(_) => {
                Some(Outcome::Done)
            }
        }
    }
}

impl From<Reply> for CommandOutcome {
    fn from(reply: Reply) -> Self {
        Self::Replied(reply)
    }
}

impl From<LongAnswer> for CommandOutcome {
    fn from(answer: LongAnswer) -> Self {
        Self::Long(answer)
    }
}

impl<T: Into<Self>> From<Result<T, RequestError>> for CommandOutcome {
    fn from(result: Result<T, RequestError>) -> Self {
        result.map_or_else(Self::Refused, Into::into)
    }
}

/// An answer of many messages, to be sent as the connection has room for them, or of one message
/// that takes so long to encode that others must get to run in between.
pub enum LongAnswer {
    /// Events: pull requests that have waited for the streamer.
    WaitingPullRequests(PullRequestPages),
    /// The files of a project.
    Files(FileStream),
    /// The files of a pull request.
    PullRequestFiles(FileStream),
    /// A list of files.
    Listing(FileStream),
    /// A list of pull requests.
    PullRequests(PullRequestPages),
    /// What was said in a room.
    ChatHistory(Vec<ChatMessage>),
    /// Who is in a room.
    ChatMembers(Vec<UserName>),
    /// What moderators have decided.
    ChatModeration(Box<Moderation>),
}
