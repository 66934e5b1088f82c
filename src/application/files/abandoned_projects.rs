//! Which projects are without their streamer (protocol, section 4).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::application::locks::lock;
use crate::domain::{ProjectId, Uptime};

/// The shortest grace period after a start of the server.
const LEAST_AFTER_START: Duration = Duration::from_secs(30);

/// Which projects are without their streamer, and since when.
#[derive(Debug)]
pub(crate) struct AbandonedProjects {
    grace: Option<Duration>,
    due: Mutex<HashMap<ProjectId, Uptime>>,
}

impl AbandonedProjects {
    /// `grace` is how long a project may be without its streamer; `None` means forever.
    pub(crate) fn new(grace: Option<Duration>) -> Self {
        Self {
            grace,
            due: Mutex::default(),
        }
    }

    /// Notes that the server has just started. Nobody can be there yet: a streamer who was there
    /// before needs time to come back.
    pub(crate) fn server_started(&self, project: &ProjectId, now: Uptime) {
        if let Some(grace) = self.grace {
            let due = now.plus(grace.max(LEAST_AFTER_START));
            lock(&self.due).insert(project.clone(), due);
        }
    }

    pub(crate) fn streamer_left(&self, project: &ProjectId, now: Uptime) {
        if let Some(grace) = self.grace {
            lock(&self.due).insert(project.clone(), now.plus(grace));
        }
    }

    pub(crate) fn streamer_came(&self, project: &ProjectId) {
        if self.grace.is_some() {
            lock(&self.due).remove(project);
        }
    }

    /// Removes and returns the projects whose grace period is over at `now`.
    pub(crate) fn take_due(&self, now: Uptime) -> Vec<ProjectId> {
        let mut due = lock(&self.due);
        let ready = due.extract_if(|_, at| *at <= now);
        ready.map(|(project, _)| project).collect()
    }
}
