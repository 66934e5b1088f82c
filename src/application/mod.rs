//! Use cases, the session of a connection, and the ports.
//!
//! Knows no JSON, no base64, no socket and no path on disk. Each use case has a file named after
//! the protocol's verb: it checks the right, asks the domain, uses ports and reports what happened.

pub mod auth;
pub mod chat;
mod command;
mod connection_id;
mod connection_kind;
pub mod counting;
pub mod counts;
mod disk_counts;
mod engine_counts;
mod event;
#[cfg(test)]
mod failure_tests;
pub mod fair_share;
mod file_content;
mod file_key;
pub mod files;
pub mod guests;
pub mod inspection;
mod limits;
pub(crate) mod locks;
pub mod memory;
pub mod moderation;
mod operator;
mod outcome;
pub mod periodic;
pub mod ports;
pub mod pull_requests;
mod reply;
mod request_error;
#[cfg(test)]
mod rights_tests;
mod service;
pub mod session;
#[cfg(test)]
pub(crate) mod test_world;
pub mod transfer;

pub use command::{
    AppliedPullRequest, ApplyPullRequest, Authenticate, AuthenticateSection, Ban, Command,
    CreatePullRequest, DeleteFile, DeletePullRequest, EnterAsGuest, FilesQuery, Focus, Mute,
    PartOf, PostFile, ReadFiles, RequestKind, Watch, WatchProject,
};
pub use connection_id::ConnectionId;
pub use connection_kind::ConnectionKind;
pub use disk_counts::{DiskCounts, DiskWork};
pub use engine_counts::EngineCounts;
pub use event::{ApplyNotice, Event, EventKind};
pub use file_content::{FileContent, Piece, StagedContent, Stretch};
pub use file_key::FileKey;
pub use files::change_outlives_connection::Commit;
pub use files::file_stream::{FileStream, NextFile};
pub use limits::{Limits, Policy};
pub use moderation::moderations::Moderations;
pub use operator::{Holdings, Operator};
pub use outcome::{CommandOutcome, LongAnswer};
pub use pull_requests::open_draft::OpenDraft;
pub use pull_requests::pages::PullRequestPages;
pub use reply::{GuestPass, ProjectStatus, Reply};
pub use request_error::{BadParameters, Checked, ErrorKind, RequestError};
pub use service::{Application, Ports};
pub use session::disconnect::SessionGuard;
pub use session::state::Session;
