use crate::application::connection_id::ConnectionId;
use crate::domain::ProjectId;

/// Knows which streamers are connected.
///
/// Whenever the number of a project's streamer connections rises from 0 or falls to 0, everybody
/// who receives its [`Topic::Updates`](super::Topic::Updates) is told, each time and in that order.
#[cfg_attr(test, mockall::automock)]
pub trait Presence: Send + Sync {
    /// Counts `connection` as a streamer connection of the project from now on. Returns whether it
    /// is the first.
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool;

    /// Stops counting `connection` as a streamer connection of the project. Returns whether it was
    /// the last.
    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool;

    /// How many streamer connections the project has.
    fn streamers(&self, project: &ProjectId) -> usize;

    /// How many connections other than its streamer's receive its updates.
    fn viewers(&self, project: &ProjectId) -> usize;
}
