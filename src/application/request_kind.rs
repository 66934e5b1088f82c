//! Which request a command is, for those who count them.

use crate::application::command::Command;
use crate::application::counting::closed_set;

closed_set! {
    /// A request of the protocol, by its type and subtype.
    pub enum RequestKind {
        /// No request of the protocol.
        Malformed = "malformed",
        /// `authenticate`.
        Authenticate = "authenticate",
        /// `file`/`auth`, `chat`/`auth` or `pullrequest`/`auth`.
        AuthenticateSection = "auth",
        /// `file`/`get`.
        GetFiles = "file/get",
        /// `file`/`list`.
        ListFiles = "file/list",
        /// `file`/`post`.
        PostFile = "file/post",
        /// `file`/`delete`.
        DeleteFile = "file/delete",
        /// `file`/`watch`.
        WatchProject = "file/watch",
        /// `file`/`unwatch`.
        UnwatchProject = "file/unwatch",
        /// `file`/`status`.
        ProjectStatus = "file/status",
        /// `file`/`focus`.
        Focus = "file/focus",
        /// `pullrequest`/`creation`.
        CreatePullRequest = "pullrequest/creation",
        /// `pullrequest`/`finish`.
        FinishPullRequest = "pullrequest/finish",
        /// `pullrequest`/`get`.
        GetPullRequest = "pullrequest/get",
        /// `pullrequest`/`delete`.
        DeletePullRequest = "pullrequest/delete",
        /// `pullrequest`/`list`.
        ListPullRequests = "pullrequest/list",
        /// `pullrequest`/`apply`.
        ApplyPullRequest = "pullrequest/apply",
        /// `pullrequest`/`accept`.
        AcceptPullRequest = "pullrequest/accept",
        /// `pullrequest`/`applied`.
        AppliedPullRequest = "pullrequest/applied",
        /// `chat`/`message`.
        SendMessage = "chat/message",
        /// `chat`/`history`.
        ChatHistory = "chat/history",
        /// `chat`/`members`.
        ChatMembers = "chat/members",
        /// `chat`/`listen`.
        Listen = "chat/listen",
        /// `chat`/`leave`.
        LeaveRoom = "chat/leave",
        /// `chat`/`mute`.
        Mute = "chat/mute",
        /// `chat`/`unmute`.
        Unmute = "chat/unmute",
        /// `chat`/`ban`.
        Ban = "chat/ban",
        /// `chat`/`unban`.
        Unban = "chat/unban",
        /// `chat`/`delete`.
        DeleteMessage = "chat/delete",
        /// `chat`/`slow`.
        Slow = "chat/slow",
        /// `chat`/`announce`.
        Announce = "chat/announce",
        /// `chat`/`moderation`.
        ShowModeration = "chat/moderation",
        /// `guest`/`enter`.
        EnterAsGuest = "guest/enter",
    }
}

impl From<&Command> for RequestKind {
    fn from(command: &Command) -> Self {
        match command {
            Command::Malformed(_) => Self::Malformed,
            Command::Authenticate(_) => Self::Authenticate,
            Command::AuthenticateSection(_) => Self::AuthenticateSection,
            Command::GetFiles(_) => Self::GetFiles,
            Command::ListFiles(_) => Self::ListFiles,
            Command::PostFile(_) => Self::PostFile,
            Command::DeleteFile(_) => Self::DeleteFile,
            Command::WatchProject(_) => Self::WatchProject,
            Command::UnwatchProject(_) => Self::UnwatchProject,
            Command::ProjectStatus(_) => Self::ProjectStatus,
            Command::Focus(_) => Self::Focus,
            Command::CreatePullRequest(_) => Self::CreatePullRequest,
            Command::FinishPullRequest => Self::FinishPullRequest,
            Command::GetPullRequest(_) => Self::GetPullRequest,
            Command::DeletePullRequest(_) => Self::DeletePullRequest,
            Command::ListPullRequests => Self::ListPullRequests,
            Command::ApplyPullRequest(_) => Self::ApplyPullRequest,
            Command::AcceptPullRequest(_) => Self::AcceptPullRequest,
            Command::AppliedPullRequest(_) => Self::AppliedPullRequest,
            Command::SendMessage(_) => Self::SendMessage,
            Command::ChatHistory(_) => Self::ChatHistory,
            Command::ChatMembers => Self::ChatMembers,
            Command::Listen(_) => Self::Listen,
            Command::LeaveRoom => Self::LeaveRoom,
            Command::Mute(_) => Self::Mute,
            Command::Unmute(_) => Self::Unmute,
            Command::Ban(_) => Self::Ban,
            Command::Unban(_) => Self::Unban,
            Command::DeleteMessage(_) => Self::DeleteMessage,
            Command::Slow(_) => Self::Slow,
            Command::Announce(_) => Self::Announce,
            Command::ShowModeration => Self::ShowModeration,
            Command::EnterAsGuest(_) => Self::EnterAsGuest,
        }
    }
}
