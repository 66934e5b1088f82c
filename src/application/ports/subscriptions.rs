use crate::application::connection_id::ConnectionId;
use crate::domain::{ProjectId, RoomName, UserName};

/// What a connection can receive without asking.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The changes of a project's files and its streamer's presence.
    Updates(ProjectId),
    /// New pull requests of a project: for its streamer.
    Proposals(ProjectId),
    /// What becomes of one user's pull requests in a project: for their owner.
    Outcomes(ProjectId, UserName),
    /// What is said in a room.
    Room(RoomName),
}

/// Which connection receives what. Nothing here waits; a connection that is unknown or already
/// gone is nothing to stumble over.
#[cfg_attr(test, mockall::automock)]
pub trait Subscriptions: Send + Sync {
    /// From now on `connection` receives `topic`; once, however often it is subscribed.
    fn subscribe(&self, connection: ConnectionId, topic: Topic);

    /// From now on it does not.
    fn unsubscribe(&self, connection: ConnectionId, topic: &Topic);
}
