use std::time::Duration;

use async_trait::async_trait;

use crate::application::connection_id::ConnectionId;
use crate::application::ports::store_error::StoreError;
use crate::domain::{ChatMessage, NewMessage, RoomName, UnknownMessage, Uptime, UserName};

/// Why a message was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SayError {
    /// The user speaks too often; they may again after this long.
    #[error("too many messages")]
    TooOften(Duration),
    /// There would be more than `maxRooms`.
    #[error("too many rooms")]
    TooManyRooms,
    /// It is not known whether it will be heard.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is dropped once a message has been said, or never will be.
pub type Floor = Box<dyn Send>;

/// Knows the rooms: who is in them and what was said. `say`, `delete` and `slow`, once begun, are
/// carried out even if nobody waits for them.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ChatRooms: Send + Sync {
    /// Adds one connection of `user` to `room`, which the first connection creates.
    ///
    /// Returns `false`, and changes nothing, if there would be more than `maxRooms`.
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool;

    /// Removes one connection of `user` from `room`.
    fn leave(&self, room: &RoomName, user: &UserName, now: Uptime);

    /// Adds a message to the room's history and hands it to everybody who receives
    /// [`Topic::Room`](super::Topic::Room) except `origin`, in the same order for all. An
    /// announcement creates the room if nobody is in it.
    ///
    /// # Errors
    /// Why the message was not accepted.
    async fn say(
        &self,
        origin: Option<ConnectionId>,
        room: &RoomName,
        message: NewMessage,
        floor: Floor,
        now: Uptime,
    ) -> Result<(), SayError>;

    /// Who wrote the message of this number in `room`, if that is still remembered.
    ///
    /// # Errors
    /// The room has given no message this number.
    fn author(&self, room: &RoomName, id: u64) -> Result<Option<UserName>, UnknownMessage>;

    /// Forgets a message and tells everybody who receives [`Topic::Room`](super::Topic::Room), in
    /// the order of what is said.
    ///
    /// # Errors
    /// `Failed`: it is not known whether it will be deleted.
    async fn delete(&self, room: &RoomName, id: u64) -> Result<(), StoreError>;

    /// Tells everybody who receives [`Topic::Room`](super::Topic::Room) how many seconds slow mode
    /// has now, in the order of what is said; 0 ends it.
    ///
    /// # Errors
    /// `Failed`: it is not known whether they will be told.
    async fn slow(&self, room: &RoomName, seconds: u32) -> Result<(), StoreError>;

    /// The latest messages of `room`, at most `limit`, oldest first.
    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage>;

    /// The distinct names in `room`, sorted. Members at another server may be missing if that
    /// server does not answer at once.
    async fn members(&self, room: &RoomName) -> Vec<UserName>;

    /// How many rooms there are, including those that are empty and still remembered.
    fn count(&self) -> usize;

    /// Forgets the rooms that have been empty for an hour.
    fn sweep(&self, now: Uptime);
}
