use std::sync::Arc;
use std::time::Duration;

use crate::application::connection_id::ConnectionId;
use crate::domain::{ChatMessage, RoomName, Timestamp, Uptime, UserName};

/// Why a message was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// The user speaks too often; they may again after this long.
    #[error("too many messages")]
    TooOften(Duration),
}

/// Knows the rooms: who is in them and what was said.
#[cfg_attr(test, mockall::automock)]
pub trait ChatRooms: Send + Sync {
    /// Adds one connection of `user` to `room`, which the first connection creates.
    ///
    /// Returns `false`, and changes nothing, if there would be more than `maxRooms`.
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool;

    /// Removes one connection of `user` from `room`.
    fn leave(&self, room: &RoomName, user: &UserName, now: Uptime);

    /// Adds a message of that date to the room's history and hands it to everybody who receives
    /// [`Topic::Room`](super::Topic::Room) except `origin`, in the same order for all.
    ///
    /// # Errors
    /// Why the message was not accepted.
    fn say(
        &self,
        origin: ConnectionId,
        room: &RoomName,
        user: &UserName,
        text: Arc<str>,
        date: Timestamp,
        now: Uptime,
    ) -> Result<(), SayError>;

    /// The latest messages of `room`, at most `limit`, oldest first.
    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage>;

    /// The distinct names in `room`, sorted.
    fn members(&self, room: &RoomName) -> Vec<UserName>;

    /// Forgets the rooms that have been empty for an hour.
    fn sweep(&self, now: Uptime);
}
