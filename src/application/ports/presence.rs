use crate::application::connection_id::ConnectionId;
use crate::domain::ProjectId;

/// Knows which streamers are there.
///
/// Whenever the number of a project's streamer connections rises from 0 or falls to 0, all who
/// receive [`Topic::Updates`](super::Topic::Updates) of it are told, each time and in that order.
#[cfg_attr(test, mockall::automock)]
pub trait Presence: Send + Sync {
    /// `connection` is one of the project's streamer connections from now on. Returns whether it
    /// is the first.
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool;

    /// `connection` is no streamer connection of the project any more. Returns whether it was the
    /// last.
    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool;

    /// How many streamer connections the project has.
    fn streamers(&self, project: &ProjectId) -> usize;

    /// How many connections receive its updates and are not its streamer's.
    fn viewers(&self, project: &ProjectId) -> usize;
}
