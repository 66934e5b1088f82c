//! What has to be done from time to time, no matter who is connected.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{MissedTickBehavior, interval};

use crate::application::files::streamer_grace::delete_abandoned_projects;
use crate::application::service::Application;
use crate::domain::Uptime;

const SECOND: Duration = Duration::from_secs(1);

/// Once a second, does what is due. Never ends by itself.
pub async fn tidy(app: Arc<Application>) {
    let tidy = move || {
        let app = Arc::clone(&app);
        async move { every_second(&app) }
    };
    every(SECOND, tidy).await;
}

/// Does what is due each second. Returns at once.
pub(crate) fn every_second(app: &Arc<Application>) {
    let now = app.uptime();
    app.ports.rooms.sweep(now);
    app.moderations.sweep(now);
    hear_of_others(app, now);
    delete_abandoned_projects(app, now);
    app.apply_relay.withdraw_late(now);
    app.viewer_counts
        .tell(&*app.ports.presence, &*app.ports.events);
}

/// Notes what other servers have said about who is there.
fn hear_of_others(app: &Application, now: Uptime) {
    let news = app.ports.presence.news();
    for project in &news.viewers {
        app.viewer_counts.changed(project);
    }
    for (project, is_there) in &news.streamers {
        if *is_there {
            app.abandoned.streamer_came(project);
        } else {
            app.abandoned.streamer_left(project, now);
        }
    }
}

/// Does `work` once in each `period`, and goes on if it panics.
pub async fn every<F: Future<Output = ()>>(period: Duration, mut work: impl FnMut() -> F) {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        // The panic itself is reported by the panic hook; the log says what it means.
        if AssertUnwindSafe(work()).catch_unwind().await.is_err() {
            tracing::error!("a background task panicked; it is started again soon");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::application::ports::PresenceNews;
    use crate::application::test_world::{World, demo, other};

    #[tokio::test]
    async fn rooms_are_swept_whatever_the_policy() {
        let mut world = World::new();
        world.rooms.expect_sweep().once().return_const(());
        every_second(&world.build().app);
    }

    #[tokio::test]
    async fn what_other_servers_tell_of_viewers_is_told_to_those_who_ask() {
        let mut world = World::new();
        world.presence.expect_viewers().return_const(7_usize);
        let news = || PresenceNews {
            viewers: HashSet::from([demo(), other()]),
            ..PresenceNews::default()
        };
        world.presence.expect_news().returning(news);
        let scene = world.build();
        scene.app.viewer_counts.asked(&demo());
        for _ in 0..2 {
            every_second(&scene.app);
        }
        let told = "publish presence ana/demo: viewers 7";
        assert_eq!(scene.journal.take(), [told; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_a_background_task_does_not_end_it() {
        let (rounds, seen) = (Arc::new(AtomicUsize::new(0)), tokio::sync::Notify::new());
        let seen = Arc::new(seen);
        let task = tokio::spawn(every(Duration::from_secs(1), {
            let (rounds, seen) = (Arc::clone(&rounds), Arc::clone(&seen));
            move || {
                let round = rounds.fetch_add(1, Ordering::Relaxed);
                let seen = Arc::clone(&seen);
                async move {
                    assert_ne!(round, 0, "the first round panics");
                    seen.notify_one();
                }
            }
        }));
        seen.notified().await;
        task.abort();
        assert!(rounds.load(Ordering::Relaxed) >= 2);
    }
}
