//! What is said in a room, and what is to happen outside the conversation by that.

use serde::Deserialize;
use twicecast_client::untrusted::Untrusted;

use crate::chat::completion::Offer;
use crate::chat::words::Words;

/// A message as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// What.
    pub message: Untrusted,
    /// Who.
    pub username: Untrusted,
    /// Grows within the room.
    pub id: u64,
    /// In milliseconds since the epoch.
    pub date: i64,
    /// Whether a moderator says it to all.
    #[serde(default)]
    pub announcement: bool,
}

/// What is to happen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Somebody said something; its number, if it is known.
    Message(Option<u64>, Words),
    /// The message of this number is to go.
    Remove(u64),
    /// These are there.
    Names(Vec<Untrusted>),
    /// A line can be completed with this.
    Offer(Offer),
    /// Something to tell the user.
    Tell(String),
    /// A message or a command that was refused, to be mended.
    GiveBack(String),
    /// Nothing is to be sent for so many seconds; then
    /// [`Conversation::resume`](super::conversation::Conversation::resume).
    Pause(u64),
}
