use crate::application::command::{Command, PartOf};
use crate::application::files::commit::Commit;
use crate::application::files::post_file::settle_upload;
use crate::application::outcome::CommandOutcome;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::dispatch::execute;
use crate::application::session::expiry::expire_uploads;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, DESKTOP_PART_BYTES, EXPIRY, START, Scene, World, authenticate, creation, delete, demo,
    desktop_part, disk_full, get, is_bad, is_unauthorized, over, part, path, post, post_bytes,
    streaming, viewing,
};
use crate::domain::{FilePath, Sections, WriteTarget};

const POSTED: Result<&[Reply], &RequestError> = Ok(&[Reply::FilePosted]);
const WAITS: Result<&[Reply], &RequestError> = Ok(&[]);

/// Carries out one command after the other and compares what each is answered.
async fn told(
    scene: &Scene,
    session: &mut Session,
    steps: Vec<(Command, Result<&[Reply], &RequestError>)>,
) {
    for (command, expected) in steps {
        let shown = format!("{command:?}");
        let answer = scene.ask(session, command).await;
        assert_eq!(answer.as_deref(), expected, "{shown}");
    }
}

fn lowest(name: &str, content: &str, count: u32) -> Command {
    let part = PartOf {
        number: None,
        count,
    };
    post_bytes(name, content.as_bytes().to_vec(), Some(part))
}

/// The journal's entries about what was stored.
fn stored(scene: &Scene) -> Vec<String> {
    let mut journal = scene.journal.take();
    journal.retain(|entry| entry.starts_with("put") || entry.starts_with("draft put"));
    journal
}

#[tokio::test]
async fn a_whole_post_is_stored_as_it_came() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    told(
        &scene,
        &mut session,
        vec![(post("/a", "whole"), POSTED), (post("/b", ""), POSTED)],
    )
    .await;
    assert_eq!(
        stored(&scene),
        ["put ana/demo /a \"whole\"", "put ana/demo /b \"\""]
    );
}

#[tokio::test]
async fn a_whole_post_leaves_an_upload_of_the_same_name_alone() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (part("/a", "one", 1, 2), WAITS),
        (post("/a", "whole"), POSTED),
        (part("/a", "two", 2, 2), POSTED),
    ];
    told(&scene, &mut session, steps).await;
    assert_eq!(
        stored(&scene).last().expect("stored"),
        "put ana/demo /a \"onetwo\""
    );
}

#[tokio::test]
async fn parts_in_any_order_make_the_content_in_theirs() {
    let scene = World::new().build();
    let orders = [
        [1, 2, 3],
        [1, 3, 2],
        [2, 1, 3],
        [2, 3, 1],
        [3, 1, 2],
        [3, 2, 1],
    ];
    let mut session = scene.streamer().await;
    for order in orders {
        let steps = order.iter().enumerate().map(|(at, number)| {
            let content = ["one", "two", "end"][*number as usize - 1];
            let expected = if at == 2 { POSTED } else { WAITS };
            (part("/a", content, *number, 3), expected)
        });
        told(&scene, &mut session, steps.collect()).await;
        assert_eq!(
            stored(&scene),
            ["put ana/demo /a \"onetwoend\""],
            "{order:?}"
        );
    }
}

#[tokio::test]
async fn the_rules_of_parts() {
    let cases: [(&str, Vec<Command>, &str); 7] = [
        (
            "files interleave",
            vec![
                part("/a", "123", 1, 2),
                part("/b", "x", 1, 2),
                part("/a", "456", 2, 2),
            ],
            "123456",
        ),
        ("one part is whole", vec![part("/a", "only", 1, 1)], "only"),
        (
            "maxPart alone is the lowest missing",
            vec![
                part("/a", "two", 2, 3),
                lowest("/a", "one", 3),
                lowest("/a", "end", 3),
            ],
            "onetwoend",
        ),
        (
            "a part again replaces it",
            vec![
                part("/a", "no!", 2, 3),
                part("/a", "two", 2, 3),
                part("/a", "end", 3, 3),
                part("/a", "one", 1, 3),
            ],
            "onetwoend",
        ),
        (
            "part 1 again starts anew",
            vec![
                part("/a", "old", 1, 3),
                part("/a", "old", 2, 3),
                part("/a", "new", 1, 2),
                part("/a", "end", 2, 2),
            ],
            "newend",
        ),
        (
            "part 1 that had not come does not",
            vec![part("/a", "end", 2, 2), part("/a", "one", 1, 2)],
            "oneend",
        ),
        (
            "an empty part is a part",
            vec![part("/a", "one", 1, 2), part("/a", "", 2, 2)],
            "one",
        ),
    ];
    for (rule, commands, content) in cases {
        let scene = World::new().build();
        let mut session = scene.streamer().await;
        let last = commands.len() - 1;
        let steps = commands.into_iter().enumerate();
        let steps = steps.map(|(at, command)| (command, if at == last { POSTED } else { WAITS }));
        told(&scene, &mut session, steps.collect()).await;
        assert_eq!(
            stored(&scene),
            [format!("put ana/demo /a {content:?}")],
            "{rule}"
        );
    }
}

#[tokio::test]
async fn a_part_that_contradicts_is_400_and_the_upload_stays() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let first = part("/a", "one", 1, 3);
    told(&scene, &mut session, vec![(first, WAITS)]).await;
    let contradictions = [
        part("/a", "two", 4, 3),
        part("/a", "two", 0, 3),
        part("/a", "two", 2, 4),
        lowest("/a", "two", 2),
        part("/a", "two", 5, 4),
        part("/a", "new", 1, 0),
    ];
    for command in contradictions {
        let shown = format!("{command:?}");
        let answer = scene.ask(&mut session, command).await;
        assert!(is_bad(&answer), "{shown}: {answer:?}");
    }
    let steps = vec![
        (part("/a", "two", 2, 3), WAITS),
        (part("/a", "end", 3, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
    assert_eq!(stored(&scene), ["put ana/demo /a \"onetwoend\""]);
    let alone = scene.ask(&mut session, part("/b", "x", 3, 2)).await;
    assert!(is_bad(&alone), "a first part is no exception");
    assert!(
        session
            .uploads
            .names_into(&WriteTarget::Project(demo()))
            .is_empty()
    );
}

#[tokio::test]
async fn a_file_may_be_as_long_as_the_limit_and_no_longer() {
    let scene = World::limited(|limits| limits.max_file_bytes = 9).build();
    let mut session = scene.streamer().await;
    let refusal = over("maxFileBytes", 9);
    let steps = vec![
        (post("/a", "123456789"), POSTED),
        (post("/a", "123456789+"), Err(&refusal)),
        (part("/a", "123456", 1, 2), WAITS),
        (part("/a", "789", 2, 2), POSTED),
        (part("/a", "123456", 1, 2), WAITS),
        (part("/a", "789+", 2, 2), Err(&refusal)),
        // That ended the upload: this one begins another.
        (part("/a", "789", 2, 2), WAITS),
        (part("/a", "123456", 1, 2), POSTED),
        // What is replaced does not count.
        (part("/a", "123456", 2, 3), WAITS),
        (part("/a", "123", 2, 3), WAITS),
        (part("/a", "123456", 1, 3), WAITS),
        (part("/a", "", 3, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn parts_on_their_way_behind_a_refused_one_begin_no_other_upload() {
    let scene = World::limited(|limits| {
        limits.max_file_bytes = 9;
        limits.max_open_uploads = 1;
    })
    .build();
    let mut session = scene.streamer().await;
    let refusal = over("maxFileBytes", 9);
    let steps = vec![
        (part("/a", "123456", 1, 5), WAITS),
        (part("/a", "123456", 2, 5), Err(&refusal)),
        (part("/a", "123456", 3, 5), WAITS),
        // There is room for another.
        (part("/b", "1", 1, 2), WAITS),
        (part("/a", "123456", 4, 5), WAITS),
        (part("/a", "123456", 5, 5), Err(&refusal)),
        (part("/b", "2", 2, 2), POSTED),
        // Nothing of it is left.
        (part("/a", "1", 1, 2), WAITS),
        (part("/a", "2", 2, 2), POSTED),
        (part("/a", "1234567890", 1, 1), Err(&refusal)),
    ];
    told(&scene, &mut session, steps).await;
    let beyond = scene.ask(&mut session, part("/a", "", 2, 1)).await;
    assert!(is_bad(&beyond), "no part follows the last: {beyond:?}");
}

#[tokio::test]
async fn uploads_may_be_as_many_as_the_limit_and_no_more() {
    let scene = World::limited(|limits| limits.max_open_uploads = 2).build();
    let mut session = scene.streamer().await;
    let refusal = over("maxOpenUploads", 2);
    let steps = vec![
        (part("/a", "123", 1, 3), WAITS),
        (part("/b", "123", 1, 3), WAITS),
        (part("/c", "123", 1, 3), Err(&refusal)),
        (part("/a", "456", 2, 3), WAITS),
        (part("/c", "123", 1, 1), POSTED),
        (part("/a", "789", 3, 3), POSTED),
        (part("/c", "123", 1, 3), WAITS),
    ];
    told(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn uploads_may_hold_as_many_bytes_as_the_limit_and_no_more() {
    let scene = World::limited(|limits| limits.max_open_upload_bytes = 9).build();
    let mut session = scene.streamer().await;
    let refusal = over("maxOpenUploadBytes", 9);
    let steps = vec![
        (part("/a", "123", 1, 3), WAITS),
        (part("/b", "123456", 1, 3), WAITS),
        // One byte too many, which ends that upload.
        (part("/a", "4", 3, 3), Err(&refusal)),
        (part("/a", "123", 1, 3), WAITS),
        // Anew is not more.
        (part("/a", "123", 1, 3), WAITS),
        (part("/c", "1", 2, 2), Err(&refusal)),
        // What completes waits no longer.
        (part("/c", "123456", 1, 1), POSTED),
    ];
    told(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn what_ends_with_a_deletion_leaves_room_for_others() {
    let scene = World::limited(|limits| {
        limits.max_open_upload_bytes = 9;
        limits.max_open_uploads = 1;
    })
    .build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (part("/a", "123456789", 1, 3), WAITS),
        (delete("/a"), Ok(&[Reply::FileDeleted])),
        (part("/b", "123456789", 1, 3), WAITS),
    ];
    told(&scene, &mut session, steps).await;
}

#[tokio::test]
async fn an_upload_of_another_name_or_connection_is_another() {
    let scene = World::new().build();
    let mut one = scene.streamer().await;
    let mut two = scene.connect(3, ANA, streaming("ana/demo")).await;
    told(&scene, &mut one, vec![(part("/a", "one", 1, 2), WAITS)]).await;
    told(&scene, &mut two, vec![(part("/a", "end", 2, 2), WAITS)]).await;
    told(&scene, &mut one, vec![(part("/b", "end", 2, 2), WAITS)]).await;
    assert!(stored(&scene).is_empty());
}

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
    told(&scene, &mut session, vec![(light, WAITS)]).await;
    assert!(scene.journal.take().is_empty(), "not yet heavy");
    told(&scene, &mut session, vec![(big(2, 3), WAITS)]).await;
    assert!(scene.journal.take().is_empty(), "one byte short");
    told(&scene, &mut session, vec![(big(2, 6), WAITS)]).await;
    assert_eq!(scene.journal.take(), [format!("stage 1 +{}", SPILL + 5)]);
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
            "unstage 1".to_owned(),
            "publish updates ana/demo but #1: updated /big v1 by name".to_owned(),
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
        told(&scene, &mut session, vec![(big(1, SPILL), WAITS)]).await;
        scene.journal.take();
        let _ = scene.ask(&mut session, end()).await;
        assert!(
            scene.journal.take().contains(&"unstage 1".to_owned()),
            "{why}"
        );
    }
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    told(&scene, &mut session, vec![(big(1, SPILL), WAITS)]).await;
    scene.journal.take();
    drop(session);
    assert_eq!(
        scene.journal.take(),
        ["unstage 1"],
        "the connection is gone"
    );
}

#[tokio::test]
async fn an_upload_that_cannot_be_staged_has_ended() {
    let mut world = World::new();
    let fails = |_, _| Err(disk_full());
    world.staging.expect_append().once().returning(fails);
    let scene = world.build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (big(1, SPILL), Err(&RequestError::UnwritableFile)),
        // They were on their way already.
        (big(2, 3), WAITS),
        (big(3, 3), Err(&RequestError::UnwritableFile)),
    ];
    told(&scene, &mut session, steps).await;
    assert_eq!(scene.journal.take(), ["unstage 1"]);
    let uploads = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert!(uploads.is_empty(), "no other upload has begun");
}

#[tokio::test]
async fn an_upload_that_does_not_grow_expires() {
    let scene = World::new().build();
    let mut session = scene
        .connect(1, "ana:ana/demo,exp=9999", streaming("ana/demo"))
        .await;
    told(
        &scene,
        &mut session,
        vec![
            (part("/a", "one", 1, 2), WAITS),
            (part("/b", "one", 1, 3), WAITS),
        ],
    )
    .await;
    scene.at(START + 200);
    told(&scene, &mut session, vec![(part("/b", "two", 2, 3), WAITS)]).await;
    for (second, left) in [
        (299, vec!["/a", "/b"]),
        (300, vec!["/b"]),
        (499, vec!["/b"]),
        (500, vec![]),
    ] {
        scene.at(START + second);
        expire_uploads(&scene.app, &mut session);
        let left: Vec<FilePath> = left.into_iter().map(path).collect();
        let open = session.uploads.names_into(&WriteTarget::Project(demo()));
        assert_eq!(open, left, "after {second} s");
    }
    told(&scene, &mut session, vec![(part("/a", "end", 2, 2), WAITS)]).await;
}

#[tokio::test]
async fn deleting_ends_the_uploads_of_that_name_and_below() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    for name in ["/d", "/d/b", "/d/e/c", "/dx", "/a"] {
        told(&scene, &mut session, vec![(part(name, "one", 1, 2), WAITS)]).await;
    }
    scene
        .ask(&mut session, delete("/d"))
        .await
        .expect("a folder");
    let left = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert_eq!(left, [path("/a"), path("/dx")]);
    let only_under_way = scene.ask(&mut session, delete("/dx")).await;
    assert_eq!(only_under_way, Err(RequestError::UnreadableFile));
    let left = session.uploads.names_into(&WriteTarget::Project(demo()));
    assert_eq!(left, [path("/a")]);
}

// The desktop client's off-by-one.

const FULL: usize = DESKTOP_PART_BYTES;

/// What the connection's next message, or `None`: its silence or end, makes of its uploads.
async fn settle(
    scene: &Scene,
    session: &mut Session,
    next: Option<&Command>,
) -> Option<Result<Vec<Reply>, RequestError>> {
    match settle_upload(&scene.app, session, next).await {
        Some(execution) => Some(scene.finish(execution).await),
        None => None,
    }
}

/// An upload of two full parts that announces three.
async fn off_by_one(scene: &Scene, session: &mut Session, name: &str) {
    for number in [1, 2] {
        let command = desktop_part(name, FULL, number, 3);
        assert_eq!(settle(scene, session, Some(&command)).await, None);
        told(scene, session, vec![(command, WAITS)]).await;
    }
}

#[tokio::test]
async fn the_desktop_clients_upload_is_whole_at_once_when_padded() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let steps = vec![
        (desktop_part("/a", FULL, 1, 3), WAITS),
        (desktop_part("/a", FULL - 1, 2, 3), POSTED),
    ];
    told(&scene, &mut session, steps).await;
    assert!(!session.awaits_silence());
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
        assert!(session.awaits_silence());
        let settled = settle(&scene, &mut session, next.as_ref()).await;
        assert_eq!(settled, Some(Ok(vec![Reply::FilePosted])), "{next:?}");
        assert_eq!(
            stored(&scene),
            [format!("put ana/demo /a {} bytes", 2 * FULL)]
        );
        assert!(!session.awaits_silence());
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
    told(&scene, &mut session, vec![(last, POSTED)]).await;
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
    told(
        &scene,
        &mut session,
        vec![(part("/other", "one", 1, 2), WAITS)],
    )
    .await;
    let last = desktop_part("/a", 5, 3, 3);
    told(&scene, &mut session, vec![(last, POSTED)]).await;
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
    told(&scene, &mut session, vec![(last, POSTED)]).await;
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
                told(&scene, &mut session, vec![(first, WAITS)]).await;
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
        told(&scene, &mut session, vec![(last, WAITS)]).await;
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
        assert!(!session.awaits_silence(), "{why}");
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
    told(&scene, &mut session, vec![(last, POSTED)]).await;
    let lengths = [2 * FULL, 2 * FULL + 5].map(|bytes| format!("draft put /a {bytes} bytes"));
    assert_eq!(stored(&scene), lengths);
    let answer = scene.ask(&mut session, finish).await;
    assert_eq!(answer, Ok(vec![Reply::PullRequestFinish]));
}

#[tokio::test]
async fn an_upload_belongs_to_the_project_or_draft_in_which_it_began() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    told(&scene, &mut session, vec![(part("/a", "for", 1, 2), WAITS)]).await;
    scene
        .ask(&mut session, creation("title"))
        .await
        .expect("his own project");
    told(
        &scene,
        &mut session,
        vec![(part("/a", "draft", 2, 2), WAITS)],
    )
    .await;
    scene
        .ask(&mut session, creation("again"))
        .await
        .expect("anew");
    told(
        &scene,
        &mut session,
        vec![(part("/a", "anew", 1, 2), WAITS)],
    )
    .await;
    assert!(stored(&scene).is_empty());
    told(
        &scene,
        &mut session,
        vec![(part("/a", "end", 2, 2), POSTED)],
    )
    .await;
    assert_eq!(stored(&scene), ["draft put /a \"anewend\""]);
}

#[tokio::test]
async fn a_post_is_checked_for_its_right_before_its_parameters() {
    let shapeless = || Command::PostFile(Err(crate::application::BadParameters::new("no name")));
    let scene = World::new().build();
    let mut viewer = scene.viewer().await;
    assert!(is_unauthorized(&scene.ask(&mut viewer, shapeless()).await));
    let mut streamer = scene.streamer().await;
    assert!(is_bad(&scene.ask(&mut streamer, shapeless()).await));
    scene.at(EXPIRY);
    assert!(is_unauthorized(
        &scene.ask(&mut streamer, shapeless()).await
    ));
}
