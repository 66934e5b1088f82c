//! `onStreamerDisconnect: "delete"`: projects whose streamer stays away lose their files
//! (protocol, section 4).

use crate::application::files::commit::delete_below;
use crate::application::ports::StoreError;
use crate::application::service::Application;

/// Starts the grace of every project anew: the process has just started and no streamer is
/// there yet.
///
/// # Errors
/// Those of listing the projects.
pub async fn start_grace(app: &Application) -> Result<(), StoreError> {
    if app.policy.delete_abandoned_after.is_some() {
        let now = app.uptime();
        for project in app.ports.registry.projects().await? {
            app.abandoned.streamer_left(&project, now);
        }
    }
    Ok(())
}

/// What has to be done now and then: about once a second.
pub async fn tidy_up(app: &Application) {
    let now = app.uptime();
    app.ports.rooms.sweep(now);
    for project in app.abandoned.take_due(now) {
        // A streamer who comes back meanwhile keeps what is left, and what he posts: it is
        // asked anew for each file, when nobody else can be changing it.
        let is_away = || app.ports.presence.streamers(&project) == 0;
        match delete_below(app, None, &project, None, &is_away).await {
            Ok(_) => {
                // A user's own text: what cannot be seen is written out.
                let project = project.to_string();
                tracing::info!(
                    project = %project.escape_debug(),
                    "deleted the files of a project without streamer"
                );
            }
            Err(_) => app.abandoned.streamer_left(&project, now),
        }
    }
}

#[cfg(test)]
mod tests;
