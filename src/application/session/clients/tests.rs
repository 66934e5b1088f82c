use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::*;
use crate::application::session::disconnect::SessionGuard;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, Scene, World, authenticate, is_unauthorized, new_session, separately, streaming,
    viewing,
};
use crate::domain::Sections;

const OTHER: &str = "ana:ana/other";

/// A client that has finished once this is set.
#[derive(Default)]
struct Finishes(AtomicBool);

impl Finishes {
    fn finish(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Client for Finishes {
    fn has_finished(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection without roles.
fn connected(scene: &Scene, number: u64) -> (SessionGuard, Arc<Finishes>) {
    let client = Arc::<Finishes>::default();
    let (app, session) = (Arc::clone(&scene.app), new_session(number));
    let guard = SessionGuard::new(app, session, Arc::<Finishes>::clone(&client));
    (guard, client)
}

/// Connection `number`, which streams the project of `token`.
async fn streamer(scene: &Scene, number: u64, token: &str) -> (SessionGuard, Arc<Finishes>) {
    let (mut guard, client) = connected(scene, number);
    stream(scene, &mut guard.session, token).await;
    (guard, client)
}

async fn stream(scene: &Scene, session: &mut Session, token: &str) {
    let (_, project) = token.split_once(':').expect("a project");
    let command = authenticate(token, streaming(project));
    scene.ask(session, command).await.expect("allowed");
}

/// Whether a new connection that is to stream the project waits.
fn waits(scene: &Scene, number: u64) -> bool {
    let (mut new, _) = connected(scene, number);
    let asked = stream(scene, &mut new.session, ANA);
    asked.now_or_never().is_none()
}

#[tokio::test]
async fn a_streamer_waits_for_the_end_of_their_connections_that_have_finished() {
    let scene = World::new().build();
    let (ended, client) = streamer(&scene, 1, ANA).await;
    let (_staying, _) = streamer(&scene, 2, ANA).await;
    let (_elsewhere, other) = streamer(&scene, 3, OTHER).await;
    client.finish();
    other.finish();
    let (mut again, _) = connected(&scene, 4);
    let mut waiting = Box::pin(stream(&scene, &mut again.session, ANA));
    assert!((&mut waiting).now_or_never().is_none());
    drop(ended);
    assert!(waiting.now_or_never().is_some());
}

#[tokio::test]
async fn nobody_waits_for_what_may_still_go_on_or_concerns_another_project() {
    let scene = World::new().build();
    let (_staying, _) = streamer(&scene, 1, ANA).await;
    let (_elsewhere, elsewhere) = streamer(&scene, 2, OTHER).await;
    let (mut moved, moved_client) = streamer(&scene, 3, ANA).await;
    stream(&scene, &mut moved.session, OTHER).await;
    let (mut failed, failed_client) = streamer(&scene, 4, ANA).await;
    let garbage = authenticate("garbage", Sections::default());
    assert!(scene.ask(&mut failed.session, garbage).await.is_err());
    for client in [elsewhere, moved_client, failed_client] {
        client.finish();
    }
    assert!(!waits(&scene, 5));
}

#[tokio::test]
async fn only_who_becomes_the_streamer_waits() {
    let scene = World::new().build();
    let (_ended, client) = streamer(&scene, 1, ANA).await;
    let (mut streams, _) = streamer(&scene, 2, ANA).await;
    client.finish();
    let asked = stream(&scene, &mut streams.session, ANA);
    assert!(asked.now_or_never().is_some(), "it streams already");
    for (token, sections) in [
        (BOB, viewing("bob", "ana/demo")),
        ("garbage", streaming("ana/demo")),
        (BOB, streaming("ana/demo")),
    ] {
        let (mut other, _) = connected(&scene, 3);
        let asked = scene.ask(&mut other.session, authenticate(token, sections));
        assert!(asked.now_or_never().is_some(), "{token}");
    }
}

#[tokio::test]
async fn who_waits_is_waited_for_by_later_connections_and_never_by_earlier_ones() {
    let scene = World::new().build();
    let (first, first_client) = streamer(&scene, 1, ANA).await;
    let (mut earlier, earlier_client) = connected(&scene, 2);
    let (mut second, second_client) = connected(&scene, 3);
    let (mut third, _) = connected(&scene, 4);
    first_client.finish();
    let mut second_waits = Box::pin(stream(&scene, &mut second.session, ANA));
    assert!((&mut second_waits).now_or_never().is_none());
    // It has sent all that it wants to, and is still served.
    second_client.finish();
    earlier_client.finish();
    let mut third_waits = Box::pin(stream(&scene, &mut third.session, ANA));
    assert!((&mut third_waits).now_or_never().is_none());
    drop(first);
    assert!(second_waits.now_or_never().is_some());
    assert!(
        (&mut third_waits).now_or_never().is_none(),
        "for the second"
    );
    let asked = stream(&scene, &mut earlier.session, ANA);
    assert!(
        asked.now_or_never().is_some(),
        "it was made before the second"
    );
    drop((earlier, second));
    assert!(third_waits.now_or_never().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_streamer_waits_for_five_seconds_at_most() {
    let scene = World::new().build();
    let (_ended, client) = streamer(&scene, 1, ANA).await;
    client.finish();
    let (mut again, _) = connected(&scene, 2);
    let begun = Instant::now();
    stream(&scene, &mut again.session, ANA).await;
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[tokio::test]
async fn a_token_that_expires_during_the_wait_gives_no_role() {
    let scene = World::new().build();
    let (ended, client) = streamer(&scene, 1, ANA).await;
    client.finish();
    let (mut again, _) = connected(&scene, 2);
    let command = authenticate("ana:ana/demo,exp=1001", streaming("ana/demo"));
    let mut waiting = Box::pin(scene.ask(&mut again.session, command));
    assert!((&mut waiting).now_or_never().is_none());
    scene.at(1_002);
    drop(ended);
    let answer = waiting.now_or_never().expect("at once");
    assert!(is_unauthorized(&answer));
    assert!(!again.session.is_authenticated());
}

#[tokio::test]
async fn one_that_is_refused_another_project_counts_as_the_streamers_of_its_own() {
    let scene = World::new().build();
    let (mut refused, client) = streamer(&scene, 1, ANA).await;
    let (ended, ended_client) = streamer(&scene, 0, OTHER).await;
    ended_client.finish();
    let command = separately(Some("ana:ana/other,exp=1001"), streaming("ana/other"));
    let mut waiting = Box::pin(scene.ask(&mut refused.session, command));
    assert!((&mut waiting).now_or_never().is_none());
    scene.at(1_002);
    drop(ended);
    assert!(waiting.now_or_never().expect("at once").is_err());
    client.finish();
    assert!(waits(&scene, 2));
}

#[tokio::test]
async fn nothing_is_kept_of_connections_that_have_ended() {
    let scene = World::new().build();
    for number in 0..3 {
        let (_guard, client) = streamer(&scene, number, ANA).await;
        client.finish();
    }
    let state = lock(&scene.app.clients.0);
    assert!(state.all.is_empty() && state.streaming.is_empty());
}
