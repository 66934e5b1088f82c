//! `file`/`status`: the state of a project.

use crate::application::reply::ProjectStatus;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, Timestamp};

pub(crate) async fn project_status(
    app: &Application,
    session: &Session,
    project: Checked<ProjectId>,
    now: Timestamp,
) -> Result<Reply, RequestError> {
    let public = app.policy.public;
    session.rights().may_read_something(public.read, now)?;
    let project = project?;
    session.rights().may_read(&project, public.read, now)?;
    let usage = app.ports.projects.usage(&project).await;
    let usage = usage.map_err(|error| RequestError::reading_path(&error))?;
    let presence = &app.ports.presence;
    let you = session.rights().abilities(&project, public, now);
    Ok(Reply::FileStatus(ProjectStatus {
        streamer: presence.streamers(&project) > 0,
        viewers: presence.viewers(&project),
        files: usage.files,
        bytes: usage.bytes,
        max_bytes: app.limits.project.max_bytes,
        folders: usage.folders,
        guests: app.policy.guests,
        apply: you.stream && app.apply_questions.has_applier(&project),
        you,
    }))
}

#[cfg(test)]
mod tests;
