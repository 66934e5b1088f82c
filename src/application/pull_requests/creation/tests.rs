use crate::application::command::{Command, CreatePullRequest};
use crate::application::request_error::RequestError;
use crate::application::test_world::{
    World, based, creation, delete, demo, get, hash, other, over, post, pull_request,
};

const FINISH: Command = Command::FinishPullRequest;

#[tokio::test]
async fn the_limits_of_a_creation() {
    let create = |title: usize, description: usize| {
        Command::CreatePullRequest(Ok(CreatePullRequest {
            title: "t".repeat(title).into(),
            description: "d".repeat(description).into(),
        }))
    };
    let (title, description) = (over("maxTitleBytes", 16), over("maxDescriptionBytes", 32));
    let empty = RequestError::bad("title must not be empty");
    for (command, refusal) in [
        (create(16, 32), None),
        (create(1, 0), None),
        (create(0, 33), Some(empty)),
        (create(17, 32), Some(title)),
        (create(16, 33), Some(description)),
    ] {
        let scene = World::new().build();
        let mut session = scene.author().await;
        let shown = format!("{command:?}");
        let answer = scene.ask(&mut session, command).await;
        assert_eq!(answer.err(), refusal, "{shown}");
        let discarded = scene.journal.take() == ["draft discard"];
        assert_eq!(
            discarded,
            refusal.is_none(),
            "a refusal leaves the earlier draft"
        );
        assert!(session.draft.is_some());
    }
}

#[tokio::test]
async fn only_so_many_pull_requests_may_be_open_per_user_and_project() {
    let most = over("maxOpenPullRequests", 2);
    let cases = [
        ("bob", other(), None),
        ("pat", demo(), None),
        ("bob", demo(), Some(most)),
    ];
    for (owner, project, refusal) in cases {
        let mut world = World::new();
        let first = pull_request(7, demo(), "bob");
        world.open = vec![first, pull_request(8, project, owner)];
        let scene = world.build();
        let mut session = scene.viewer().await;
        let answer = scene.ask(&mut session, creation("title")).await;
        assert_eq!(answer.err(), refusal);
        assert_eq!(session.draft.is_some(), refusal.is_none());
    }
}

#[tokio::test]
async fn the_limits_of_a_draft() {
    let mut world = World::new();
    world.limits.pull_request.max_files = 2;
    world.limits.pull_request.max_bytes = 5;
    let scene = world.build();
    let mut session = scene.author().await;
    for (command, refusal) in [
        (post("/a", "12345"), None),
        (post("/a", "123456"), Some(over("maxPullRequestBytes", 5))),
        (post("/a", "123"), None),
        (post("/b", "123"), Some(over("maxPullRequestBytes", 5))),
        (post("/b", "12"), None),
        (post("/c", ""), Some(over("maxPullRequestFiles", 2))),
        (delete("/z"), Some(over("maxPullRequestFiles", 2))),
        (post("/a/x", ""), Some(over("maxPullRequestFiles", 2))),
        (delete("/b"), None),
        (post("/a/x", ""), Some(RequestError::UnwritableFile)),
        (delete("/z"), None),
    ] {
        let shown = format!("{command:?}");
        let answer = scene.ask(&mut session, command).await;
        assert_eq!(answer.err(), refusal, "{shown}");
    }
}

#[tokio::test]
async fn the_names_of_a_draft_are_bounded() {
    let mut world = World::new();
    world.limits.pull_request.max_files = 10_000;
    let scene = world.build();
    let mut session = scene.author().await;
    let segment = "n".repeat(250);
    let name = |number: usize| format!("{}/{number:04}", format!("/{segment}").repeat(16));
    // 64 names of 4,021 bytes are 257,344; the 65th is still within 262,144, the 66th is not.
    for number in 0..65 {
        scene
            .ask(&mut session, post(&name(number), ""))
            .await
            .expect("room");
    }
    let answer = scene.ask(&mut session, post(&name(65), "")).await;
    assert_eq!(answer, Err(over("names in one pull request", 262_144)));
    // 779 bytes are left, which are 12 bases of 64 bytes and not 13.
    for number in 0..12 {
        let command = based(post(&name(number), ""), hash('a'));
        scene.ask(&mut session, command).await.expect("room");
    }
    let command = based(post(&name(12), "more"), hash('a'));
    let answer = scene.ask(&mut session, command).await;
    assert_eq!(answer, Err(over("names in one pull request", 262_144)));
    let command = based(post(&name(0), ""), hash('b'));
    scene
        .ask(&mut session, command)
        .await
        .expect("one for another");
    scene
        .ask(&mut session, FINISH)
        .await
        .expect("the draft stayed");
}

#[tokio::test]
async fn while_a_draft_is_open_get_means_the_project() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    scene.ask(&mut session, post("/n", "x")).await.expect("ok");
    let answer = scene.names(&mut session, get(demo(), "/n", false)).await;
    assert_eq!(answer, Err(RequestError::UnreadableFile));
}

#[tokio::test]
async fn a_draft_reserves_its_texts_names_and_bases() {
    let scene = World::new().build();
    let mut session = scene.viewer().await;
    let before = session.account.held();
    let command = creation("a title");
    scene.ask(&mut session, command).await.expect("allowed");
    assert_eq!(session.account.held() - before, "a title".len());
    let mut last = session.account.held();
    for (command, grows) in [
        (post("/a/long/name", ""), true),
        (based(post("/a/long/name", ""), hash('a')), true),
        (delete("/z"), true),
        (delete("/a/long/name"), false),
    ] {
        let shown = format!("{command:?}");
        scene.ask(&mut session, command).await.expect("allowed");
        let held = session.account.held();
        assert_eq!(held > last, grows, "{shown}: {last} to {held}");
        last = held;
    }
    scene.ask(&mut session, FINISH).await.expect("allowed");
    assert_eq!(
        session.account.held(),
        before,
        "finished, all is given back"
    );
}
