//! What a share says: lines and a status for people, or one JSON object per line for programs.

mod event;
mod sentences;
mod share_output;

pub use event::{Event, GuestInvitation, Never};
pub use share_output::{Commands, ShareOutput};
