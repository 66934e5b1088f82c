use super::*;
use crate::application::auth::authenticate::withdraw_expired;
use crate::application::connection_id::ConnectionId;
use crate::application::files::post_file::settle_upload;
use crate::application::session::expiry::expire_uploads;
use crate::application::session::expiry::next_deadline;
use crate::application::session::expiry::open_updated;
use crate::application::test_world::{
    EXPIRY, START, World, demo, desktop_part, disk_full, part, path,
};

#[tokio::test]
async fn a_connection_without_a_token_or_uploads_has_no_deadline() {
    let scene = World::new().build();
    let session = Session::new(ConnectionId(1));
    assert_eq!(next_deadline(&scene.app, &session), None);
}

#[tokio::test]
async fn the_next_deadline_is_the_nearest() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let next = |session: &Session| next_deadline(&scene.app, session);
    assert_eq!(next(&session), Some(Duration::from_secs(EXPIRY - START)));
    scene
        .ask(&mut session, part("/a", "one", 1, 2))
        .await
        .expect("ok");
    assert_eq!(
        next(&session),
        Some(Duration::from_secs(300)),
        "it may grow no more"
    );
    scene.at(START + 100);
    assert_eq!(next(&session), Some(Duration::from_secs(200)));
    let desktop = desktop_part("/b", 375, 1, 2);
    scene.ask(&mut session, desktop).await.expect("ok");
    assert!(session.awaits_silence());
    assert_eq!(
        next(&session),
        Some(Duration::from_secs(200)),
        "the silence is the caller's to measure"
    );
    settle_upload(&scene.app, &mut session, None)
        .await
        .expect("it is");
    assert!(!session.awaits_silence());
    scene.at(START + 300);
    assert_eq!(next(&session), Some(Duration::from_secs(0)));
    expire_uploads(&scene.app, &mut session);
    assert_eq!(
        next(&session),
        Some(Duration::from_secs(100)),
        "the settled one is kept as long"
    );
    scene.at(START + 400);
    expire_uploads(&scene.app, &mut session);
    assert_eq!(
        next(&session),
        Some(Duration::from_secs(EXPIRY - START - 400))
    );
    scene.at(EXPIRY + 1);
    assert_eq!(next(&session), Some(Duration::from_secs(0)));
    withdraw_expired(&scene.app, &mut session);
    assert_eq!(next(&session), None, "told once");
}

#[tokio::test]
async fn an_update_is_opened_in_its_newest_version_or_gone_or_unreadable() {
    let mut world = World::new();
    let gone = |_: &ProjectId, _: &FilePath| Err(StoreError::NotFound);
    let fails = |_: &ProjectId, _: &FilePath| Err(disk_full());
    world.projects.expect_open_file().once().returning(gone);
    world.projects.expect_open_file().once().returning(fails);
    let scene = world.build();
    let (project, file) = (demo(), path("/a"));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Ok(None)));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Err(StoreError::Failed(_))));
    let opened = open_updated(&scene.app, &project, &file).await;
    assert!(matches!(opened, Ok(Some(_))));
}
