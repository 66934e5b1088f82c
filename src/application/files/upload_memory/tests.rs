use crate::application::command::{Command, PartOf};
use crate::application::files::change_outlives_connection::Commit;
use crate::application::files::test_upload_runs::{
    FULL, WAITS, off_by_one, posts, settle, stored, told, waits,
};
use crate::application::outcome::CommandOutcome;
use crate::application::request_error::RequestError;
use crate::application::session::dispatch::execute;
use crate::application::test_world::{
    World, authenticate, delete, demo, disk_full, part, post_bytes, viewing,
};
use crate::domain::Sections;
use crate::domain::WriteTarget;

const SPILL: usize = 256 * 1_024;

fn big(number: u32, bytes: usize) -> Command {
    let part = PartOf {
        number: Some(number),
        count: 3,
    };
    post_bytes("/big", vec![b'x'; bytes], Some(part))
}

#[tokio::test]
async fn a_large_upload_waits_in_staging_and_not_in_memory() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let light = big(1, SPILL - 4);
    waits(&scene, &mut session, light).await;
    assert!(scene.journal.take().is_empty(), "not yet heavy");
    waits(&scene, &mut session, big(2, 3)).await;
    assert!(scene.journal.take().is_empty(), "one byte short");
    waits(&scene, &mut session, big(2, 6)).await;
    let staged = [SPILL - 1, 6].map(|bytes| format!("stage 1 +{bytes}"));
    assert_eq!(scene.journal.take(), staged);
    let CommandOutcome::Commit(commit) = execute(&scene.app, &mut session, big(3, 9)).await else {
        panic!("it is whole");
    };
    assert_eq!(Commit::bytes(&commit), 9, "only the tail is in memory");
    scene.commit(commit).await.expect("stored");
    let total = SPILL - 4 + 6 + 9;
    assert_eq!(
        scene.journal.take(),
        [
            format!("put ana/demo /big {total} bytes staged, movable"),
            "publish updates ana/demo but #1: updated /big v1 by name".to_owned(),
            "unstage 1".to_owned(),
        ],
        "staged bytes are kept until they have been stored"
    );
}

#[tokio::test]
async fn what_was_staged_is_forgotten_with_its_upload() {
    type End = fn() -> Command;
    let ends: [(&str, End); 5] = [
        ("deleted", || delete("/big")),
        ("begun anew", || big(1, 3)),
        ("over a limit", || big(3, 999_999)),
        ("failed to authenticate", || {
            authenticate("garbage", Sections::default())
        }),
        ("another's token", || {
            authenticate("bob:ana/demo", viewing("bob", "ana/demo"))
        }),
    ];
    for (why, end) in ends {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        waits(&scene, &mut session, big(1, SPILL)).await;
        scene.journal.take();
        let _ = scene.ask(&mut session, end()).await;
        assert!(
            scene.journal.take().contains(&"unstage 1".to_owned()),
            "{why}"
        );
    }
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    waits(&scene, &mut session, big(1, SPILL)).await;
    scene.journal.take();
    drop(session);
    assert_eq!(
        scene.journal.take(),
        ["unstage 1"],
        "the connection is gone"
    );
}

/// The first of three parts of a file: just too small to be staged on its own account.
fn light(number: usize) -> Command {
    let part = PartOf {
        number: Some(1),
        count: 3,
    };
    post_bytes(&format!("/u{number}"), vec![b'x'; LIGHT], Some(part))
}

const LIGHT: usize = 255 * 1_024;

#[tokio::test]
async fn what_gathers_of_all_uploads_of_a_connection_is_bounded_together() {
    let scene = World::limited(|limits| {
        limits.max_open_uploads = 256;
        limits.max_open_upload_bytes = 1 << 30;
    })
    .build();
    let mut session = scene.author().await;
    let before = session.account.held();
    for number in 0..4 {
        waits(&scene, &mut session, light(number)).await;
    }
    assert!(scene.journal.take().is_empty(), "4 × 255 KiB may gather");
    let rest = 4 * 1_024;
    let small = |bytes: usize| {
        let part = PartOf {
            number: Some(1),
            count: 3,
        };
        post_bytes("/small", vec![b'x'; bytes], Some(part))
    };
    waits(&scene, &mut session, small(rest)).await;
    assert!(scene.journal.take().is_empty(), "exactly 1 MiB may gather");
    let full = session.account.held() - before;
    assert!((1 << 20..(1 << 20) + 4_096).contains(&full), "{full}");
    // From here on each part is staged, whatever its size.
    waits(&scene, &mut session, part("/tiny", "1", 1, 3)).await;
    assert_eq!(scene.journal.take(), ["stage 1 +1"]);
    for number in 4..250 {
        waits(&scene, &mut session, light(number)).await;
    }
    assert_eq!(scene.journal.take().len(), 246);
    let held = session.account.held() - before;
    assert!(held < (1 << 20) + 256 * 1_024, "255 uploads hold {held}");
    // A part that finds no room is staged with its upload's earlier parts, which makes room.
    let second = part("/u0", "12", 2, 3);
    waits(&scene, &mut session, second).await;
    let staged = [LIGHT, 2].map(|bytes| format!("stage 248 +{bytes}"));
    assert_eq!(scene.journal.take(), staged);
    let tiny = part("/tiny2", "1", 1, 3);
    waits(&scene, &mut session, tiny).await;
    assert!(scene.journal.take().is_empty(), "there is room again");
    drop(session.draft.take());
    session.uploads.retain(|_| false);
    assert_eq!(session.account.held(), 0, "all is given back");
}

#[tokio::test]
async fn parts_are_staged_at_once_where_the_account_has_no_room() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    waits(&scene, &mut session, light(1)).await;
    assert!(scene.journal.take().is_empty());
    let others = session.account.reserve(256 << 20);
    waits(&scene, &mut session, part("/a", "one", 1, 2)).await;
    assert_eq!(scene.journal.take(), ["stage 1 +3"]);
    drop(others);
    waits(&scene, &mut session, part("/b", "one", 1, 2)).await;
    assert!(scene.journal.take().is_empty(), "there is room again");
    posts(&scene, &mut session, part("/a", "two", 2, 2)).await;
    assert_eq!(stored(&scene), ["put ana/demo /a 6 bytes staged, movable"]);
}

#[tokio::test]
async fn the_kept_upload_of_the_desktop_client_is_reserved() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    off_by_one(&scene, &mut session, "/a").await;
    settle(&scene, &mut session, None)
        .await
        .expect("settled")
        .expect("stored");
    assert!(session.account.held() >= 2 * FULL);
    session.uploads.retain(|_| false);
    assert_eq!(session.account.held(), 0);
}

#[tokio::test]
async fn content_stays_reserved_until_it_is_stored() {
    let whole = || post_bytes("/a", vec![b'x'; 100_000], None);
    let in_parts = || part("/b", &"x".repeat(100_000), 1, 1);
    for command in [whole(), in_parts()] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let execution = execute(&scene.app, &mut session, command).await;
        let CommandOutcome::Commit(commit) = execution else {
            panic!("it is whole");
        };
        assert_eq!(session.account.held(), 100_000);
        scene.commit(commit).await.expect("stored");
        assert_eq!(session.account.held(), 0);
    }
}

#[tokio::test]
async fn an_upload_that_cannot_be_staged_has_ended() {
    let mut world = World::new();
    let fails = |_, _| Err(disk_full());
    world.uploads.expect_append().once().returning(fails);
    let scene = world.build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (big(1, SPILL), Err(&RequestError::UnwritableFile)),
        // They were already on their way.
        (big(2, 3), WAITS),
        (big(3, 3), Err(&RequestError::UnwritableFile)),
    ];
    told(&scene, &mut session, steps).await;
    assert_eq!(scene.journal.take(), ["unstage 1"]);
    let uploads = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert!(uploads.is_empty(), "no other upload has begun");
}
