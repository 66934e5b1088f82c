use crate::application::command::{Command, RequestKind};
use crate::application::files::test_upload_runs::{
    FULL, POSTED, WAITS, off_by_one, posts, settle, stored, told, waits,
};
use crate::application::reply::Reply;
use crate::application::session::expiry::expire_uploads;
use crate::application::test_world::{START, World, delete, demo, desktop_part, get, is_bad, part};

#[tokio::test]
async fn the_desktop_clients_upload_is_whole_at_once_when_padded() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (desktop_part("/a", FULL, 1, 3), WAITS),
        (desktop_part("/a", FULL - 1, 2, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
    assert!(!session.uploads.has_perhaps_whole());
    assert_eq!(
        stored(&scene),
        [format!("put ana/demo /a {} bytes", 2 * FULL - 1)]
    );
}

#[tokio::test]
async fn the_desktop_clients_upload_is_whole_by_another_message_silence_or_close() {
    let others: [fn() -> Option<Command>; 7] = [
        || None,
        || Some(Command::ChatMembers),
        || {
            Some(Command::Malformed(crate::application::BadParameters::new(
                "what?",
            )))
        },
        || Some(get(demo(), "/", true)),
        || Some(desktop_part("/b", FULL, 3, 3)),
        || Some(desktop_part("/a", FULL, 1, 3)),
        || Some(desktop_part("/a", FULL, 3, 4)),
    ];
    for next in others {
        let next = next();
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        off_by_one(&scene, &mut session, "/a").await;
        assert!(session.uploads.has_perhaps_whole());
        let settled = settle(&scene, &mut session, next.as_ref()).await;
        assert_eq!(settled, Some(Ok(vec![Reply::FilePosted])), "{next:?}");
        assert_eq!(
            stored(&scene),
            [format!("put ana/demo /a {} bytes", 2 * FULL)]
        );
        assert!(!session.uploads.has_perhaps_whole());
        assert_eq!(settle(&scene, &mut session, None).await, None, "only once");
    }
}

#[tokio::test]
async fn the_desktop_clients_last_part_completes_the_upload_when_it_comes() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    off_by_one(&scene, &mut session, "/a").await;
    let last = desktop_part("/a", 5, 3, 3);
    assert_eq!(settle(&scene, &mut session, Some(&last)).await, None);
    posts(&scene, &mut session, last).await;
    assert_eq!(
        stored(&scene),
        [format!("put ana/demo /a {} bytes", 2 * FULL + 5)]
    );
}

#[tokio::test]
async fn a_last_part_that_comes_after_all_completes_the_upload_again() {
    let scene = World::limited(|limits| limits.max_open_uploads = 1).build();
    let mut session = scene.streamer().await;
    off_by_one(&scene, &mut session, "/a").await;
    settle(&scene, &mut session, None)
        .await
        .expect("settled")
        .expect("stored");
    // Kept outside the limits.
    waits(&scene, &mut session, part("/other", "one", 1, 2)).await;
    let last = desktop_part("/a", 5, 3, 3);
    posts(&scene, &mut session, last).await;
    let lengths = [2 * FULL, 2 * FULL + 5].map(|bytes| format!("put ana/demo /a {bytes} bytes"));
    assert_eq!(stored(&scene), lengths);
}

#[tokio::test]
async fn only_the_latest_settled_upload_is_kept() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    for name in ["/a", "/b"] {
        off_by_one(&scene, &mut session, name).await;
        settle(&scene, &mut session, None)
            .await
            .expect("settled")
            .expect("stored");
    }
    let steps = vec![
        (desktop_part("/a", 5, 3, 3), WAITS),
        (desktop_part("/b", 5, 3, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn a_part_that_is_refused_leaves_the_kept_upload() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    off_by_one(&scene, &mut session, "/a").await;
    settle(&scene, &mut session, None)
        .await
        .expect("settled")
        .expect("stored");
    for wrong in [desktop_part("/a", 5, 7, 3), desktop_part("/a", 5, 0, 3)] {
        assert!(is_bad(&scene.ask(&mut session, wrong).await));
    }
    let last = desktop_part("/a", 5, 3, 3);
    posts(&scene, &mut session, last).await;
}

#[tokio::test]
async fn a_kept_upload_ends_by_a_new_beginning_a_deletion_or_time() {
    for end in ["anew", "delete", "time"] {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        off_by_one(&scene, &mut session, "/a").await;
        settle(&scene, &mut session, None)
            .await
            .expect("settled")
            .expect("stored");
        match end {
            "anew" => {
                let first = desktop_part("/a", FULL, 1, 3);
                waits(&scene, &mut session, first).await;
            }
            "delete" => {
                scene
                    .ask(&mut session, delete("/a"))
                    .await
                    .expect("it is there");
            }
            _ => {
                scene.at(START + 300);
                expire_uploads(&scene.app, &mut session);
            }
        }
        stored(&scene);
        let last = desktop_part("/a", 5, 3, 3);
        waits(&scene, &mut session, last).await;
        assert!(stored(&scene).is_empty(), "{end}");
    }
}

#[tokio::test]
async fn what_is_not_quite_like_the_desktop_client_waits_for_its_last_part() {
    let cases: [(&str, Vec<Command>); 4] = [
        (
            "text messages",
            vec![
                part("/a", &"x".repeat(FULL), 1, 3),
                part("/a", &"x".repeat(FULL), 2, 3),
            ],
        ),
        (
            "out of order",
            vec![
                desktop_part("/a", FULL, 2, 3),
                desktop_part("/a", FULL, 1, 3),
            ],
        ),
        (
            "shorter parts",
            vec![
                desktop_part("/a", FULL - 3, 1, 3),
                desktop_part("/a", FULL, 2, 3),
            ],
        ),
        ("two missing", vec![desktop_part("/a", FULL, 1, 3)]),
    ];
    for (why, commands) in cases {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        told(
            &scene,
            &mut session,
            commands
                .into_iter()
                .map(|command| (command, WAITS))
                .collect(),
        )
        .await;
        assert!(!session.uploads.has_perhaps_whole(), "{why}");
        assert_eq!(settle(&scene, &mut session, None).await, None, "{why}");
    }
}

#[tokio::test]
async fn the_off_by_one_is_the_same_inside_a_draft() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    off_by_one(&scene, &mut session, "/a").await;
    let finish = Command::FinishPullRequest;
    let settled = settle(&scene, &mut session, Some(&finish)).await;
    assert_eq!(settled, Some(Ok(vec![Reply::FilePosted])));
    let last = desktop_part("/a", 5, 3, 3);
    posts(&scene, &mut session, last).await;
    let lengths = [2 * FULL, 2 * FULL + 5].map(|bytes| format!("draft put /a {bytes} bytes"));
    assert_eq!(stored(&scene), lengths);
    let answer = scene.ask(&mut session, finish).await;
    assert_eq!(
        answer,
        Ok(vec![Reply::Done(RequestKind::FinishPullRequest)])
    );
}
