//! Tells those who ask for it how many view a project, at most once a second.

use std::collections::HashSet;
use std::sync::Mutex;

use crate::application::event::Event;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, Presence, Topic};
use crate::domain::ProjectId;

/// The projects whose number of viewers may have changed since it was last told: at most one for
/// each connection that has come or gone in that second.
#[derive(Debug, Default)]
pub(crate) struct ViewerCounts(Mutex<HashSet<ProjectId>>);

impl ViewerCounts {
    /// Notes that somebody has come or gone, or asks to be told.
    pub(crate) fn changed(&self, project: &ProjectId) {
        let mut changed = lock(&self.0);
        if !changed.contains(project) {
            changed.insert(project.clone());
        }
    }

    /// Tells of all numbers that may have changed since the last call.
    pub(crate) fn tell(&self, presence: &dyn Presence, events: &dyn EventPublisher) {
        let changed = std::mem::take(&mut *lock(&self.0));
        for project in changed {
            let viewers = presence.viewers(&project);
            let topic = Topic::Presence(project.clone());
            let event = Event::ViewersChanged { project, viewers };
            events.publish(&topic, event, None);
        }
    }
}

#[cfg(test)]
mod tests;
