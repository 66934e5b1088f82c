use std::collections::{HashMap, HashSet};

use crate::application::connection_id::ConnectionId;
use crate::application::file_key::FileKey;
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
    /// the last; where other servers count as well, [`news`](Self::news) says so later.
    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool;

    /// How many streamer connections the project has; those of another server count as one.
    fn streamers(&self, project: &ProjectId) -> usize;

    /// How many connections other than its streamer's receive its updates.
    fn viewers(&self, project: &ProjectId) -> usize;

    /// Notes that a connection here has begun or ceased to receive the project's updates.
    fn viewers_changed(&self, project: &ProjectId);

    /// Notes that a streamer here looks at this file, and at this line. Other servers tell that to
    /// their connections that receive [`Topic::Presence`](super::Topic::Presence); of several in
    /// quick succession, perhaps only the latest. Does nothing where there are no other servers.
    fn focus(&self, file: &FileKey, line: Option<u32>);

    /// What other servers have told since this was last called. Always empty where there are none.
    fn news(&self) -> PresenceNews {
        PresenceNews::default()
    }

    /// Whether this server is the one that does what only one of the servers with the same projects
    /// should do.
    fn is_first(&self) -> bool {
        true
    }
}

/// What has changed because of other servers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PresenceNews {
    /// The projects whose number of viewers may differ.
    pub viewers: HashSet<ProjectId>,
    /// The projects whose last streamer connection has gone (`false`), or whose first has come.
    pub streamers: HashMap<ProjectId, bool>,
}
