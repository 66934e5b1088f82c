use std::sync::Arc;

use crate::application::connection_id::ConnectionId;
use crate::domain::{Contents, ProjectId, RoomName, UserName};

/// What a connection can receive without asking.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// The changes of a project's files and its streamer's presence.
    Updates(ProjectId),
    /// How many view a project, and where its streamer is looking.
    Presence(ProjectId),
    /// New pull requests of a project, for its streamer.
    Proposals(ProjectId),
    /// The outcome of one user's pull requests in a project, for their owner.
    Outcomes(ProjectId, UserName),
    /// What concerns this connection alone.
    Own(ConnectionId),
    /// What is said in a room.
    Room(RoomName),
}

/// Which connection receives what. Nothing here waits; a connection that is unknown or already gone
/// is not an error.
#[cfg_attr(test, mockall::automock)]
pub trait Subscriptions: Send + Sync {
    /// Subscribes `connection` to `topic`; it receives each event once, however often it
    /// subscribes.
    fn subscribe(&self, connection: ConnectionId, topic: Topic);

    /// Sets which changed files of a project come with their contents, for a connection that is
    /// subscribed to its updates; all of them until then, and after each new subscription.
    fn narrow(&self, connection: ConnectionId, project: &ProjectId, contents: Arc<Contents>);

    /// Ends the subscription.
    fn unsubscribe(&self, connection: ConnectionId, topic: &Topic);
}
