//! `onStreamerDisconnect: "delete"`: projects whose streamer stays away lose their files
//! (protocol, section 4).

use std::sync::Arc;

use tokio::time::Instant;

use crate::application::files::change_outlives_connection::{Asker, delete_below};
use crate::application::ports::StoreError;
use crate::application::service::Application;
use crate::domain::{ProjectId, Uptime};

/// Restarts the grace period of every project: the process has just started and no streamer is
/// connected yet.
///
/// # Errors
/// The errors of listing the projects.
pub async fn start_grace(app: &Application) -> Result<(), StoreError> {
    if app.policy.delete_abandoned_after.is_some() {
        let (now, projects) = (app.uptime(), app.ports.projects.projects().await?);
        if !projects.is_empty() {
            tracing::warn!(
                projects = projects.len(),
                "onStreamerDisconnect is delete: the files of all projects go unless their \
                 streamers come within streamerGraceSeconds, or half a minute"
            );
        }
        for project in projects {
            app.abandoned.server_started(&project, now);
        }
    }
    Ok(())
}

/// Deletes the files of the projects whose grace period is over, each in a task of its own, so that
/// one whose disk hangs delays nothing else.
pub(crate) fn delete_abandoned_projects(app: &Arc<Application>, now: Uptime) {
    // One of several servers is enough; the next time it may be another.
    if !app.ports.presence.is_first() {
        return;
    }
    for project in app.abandoned.take_due(now) {
        let own = Arc::clone(app);
        app.work
            .spawn(async move { delete_abandoned(&own, project).await });
    }
}

/// Deletes the files of a project whose streamer has stayed away.
async fn delete_abandoned(app: &Arc<Application>, project: ProjectId) {
    // A streamer who comes back in the meantime keeps what is left, and what they post: the check
    // is repeated for each file, when nobody else can be changing it. A server that stops leaves
    // the rest to the grace period after its next start.
    let (presence, asked) = (Arc::clone(&app.ports.presence), project.clone());
    let work = app.work.clone();
    let server = Asker {
        connection: None,
        at: Instant::now(),
    };
    let is_away = move || presence.streamers(&asked) == 0 && !work.is_closed();
    match delete_below(app, server, &project, None, is_away).await {
        Ok(_) => {
            // A user chose this text: invisible characters are escaped.
            let project = project.to_string();
            tracing::info!(
                project = %project.escape_debug(),
                "deleted the files of a project without streamer"
            );
        }
        Err(_) => app.abandoned.streamer_left(&project, app.uptime()),
    }
}

#[cfg(test)]
mod tests;
