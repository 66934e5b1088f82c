//! The connections of one server that apply pull requests.

use std::collections::HashMap;
use std::time::Duration;

use crate::application::connection_id::ConnectionId;
use crate::domain::ProjectId;

/// How long a question may wait to be accepted (protocol, section 6, `apply`).
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Those of each project, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Appliers(HashMap<ProjectId, Vec<ConnectionId>>);

impl Appliers {
    /// From now on `connection` may be asked.
    pub(crate) fn add(&mut self, project: &ProjectId, connection: ConnectionId) {
        self.0.entry(project.clone()).or_default().push(connection);
    }

    /// From now on it is not asked any more.
    pub(crate) fn remove(&mut self, project: &ProjectId, connection: ConnectionId) {
        if let Some(appliers) = self.0.get_mut(project) {
            appliers.retain(|applier| *applier != connection);
            if appliers.is_empty() {
                self.0.remove(project);
            }
        }
    }

    /// Whether there is one for the project.
    pub(crate) fn are_there(&self, project: &ProjectId) -> bool {
        self.0.contains_key(project)
    }

    /// The newest one for the project, but not `asker` itself.
    pub(crate) fn newest(
        &self,
        project: &ProjectId,
        asker: Option<ConnectionId>,
    ) -> Option<ConnectionId> {
        let appliers = self.0.get(project).into_iter().flatten();
        let mut others = appliers.filter(|applier| Some(**applier) != asker);
        others.next_back().copied()
    }
}
