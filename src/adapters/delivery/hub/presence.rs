//! Which streamers are connected.

use std::collections::HashSet;

use super::topics::Hub;
use crate::adapters::delivery::send_queue::Frame;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, Presence, Topic};
use crate::application::{ConnectionId, Event};
use crate::domain::ProjectId;

impl<F: Frame> Presence for Hub<F> {
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let mut streamers = lock(self.streamers.of(project));
        let here = streamers.entry(project.clone()).or_default();
        let is_first = here.is_empty();
        here.insert(connection);
        if is_first {
            // The streamer's own connection knows.
            self.announce(project, true, Some(connection));
        }
        is_first
    }

    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let mut streamers = lock(self.streamers.of(project));
        let Some(here) = streamers.get_mut(project) else {
            return false;
        };
        let was_last = here.remove(&connection) && here.is_empty();
        if was_last {
            streamers.remove(project);
            // Also to this connection, if it still watches the project.
            self.announce(project, false, None);
        }
        was_last
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
}

impl<F: Frame> Hub<F> {
    fn announce(&self, project: &ProjectId, connected: bool, but: Option<ConnectionId>) {
        let event = Event::Presence {
            project: project.clone(),
            connected,
        };
        self.publish(&Topic::Updates(project.clone()), event, but);
    }
}
