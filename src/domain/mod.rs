//! Values and rules: no IO, no clock of its own, no serialisation.
//!
//! Everything here depends only on its arguments, so every rule can be tested with a table. A value
//! of one of these types has been checked once and is valid from then on.

mod auth_error;
mod client_address;
mod content_hash;
mod contents;
mod draft;
mod file_path;
mod guest;
mod identity;
mod moderation;
mod moderator_action;
mod names;
mod partial_upload;
mod path_map;
mod project;
mod pull_request;
mod rate_limit;
mod rights;
mod roles;
mod room;
#[cfg(test)]
mod test_bearers;
mod time;

pub use auth_error::AuthError;
pub use client_address::ClientAddress;
pub use content_hash::ContentHash;
pub use contents::Contents;
pub use draft::{Draft, DraftError, DraftFile, PullRequestLimits};
pub use file_path::{FilePath, FilePathError, PathQuery};
pub use guest::{GUEST_LIFETIME, Guest, GuestAccess, GuestEntry, GuestError, GuestName, Guests};
pub use identity::{Claims, Identity, IdentityError, TokenRights};
pub use moderation::{
    Ban, Banned, Bound, ImpossibleModeration, MOST_MODERATED, Moderation, Mute, Person, Standing,
    TooManyModerated,
};
pub use moderator_action::{Action, Deed, MOST_SECONDS, SLOWEST};
pub use names::{NameError, ProjectName, RoomName, UserName, is_invisible};
pub use partial_upload::{Part, PartialUpload, Progress, UploadError};
pub use project::{
    PendingPut, Project, ProjectEntry, ProjectId, ProjectQuota, PutError, QuotaError, Revision,
    Usage, Version,
};
pub use pull_request::{ApplyOutcome, Outcome, PullRequest, PullRequestId};
pub use rate_limit::{RateLimit, TokenBucket};
pub use rights::{Abilities, PublicAccess, Rights, WriteTarget};
pub use roles::{ChatSection, FileSection, PullRequestSection, Roles, Sections, Streaming};
pub use room::{ChatMessage, NewMessage, Room, RoomLimits, UnknownMessage};
pub use time::{Timestamp, Uptime};
