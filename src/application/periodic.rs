//! What has to be done from time to time, no matter who is connected.

use std::sync::Arc;

use crate::application::files::streamer_grace::delete_abandoned_projects;
use crate::application::pull_requests::apply_notices::withdraw_late;
use crate::application::service::Application;

/// Periodic work; the server calls it once a second. Returns at once.
pub fn every_second(app: &Arc<Application>) {
    let now = app.uptime();
    app.ports.rooms.sweep(now);
    app.moderations.sweep(now);
    delete_abandoned_projects(app, now);
    withdraw_late(&app.apply_questions, &*app.ports.events, now);
    app.viewer_counts
        .tell(&*app.ports.presence, &*app.ports.events);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::test_world::World;

    #[tokio::test]
    async fn rooms_are_swept_whatever_the_policy() {
        let mut world = World::new();
        world.rooms.expect_sweep().once().return_const(());
        every_second(&world.build().app);
    }
}
