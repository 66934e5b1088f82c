//! Use cases, the session and the ports.
//!
//! Knows no JSON, no base64, no socket and no path on disk. A use case checks the right, asks the
//! domain, uses ports and says what happened; `Session` is what a connection is entitled to.

mod abandoned;
mod attachments;
mod authenticate;
mod chat;
mod command;
mod commit;
mod connected;
mod connection_id;
mod deadlines;
mod delete_file;
mod digest;
mod event;
#[cfg(test)]
mod failure_tests;
mod fetch;
mod file_content;
mod limits;
pub(crate) mod locks;
mod mailbox;
mod notices;
mod open_draft;
mod ordering;
mod permit;
pub mod ports;
mod post_file;
mod project_status;
mod pull_request_pages;
mod pull_requests;
mod read_files;
mod refusal;
mod reply;
#[cfg(test)]
mod rights_tests;
mod service;
mod session;
mod staged;
#[cfg(test)]
mod test_world;
mod uploads;
mod watch_project;

pub use command::{
    Authenticate, AuthenticateSection, ChatSection, Command, CreatePullRequest, DeleteFile,
    DeletePullRequest, FileSection, FilesQuery, PartOf, PostFile, PullRequestSection, ReadFiles,
    Section, Sections,
};
pub use commit::Commit;
pub use connected::Connected;
pub use connection_id::ConnectionId;
pub use digest::sha256;
pub use event::Event;
pub use fetch::{Fetch, Fetched};
pub use file_content::{FileContent, StagedContent};
pub use limits::{Limits, Policy};
pub use mailbox::{
    Bell, Budget, Charge, FileKey, FileTurn, Frame, Mailbox, MailboxClosed, MailboxLimits,
};
pub use open_draft::OpenDraft;
pub use pull_request_pages::PullRequestPages;
pub use refusal::{AuthError, BadParameters, Checked, Refusal};
pub use reply::{Execution, ProjectStatus, Reply};
pub use service::{Application, Ports};
pub use session::Session;
