use crate::application::command::{Command, DeletePullRequest, RequestKind};
use crate::application::ports::StoreError;
use crate::application::reply::Reply;
use crate::application::request_error::BadParameters;
use crate::application::request_error::RequestError;
use crate::application::test_world::{
    ANA, World, demo, is_bad, is_unauthorized, new_session, other, pull_request, viewing,
};
use crate::domain::{Outcome, ProjectId, PullRequestId};

fn end(number: u128, outcome: Outcome) -> Command {
    let id = Some(PullRequestId::from_u128(number));
    Command::DeletePullRequest(Ok(DeletePullRequest { id, outcome }))
}

/// A world with open pull requests: 7 of bob and 8 of pat in `ana/demo`, 9 of bob in `dan/other`.
fn with_three() -> World {
    let mut world = World::new();
    world.open = vec![
        pull_request(7, demo(), "bob"),
        pull_request(8, demo(), "pat"),
        pull_request(9, other(), "bob"),
    ];
    world
}

#[tokio::test]
async fn the_streamer_ends_a_pull_request_and_its_owner_is_told() {
    for (outcome, told) in [(Outcome::Merged, "Merged"), (Outcome::Closed, "Closed")] {
        let scene = with_three().build();
        let mut session = scene.streamer().await;
        let answer = scene.ask(&mut session, end(8, outcome)).await;
        assert_eq!(
            answer,
            Ok(vec![Reply::Done(RequestKind::DeletePullRequest)])
        );
        assert_eq!(
            scene.journal.take(),
            [
                "delete pull request of ana/demo".to_owned(),
                format!("publish outcomes ana/demo pat: closed {told}"),
            ]
        );
    }
}

#[tokio::test]
async fn the_owner_withdraws_a_pull_request_and_all_others_of_the_two_are_told_once() {
    for outcome in [Outcome::Merged, Outcome::Closed] {
        let scene = with_three().build();
        let mut session = scene.viewer().await;
        let answer = scene.ask(&mut session, end(7, outcome)).await;
        assert_eq!(
            answer,
            Ok(vec![Reply::Done(RequestKind::DeletePullRequest)])
        );
        assert_eq!(
            scene.journal.take(),
            [
                "delete pull request of ana/demo",
                "publish outcomes ana/demo bob but #2: closed Withdrawn",
                "publish proposals ana/demo but #2: closed Withdrawn",
            ]
        );
    }
    let mut world = World::new();
    world.open = vec![pull_request(7, demo(), "ana")];
    let scene = world.build();
    let mut session = scene.connect(2, ANA, viewing("ana", "ana/demo")).await;
    let answer = scene.ask(&mut session, end(7, Outcome::Closed)).await;
    assert_eq!(
        answer,
        Ok(vec![Reply::Done(RequestKind::DeletePullRequest)])
    );
    assert_eq!(
        scene.journal.take(),
        [
            "delete pull request of ana/demo",
            "publish outcomes ana/demo ana but #2: closed Withdrawn",
        ],
        "the streamer's connections are the owner's"
    );
}

#[tokio::test]
async fn what_cannot_be_ended_tells_nobody() {
    let scene = with_three().build();
    let mut streamer = scene.streamer().await;
    for number in [9, 10] {
        let answer = scene.ask(&mut streamer, end(number, Outcome::Closed)).await;
        assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST), "{number}");
    }
    let mut viewer = scene.viewer().await;
    for number in [8, 9, 10] {
        let answer = scene.ask(&mut viewer, end(number, Outcome::Closed)).await;
        assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST), "{number}");
    }
    let shapeless = || Command::DeletePullRequest(Err(BadParameters::new("no id")));
    for session in [&mut streamer, &mut viewer] {
        assert!(is_bad(&scene.ask(session, shapeless()).await));
    }
    let mut nobody = new_session(3);
    assert!(is_unauthorized(&scene.ask(&mut nobody, shapeless()).await));
    assert!(scene.journal.take().is_empty());

    // Somebody else has deleted it first.
    let mut world = with_three();
    let gone = |_: &ProjectId, _, _, _| Err(StoreError::NotFound);
    world.pull_requests.expect_delete().returning(gone);
    let scene = world.build();
    for mut session in [scene.streamer().await, scene.viewer().await] {
        let answer = scene.ask(&mut session, end(7, Outcome::Closed)).await;
        assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST));
    }
    assert!(scene.journal.take().is_empty());
}
