use super::*;
use crate::application::files::post_file::settle_upload;
use crate::application::session::expiry::expire_uploads;
use crate::application::session::expiry::next_deadline;
use crate::application::session::expiry::withdraw_expired;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, START, Scene, World, authenticate, chatting, desktop_part, new_session, part,
    streaming, viewing,
};
use crate::domain::Sections;

#[tokio::test]
async fn a_connection_without_a_token_or_uploads_has_no_deadline() {
    let scene = World::new().build();
    let session = new_session(1);
    assert_eq!(next_deadline(&scene.app, &session), None);
}

/// A world in which an upload may be idle for 40 s.
fn impatient() -> World {
    World::limited(|limits| limits.upload_idle = Duration::from_secs(40))
}

fn next(scene: &Scene, session: &Session) -> Option<u64> {
    let deadline = next_deadline(&scene.app, session);
    deadline.map(|deadline| deadline.as_secs())
}

#[tokio::test]
async fn the_next_deadline_is_the_nearest() {
    let scene = impatient().build();
    let mut session = scene.streamer().await;
    assert_eq!(next(&scene, &session), Some(60), "the clock may be set");
    let first = part("/a", "one", 1, 2);
    scene.ask(&mut session, first).await.expect("ok");
    assert_eq!(next(&scene, &session), Some(40), "it may grow no more");
    scene.at(START + 10);
    assert_eq!(next(&scene, &session), Some(30));
    let desktop = desktop_part("/b", 375, 1, 2);
    scene.ask(&mut session, desktop).await.expect("ok");
    assert!(session.uploads.has_perhaps_whole());
    assert_eq!(
        next(&scene, &session),
        Some(30),
        "the silence is the caller's to measure"
    );
    let settled = settle_upload(&scene.app, &mut session, None).await;
    settled.expect("it is");
    assert!(!session.uploads.has_perhaps_whole());
    scene.at(START + 40);
    assert_eq!(next(&scene, &session), Some(0));
    expire_uploads(&scene.app, &mut session);
    assert_eq!(
        next(&scene, &session),
        Some(10),
        "the settled one is kept as long"
    );
    scene.at(START + 50);
    expire_uploads(&scene.app, &mut session);
    for (now, left) in [
        (START + 50, 60),
        (EXPIRY - 61, 60),
        (EXPIRY - 60, 60),
        (EXPIRY - 59, 59),
        (EXPIRY + 1, 0),
    ] {
        scene.at(now);
        assert_eq!(next(&scene, &session), Some(left), "at {now}");
    }
    withdraw_expired(&scene.app, &mut session);
    assert_eq!(next(&scene, &session), None, "told once");
}

#[tokio::test]
async fn a_clock_that_is_set_ends_a_token_and_no_upload() {
    let mut world = impatient();
    world.policy.public.read = false;
    let scene = world.build();
    let mut session = scene.streamer().await;
    let first = part("/a", "one", 1, 2);
    scene.ask(&mut session, first).await.expect("ok");
    scene.set_clock(EXPIRY - 1);
    expire_uploads(&scene.app, &mut session);
    assert_eq!(withdraw_expired(&scene.app, &mut session), None);
    assert_eq!(next(&scene, &session), Some(1));
    scene.set_clock(0);
    assert_eq!(
        next(&scene, &session),
        Some(40),
        "the upload is still there"
    );
    scene.set_clock(EXPIRY);
    assert!(withdraw_expired(&scene.app, &mut session).is_some());
    expire_uploads(&scene.app, &mut session);
    assert_eq!(
        next(&scene, &session),
        Some(40),
        "the upload is still there"
    );
}

#[tokio::test]
async fn a_token_that_expires_is_told_only_where_a_room_or_updates_are_withdrawn() {
    for (public, sections, token, is_told) in [
        (true, streaming("ana/demo"), ANA, false),
        (true, viewing("bob", "ana/demo"), BOB, false),
        (true, chatting("bob", "ana/demo"), BOB, true),
        (false, streaming("ana/demo"), ANA, true),
        (false, viewing("bob", "ana/demo"), BOB, true),
        (false, Sections::default(), BOB, false),
    ] {
        let mut world = World::new();
        world.policy.public.read = public;
        let scene = world.build();
        scene.streamer().await;
        let mut session = new_session(7);
        let command = authenticate(token, sections);
        scene.ask(&mut session, command).await.expect("in");
        scene.at(EXPIRY);
        let told = withdraw_expired(&scene.app, &mut session);
        assert_eq!(told.is_some(), is_told, "{token}, public: {public}");
        assert_eq!(withdraw_expired(&scene.app, &mut session), None, "once");
    }
}
