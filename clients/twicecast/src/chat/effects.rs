//! What is said in a room, and what has to happen outside the conversation.

use serde::Deserialize;
use twicecast_client::untrusted::Untrusted;

use crate::chat::completion::Offer;
use crate::chat::words::Words;

/// A message as the server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// The text.
    pub message: Untrusted,
    /// Who said it.
    pub username: Untrusted,
    /// Its number, which grows within the room.
    pub id: u64,
    /// In milliseconds since the epoch.
    pub date: i64,
    /// Whether a moderator announces it to everybody.
    #[serde(default)]
    pub announcement: bool,
}

/// What has to happen outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Somebody said something; also its number, if that is known.
    Message(Option<u64>, Words),
    /// Remove the message with this number.
    Remove(u64),
    /// Show who is there.
    Names(Vec<Untrusted>),
    /// Offer this for completing a line.
    Offer(Offer),
    /// Tell the user something.
    Tell(String),
    /// Give a refused message or command back, to be corrected.
    GiveBack(String),
    /// Send nothing for so many seconds; then call
    /// [`Conversation::resume`](super::conversation::Conversation::resume).
    Pause(u64),
}
