//! What has to be done from time to time, no matter who is connected.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{MissedTickBehavior, interval};

use crate::application::files::streamer_grace::delete_abandoned_projects;
use crate::application::pull_requests::apply_notices::withdraw_late;
use crate::application::service::Application;

const SECOND: Duration = Duration::from_secs(1);

/// Does each second what is due. Never ends by itself.
pub async fn tidy(app: Arc<Application>) {
    let tidy = move || {
        let app = Arc::clone(&app);
        async move { every_second(&app) }
    };
    every(SECOND, tidy).await;
}

/// What is due each second. Returns at once.
pub(crate) fn every_second(app: &Arc<Application>) {
    let now = app.uptime();
    app.ports.rooms.sweep(now);
    app.moderations.sweep(now);
    delete_abandoned_projects(app, now);
    withdraw_late(&app.apply_questions, &*app.ports.events, now);
    app.viewer_counts
        .tell(&*app.ports.presence, &*app.ports.events);
}

/// Does `work` after each `period`, and goes on where it panics.
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::application::test_world::World;

    #[tokio::test]
    async fn rooms_are_swept_whatever_the_policy() {
        let mut world = World::new();
        world.rooms.expect_sweep().once().return_const(());
        every_second(&world.build().app);
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
