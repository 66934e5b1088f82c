//! The result of a command.

use crate::application::files::commit::Commit;
use crate::application::files::file_stream::FileStream;
use crate::application::pull_requests::pages::PullRequestPages;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;

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
    /// Refused for the last time: the connection must be closed.
    RefusedForGood(RequestError),
}

impl From<Result<Reply, RequestError>> for CommandOutcome {
    fn from(result: Result<Reply, RequestError>) -> Self {
        match result {
            Ok(reply) => Self::Replied(reply),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

/// An answer of many messages, to be sent as the connection has room for them.
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
}
