//! `file`/`status`: the state of a project.

use crate::application::moderation::banned::standing_in;
use crate::application::reply::ProjectStatus;
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{ProjectId, Standing, Timestamp};

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
    let (slow, standings) = moderation_of(app, session, &project, now).await;
    let mut you = session.rights().abilities(&project, public, standings, now);
    // If the moderation cannot be read, nobody can change it either, not even the streamer.
    you.moderate &= slow.is_some();
    Ok(Reply::FileStatus(ProjectStatus {
        streamer: presence.streamers(&project) > 0,
        viewers: presence.viewers(&project),
        files: usage.files,
        bytes: usage.bytes,
        max_bytes: app.limits.project.max_bytes,
        folders: usage.folders,
        guests: app.policy.guests,
        slow,
        apply: you.stream && app.apply_relay.has_applier(&project),
        you,
    }))
}

/// How many seconds slow mode has, and the standing of the asking connection's bearer in the
/// project and in the room of their token. If the moderation cannot be read, the standing is
/// [`Standing::KEPT_OUT`], as everywhere else.
async fn moderation_of(
    app: &Application,
    session: &Session,
    project: &ProjectId,
    now: Timestamp,
) -> (Option<u32>, [Standing; 2]) {
    let moderation = app.moderations.of(project).moderation().await.ok();
    let slow = moderation.map(|moderation| moderation.slow_seconds());
    let Ok(bearer) = session.rights().valid_identity(now) else {
        let here = slow.map_or(Standing::KEPT_OUT, |_| Standing::default());
        return (slow, [here, Standing::default()]);
    };
    let or_out = |standing: Result<_, _>| standing.unwrap_or(Standing::KEPT_OUT);
    let here = or_out(standing_in(app, session, bearer, project, now).await);
    let room = bearer.room.as_ref().and_then(ProjectId::of_room);
    let in_room = match room {
        Some(other) if other != *project => {
            or_out(standing_in(app, session, bearer, &other, now).await)
        }
        Some(_) => here,
        None => Standing::default(),
    };
    (slow, [here, in_room])
}

#[cfg(test)]
mod tests;
