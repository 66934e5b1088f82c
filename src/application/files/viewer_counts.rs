//! Tells connections that ask for it how many view a project, at most once a second.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::application::event::Event;
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, Presence, Topic};
use crate::domain::ProjectId;

/// The projects whose number of viewers a connection wants to be told: at most one for each watch,
/// and the watch is reserved on the account of its connection.
#[derive(Debug, Default)]
pub(crate) struct ViewerCounts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many connections ask for each.
    asked: HashMap<ProjectId, usize>,
    /// The projects among them whose number may have changed since it was last told.
    changed: HashSet<ProjectId>,
}

impl ViewerCounts {
    /// Notes that one more connection asks for the number, which it is told soon.
    pub(crate) fn asked(&self, project: &ProjectId) {
        let mut state = lock(&self.0);
        *state.asked.entry(project.clone()).or_default() += 1;
        state.changed.insert(project.clone());
    }

    /// Notes that a connection no longer asks.
    pub(crate) fn no_longer_asked(&self, project: &ProjectId) {
        let mut state = lock(&self.0);
        if let Some(connections) = state.asked.get_mut(project) {
            *connections -= 1;
            if *connections == 0 {
                state.asked.remove(project);
                state.changed.remove(project);
            }
        }
    }

    /// Notes that somebody has come or gone, or asks anew.
    pub(crate) fn changed(&self, project: &ProjectId) {
        let mut state = lock(&self.0);
        if state.asked.contains_key(project) {
            state.changed.insert(project.clone());
        }
    }

    /// Tells of all numbers that may have changed since the last call.
    pub(crate) fn tell(&self, presence: &dyn Presence, events: &dyn EventPublisher) {
        let changed = std::mem::take(&mut lock(&self.0).changed);
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
