//! What a connection may ask for, with parameters that have been parsed but not yet judged.

use std::sync::Arc;

use bytes::Bytes;

use crate::application::counting::closed_set;
use crate::application::request_error::{BadParameters, Checked};
use crate::domain::{
    ApplyOutcome, ContentHash, Contents, FilePath, GuestName, Outcome, PathQuery, ProjectId,
    PullRequest, PullRequestId, RoomName, Sections, UserName,
};

/// Declares the requests: [`Command`], with the parameters of each, and [`RequestKind`], with the
/// name of each, which is its type and subtype.
macro_rules! requests {
    ($($(#[$doc:meta])* $request:ident $(($parameters:ty))? = $name:literal,)+) => {
        /// One request of a connection. The rights are checked before the parameters, so a command
        /// carries the error in its parameters, if any.
        #[derive(Debug)]
        pub enum Command {
            $(#[doc = concat!("`", $name, "`.")] $(#[$doc])* $request $(($parameters))?,)+
        }

        closed_set! {
            /// Which request a command is, for counting it and for answering it.
            pub enum RequestKind {
                $(#[doc = concat!("`", $name, "`.")] $request = $name,)+
            }
        }

        impl Command {
            /// Returns which request it is.
            pub(crate) fn kind(&self) -> RequestKind {
                match self {
                    $(Self::$request { .. } => RequestKind::$request,)+
                }
            }
        }
    };
}

requests! {
    /// Not a request at all.
    Malformed(BadParameters) = "malformed",
    Authenticate(Checked<Authenticate>) = "authenticate",
    /// `file`/`auth`, `chat`/`auth`, `pullrequest`/`auth`.
    AuthenticateSection(Checked<AuthenticateSection>) = "auth",
    GetFiles(Checked<ReadFiles>) = "file/get",
    ListFiles(Checked<ReadFiles>) = "file/list",
    PostFile(Checked<PostFile>) = "file/post",
    DeleteFile(Checked<DeleteFile>) = "file/delete",
    WatchProject(Checked<WatchProject>) = "file/watch",
    UnwatchProject(Checked<ProjectId>) = "file/unwatch",
    ProjectStatus(Checked<ProjectId>) = "file/status",
    Focus(Checked<Focus>) = "file/focus",
    CreatePullRequest(Checked<CreatePullRequest>) = "pullrequest/creation",
    FinishPullRequest = "pullrequest/finish",
    /// `None` is an id that cannot exist.
    GetPullRequest(Checked<Option<PullRequestId>>) = "pullrequest/get",
    DeletePullRequest(Checked<DeletePullRequest>) = "pullrequest/delete",
    ListPullRequests = "pullrequest/list",
    ApplyPullRequest(Checked<ApplyPullRequest>) = "pullrequest/apply",
    /// The question's number.
    AcceptPullRequest(Checked<u64>) = "pullrequest/accept",
    AppliedPullRequest(Checked<AppliedPullRequest>) = "pullrequest/applied",
    SendMessage(Checked<Arc<str>>) = "chat/message",
    /// The most messages to return.
    ChatHistory(Checked<Option<usize>>) = "chat/history",
    ChatMembers = "chat/members",
    Listen(Checked<RoomName>) = "chat/listen",
    LeaveRoom = "chat/leave",
    Mute(Checked<Mute>) = "chat/mute",
    Unmute(Checked<UserName>) = "chat/unmute",
    Ban(Checked<Ban>) = "chat/ban",
    Unban(Checked<UserName>) = "chat/unban",
    /// The message's number; `None` is one that no message can have.
    DeleteMessage(Checked<Option<u64>>) = "chat/delete",
    /// The seconds between two messages of one user.
    Slow(Checked<u32>) = "chat/slow",
    Announce(Checked<Arc<str>>) = "chat/announce",
    ShowModeration = "chat/moderation",
    EnterAsGuest(Checked<EnterAsGuest>) = "guest/enter",
}

/// A guess at the memory, in bytes, of an answer that is one message and has no bound of its own.
const LONG_ANSWER_BYTES: usize = 64 * 1_024;

impl Command {
    /// Whether it changes nothing: then it need not be carried out if nobody hears the answer.
    pub(crate) fn only_asks(&self) -> bool {
        matches!(
            self,
            Self::GetFiles(_)
                | Self::ListFiles(_)
                | Self::ProjectStatus(_)
                | Self::GetPullRequest(_)
                | Self::ListPullRequests
                | Self::ChatHistory(_)
                | Self::ChatMembers
                | Self::ShowModeration
        )
    }

    /// Whether it ends when the client closes: it changes nothing and may take long.
    pub(crate) fn ends_with_its_client(&self) -> bool {
        matches!(self, Self::GetFiles(_) | Self::ListFiles(_))
    }

    /// Whether it concerns the room that the connection's token names: then a ban may be why it is
    /// refused.
    pub(crate) fn concerns_room(&self) -> bool {
        matches!(
            self,
            Self::SendMessage(_) | Self::ChatHistory(_) | Self::ChatMembers | Self::LeaveRoom
        )
    }

    /// How many bytes of memory must be free before it is carried out. 0 if its answer is short, or
    /// waits for memory itself.
    pub(crate) fn answer_bytes(&self) -> usize {
        match self {
            Self::ChatHistory(_) | Self::ChatMembers | Self::ShowModeration => LONG_ANSWER_BYTES,
            Self::GetPullRequest(_) | Self::DeletePullRequest(_) | Self::ApplyPullRequest(_) => {
                PullRequest::MOST_BYTES
            }
            Self::GetFiles(Ok(request)) | Self::ListFiles(Ok(request))
                if request.may_mean_pull_request() =>
            {
                PullRequest::MOST_BYTES
            }
            Self::Malformed(_)
            | Self::Authenticate(_)
            | Self::AuthenticateSection(_)
            | Self::GetFiles(_)
            | Self::ListFiles(_)
            | Self::PostFile(_)
            | Self::DeleteFile(_)
            | Self::WatchProject(_)
            | Self::UnwatchProject(_)
            | Self::ProjectStatus(_)
            | Self::Focus(_)
            | Self::CreatePullRequest(_)
            | Self::FinishPullRequest
            | Self::ListPullRequests
            | Self::AcceptPullRequest(_)
            | Self::AppliedPullRequest(_)
            | Self::SendMessage(_)
            | Self::Listen(_)
            | Self::LeaveRoom
            | Self::Mute(_)
            | Self::Unmute(_)
            | Self::Ban(_)
            | Self::Unban(_)
            | Self::DeleteMessage(_)
            | Self::Slow(_)
            | Self::Announce(_)
            | Self::EnterAsGuest(_) => 0,
        }
    }
}

/// The parameters of `authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate {
    /// The token; may be empty.
    pub token: String,
    /// All the sections that were given.
    pub sections: Sections,
}

/// The parameters of the separate forms: one section, and optionally a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticateSection {
    /// A token; without one the connection must already hold one.
    pub token: Option<String>,
    /// The one section; an error in it counts only once there is a token.
    pub section: Checked<Sections>,
}

/// The parameters of `get` and `list`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFiles {
    /// Whose files; the right to read them is checked before the rest.
    pub project: ProjectId,
    /// Which files.
    pub files: Checked<FilesQuery>,
}

impl ReadFiles {
    /// Whether the first segment of the name can be a pull request's id.
    fn may_mean_pull_request(&self) -> bool {
        let path = self.files.as_ref().ok();
        let path = path.and_then(|files| files.path.path.as_ref());
        path.is_some_and(|path| PullRequestId::parse(path.split_first().0).is_some())
    }
}

/// Which files of a project are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesQuery {
    /// The file or folder.
    pub path: PathQuery,
    /// Whether a folder's sub-folders are included.
    pub recursively: bool,
    /// Whether a `list` tells the files' hashes.
    pub hashes: bool,
}

/// The parameters of `watch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchProject {
    /// Which project; the right to read it is checked before the rest.
    pub project: ProjectId,
    /// What is wanted of it.
    pub watch: Checked<Watch>,
}

/// What a connection wants of a project that it watches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// Which changed files come with their contents.
    pub contents: Arc<Contents>,
    /// Whether it is told how many view the project and where its streamer is looking.
    pub presence: bool,
}

/// The parameters of `focus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Focus {
    /// The file, which need not exist.
    pub path: FilePath,
    /// The line, from 1 on.
    pub line: Option<u32>,
}

/// The parameters of `post`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostFile {
    /// The file.
    pub path: FilePath,
    /// The content, or a part of it.
    pub content: Bytes,
    /// Which part of how many; `None` if the content is complete.
    pub part: Option<PartOf>,
    /// Length of the content in characters of base64.
    pub chars: usize,
    /// Whether the base64 ends in `=`.
    pub padded: bool,
    /// Whether it arrived as a binary message, as the desktop client sends it.
    pub binary: bool,
    /// The content that the author started from, if they say so.
    pub base: Option<ContentHash>,
    /// Whether the file may be executed; `None` keeps what it has.
    pub executable: Option<bool>,
}

/// The position of a part among its file's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOf {
    /// `part`; `None` means the lowest number not yet received.
    pub number: Option<u32>,
    /// `maxPart`.
    pub count: u32,
}

/// The parameters of `delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteFile {
    /// The file or folder; not the project's own.
    pub path: FilePath,
    /// Whether only a folder can be meant.
    pub means_folder: bool,
    /// The content whose deletion is proposed, if it is a draft's proposal and the author said so.
    pub base: Option<ContentHash>,
}

/// The parameters of `creation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePullRequest {
    /// The title; not empty.
    pub title: Arc<str>,
    /// The description; may be empty.
    pub description: Arc<str>,
}

/// The parameters of a pull request's `delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletePullRequest {
    /// Which pull request; `None` is an id that cannot exist.
    pub id: Option<PullRequestId>,
    /// How it ended.
    pub outcome: Outcome,
}

/// The parameters of `apply`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyPullRequest {
    /// Which pull request; `None` is an id that cannot exist.
    pub id: Option<PullRequestId>,
    /// Which of its files; `None` means all.
    pub files: Option<Vec<FilePath>>,
}

/// The parameters of `applied`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedPullRequest {
    /// The number of the question that is answered.
    pub request: u64,
    /// What became of the pull request.
    pub outcome: ApplyOutcome,
    /// The files that both sides have changed.
    pub conflicts: Vec<FilePath>,
    /// More about it; may be empty.
    pub message: String,
}

/// The parameters of `mute`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mute {
    /// Who.
    pub user: UserName,
    /// For how many seconds.
    pub seconds: u32,
}

/// The parameters of `ban`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub user: UserName,
    /// For how many seconds; `None`: until it is lifted.
    pub seconds: Option<u32>,
}

/// The parameters of a guest's `enter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnterAsGuest {
    /// Where to; the right to read it is checked before the rest.
    pub project: ProjectId,
    /// The name that the guest wants.
    pub name: Checked<GuestName>,
}
