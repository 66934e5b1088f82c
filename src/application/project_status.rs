//! `file`/`status`: how a project is.

use super::reply::ProjectStatus;
use super::{Application, Checked, Refusal, Reply, Session};
use crate::domain::{ProjectId, Timestamp};

impl Application {
    pub(super) async fn project_status(
        &self,
        session: &Session,
        project: Checked<ProjectId>,
        now: Timestamp,
    ) -> Result<Reply, Refusal> {
        let public = self.policy.public_read;
        session.may_read_something(public, now)?;
        let project = project?;
        session.may_read(&project, public, now)?;
        let usage = self.ports.projects.usage(&project).await;
        let usage = usage.map_err(|error| Refusal::reading_path(&error))?;
        let presence = &self.ports.presence;
        Ok(Reply::FileStatus(ProjectStatus {
            streamer: presence.streamers(&project) > 0,
            viewers: presence.viewers(&project),
            files: usage.files,
            bytes: usage.bytes,
            max_bytes: self.limits.project.max_bytes,
        }))
    }
}

#[cfg(test)]
mod tests;
