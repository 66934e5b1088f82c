//! What a share says: lines and a status for people, or one JSON object per line for programs.

mod event;
mod page_link;
mod sentences;
mod share_output;

pub use event::{Event, GuestInvitation, Never};
pub use page_link::PageLink;
pub use share_output::{Commands, ShareOutput};
