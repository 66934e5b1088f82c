use crate::application::command::{Command, RequestKind};
use crate::application::ports::FinishError;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::expiry::withdraw_expired;
use crate::application::test_world::{
    EXPIRY, START, World, authenticate, based, creation, delete, demo, executable, hash, is_bad,
    is_unauthorized, over, part, path, post,
};
use crate::domain::Sections;
use crate::domain::{PullRequest, PullRequestId, Timestamp, UserName};

const FINISH: Command = Command::FinishPullRequest;

fn id(number: u128) -> PullRequestId {
    PullRequestId::from_u128(number)
}

#[tokio::test]
async fn a_draft_becomes_a_pull_request_and_the_streamer_is_told() {
    let scene = World::new().build();
    let mut session = scene.viewer().await;
    for command in [creation("title"), post("/n", "new"), delete("/a"), FINISH] {
        scene.ask(&mut session, command).await.expect("allowed");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "draft put /n \"new\"",
            "draft finish [\"/n\"] [\"/a\"]",
            "publish proposals ana/demo: created \"title\" by bob",
        ],
        "told of after it was stored, and nobody of its files"
    );
    let again = scene.ask(&mut session, FINISH).await;
    assert!(is_bad(&again), "there is no draft any more");
    assert!(is_unauthorized(
        &scene.ask(&mut session, post("/n", "x")).await
    ));
}

#[tokio::test]
async fn what_is_finished_says_all_of_itself() {
    let mut world = World::new();
    world
        .pull_requests
        .expect_finish()
        .once()
        .withf(|finished, most, _| {
            *most == 2
                && *finished
                    == PullRequest {
                        id: id(0),
                        project: demo(),
                        owner: UserName::parse("bob").expect("a name"),
                        title: "title".into(),
                        description: "".into(),
                        date: Timestamp::from_secs(START + 5),
                        files: vec![path("/n")],
                        deleted: vec![],
                        bases: [(path("/n"), hash('a'))].into(),
                        deleted_bases: [].into(),
                        executable: [(path("/n"), true)].into(),
                    }
        })
        .returning(|_, _, _| Ok(()));
    let scene = world.build();
    let mut session = scene.author().await;
    let command = executable(based(post("/n", "new"), hash('a')), true);
    scene.ask(&mut session, command).await.expect("ok");
    scene.at(START + 5);
    let answer = scene.ask(&mut session, FINISH).await;
    assert_eq!(
        answer,
        Ok(vec![Reply::Done(RequestKind::FinishPullRequest)])
    );
}

#[tokio::test]
async fn finish_without_a_draft_or_with_an_empty_one_is_400() {
    let scene = World::new().build();
    let mut session = scene.viewer().await;
    assert!(is_bad(&scene.ask(&mut session, FINISH).await));
    scene
        .ask(&mut session, creation("title"))
        .await
        .expect("ok");
    assert!(is_bad(&scene.ask(&mut session, FINISH).await));
    scene
        .ask(&mut session, post("/n", "x"))
        .await
        .expect("the draft stays");
    scene
        .ask(&mut session, delete("/n"))
        .await
        .expect("it is in it");
    assert!(
        is_bad(&scene.ask(&mut session, FINISH).await),
        "empty again"
    );
    scene
        .ask(&mut session, post("/n", "x"))
        .await
        .expect("the draft stays");
    scene.ask(&mut session, FINISH).await.expect("not empty");
}

#[tokio::test]
async fn finish_names_the_uploads_that_are_not_whole() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    for name in ["/u2", "/u1"] {
        scene
            .ask(&mut session, part(name, "one", 1, 2))
            .await
            .expect("a part");
    }
    let Err(RequestError::BadParameters(fault)) = scene.ask(&mut session, FINISH).await else {
        panic!("not 400");
    };
    assert!(fault.to_string().ends_with("/u1, /u2"), "{fault}");
    for name in ["/u1", "/u2"] {
        scene
            .ask(&mut session, part(name, "two", 2, 2))
            .await
            .expect("whole");
    }
    scene
        .ask(&mut session, FINISH)
        .await
        .expect("the draft stayed");
}

#[tokio::test]
async fn finish_names_ten_unfinished_uploads_at_the_most() {
    let scene = World::limited(|limits| limits.max_open_uploads = 20).build();
    let mut session = scene.author().await;
    for number in 10..21 {
        let upload = part(&format!("/u{number}"), "one", 1, 2);
        scene.ask(&mut session, upload).await.expect("a part");
    }
    let Err(RequestError::BadParameters(fault)) = scene.ask(&mut session, FINISH).await else {
        panic!("not 400");
    };
    assert!(fault.to_string().ends_with("/u19 and others"), "{fault}");
}

#[tokio::test]
async fn the_open_pull_requests_are_counted_at_finish_too() {
    let mut world = World::new();
    let full = |_, _, _| Err(FinishError::TooManyOpen);
    world.pull_requests.expect_finish().once().returning(full);
    let scene = world.build();
    let mut session = scene.author().await;
    scene.ask(&mut session, post("/n", "x")).await.expect("ok");
    let answer = scene.ask(&mut session, FINISH).await;
    assert_eq!(answer, Err(over("maxOpenPullRequests", 2)));
    scene
        .ask(&mut session, FINISH)
        .await
        .expect("the draft stayed");
}

#[tokio::test]
async fn a_streamer_may_propose_to_their_own_project() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    for command in [
        creation("title"),
        post("/n", "new"),
        FINISH,
        post("/n", "x"),
    ] {
        scene.ask(&mut session, command).await.expect("allowed");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "draft put /n \"new\"",
            "draft finish [\"/n\"] []",
            "publish proposals ana/demo: created \"title\" by ana",
            "put ana/demo /n \"x\"",
            "publish updates ana/demo but #1: updated /n v1",
        ]
    );
}

#[tokio::test]
async fn a_draft_ends_with_its_connection_but_not_once_finished() {
    let scene = World::new().build();
    drop(scene.author().await);
    assert_eq!(scene.journal.take(), ["draft discard"]);
    let mut session = scene.author().await;
    scene.ask(&mut session, delete("/a")).await.expect("ok");
    scene.ask(&mut session, FINISH).await.expect("ok");
    scene.journal.take();
    drop(session);
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn an_open_draft_waits_for_a_fresh_token() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    scene.ask(&mut session, post("/n", "x")).await.expect("ok");
    scene.at(EXPIRY);
    withdraw_expired(&scene.app, &mut session);
    for command in [post("/m", "x"), FINISH, delete("/n")] {
        assert!(is_unauthorized(&scene.ask(&mut session, command).await));
    }
    let renewal = authenticate("bob:ana/demo,exp=3000", Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    scene
        .ask(&mut session, FINISH)
        .await
        .expect("the draft has waited");
}
