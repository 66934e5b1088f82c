//! Which streamers are connected.

use std::collections::HashSet;
use std::sync::Arc;

use super::topics::Hub;
use crate::adapters::delivery::send_queue::Frame;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, Presence, Topic};
use crate::application::{ConnectionId, Event, FileKey};
use crate::domain::ProjectId;

impl<F: Frame> Presence for Hub<F> {
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        // The streamer's own connection already knows.
        let tell = || self.announce(project, true, Some(connection));
        self.count_in(project, connection, tell)
    }

    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        // Tells this connection, too, if it still watches the project.
        let tell = || self.announce(project, false, None);
        self.count_out(project, connection, tell)
    }

    fn streamers(&self, project: &ProjectId) -> usize {
        lock(self.streamers.of(project))
            .get(project)
            .map_or(0, HashSet::len)
    }

    fn viewers(&self, project: &ProjectId) -> usize {
        let Some(members) = self.members(&Topic::Updates(project.clone())) else {
            return 0;
        };
        // Copied, so that no lock is held while waiting for the members' own lock.
        let streamers = lock(self.streamers.of(project)).get(project).cloned();
        members.count_without(&streamers.unwrap_or_default())
    }

    fn viewers_changed(&self, _: &ProjectId) {
        // Nothing to do: viewers are counted whenever the number is asked for.
    }

    fn focus(&self, _: &FileKey, _: Option<u32>) {
        // Nothing to do: there is no other server.
    }
}

/// Counts in the same way but tells nobody. For a store that tells what several servers count
/// together.
pub struct Untold<F>(pub Arc<Hub<F>>);

impl<F: Frame> Presence for Untold<F> {
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        self.0.count_in(project, connection, || {})
    }

    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        self.0.count_out(project, connection, || {})
    }

    fn streamers(&self, project: &ProjectId) -> usize {
        self.0.streamers(project)
    }

    fn viewers(&self, project: &ProjectId) -> usize {
        self.0.viewers(project)
    }

    fn viewers_changed(&self, _: &ProjectId) {}

    fn focus(&self, _: &FileKey, _: Option<u32>) {}
}

impl<F: Frame> Hub<F> {
    /// Counts a streamer connection in. Returns whether it is the project's first. If so, calls
    /// `tell` before any other comes or goes.
    fn count_in(&self, project: &ProjectId, connection: ConnectionId, tell: impl FnOnce()) -> bool {
        let mut streamers = lock(self.streamers.of(project));
        let here = streamers.entry(project.clone()).or_default();
        let is_first = here.is_empty();
        here.insert(connection);
        if is_first {
            tell();
        }
        is_first
    }

    /// Counts a streamer connection out. Returns whether it was the project's last. If so, calls
    /// `tell` in the same way.
    fn count_out(
        &self,
        project: &ProjectId,
        connection: ConnectionId,
        tell: impl FnOnce(),
    ) -> bool {
        let mut streamers = lock(self.streamers.of(project));
        let Some(here) = streamers.get_mut(project) else {
            return false;
        };
        let was_last = here.remove(&connection) && here.is_empty();
        if was_last {
            streamers.remove(project);
            tell();
        }
        was_last
    }

    fn announce(&self, project: &ProjectId, connected: bool, but: Option<ConnectionId>) {
        let event = Event::Presence {
            project: project.clone(),
            connected,
        };
        self.publish(&Topic::Updates(project.clone()), event, but);
    }
}
