use super::*;
use crate::application::command::Command;
use crate::application::connection_id::ConnectionId;
use crate::application::pull_requests::pages::next_pull_requests;
use crate::application::request_error::BadParameters;
use crate::application::session::dispatch::execute;
use crate::application::session::expiry::withdraw_expired;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, START, Scene, World, authenticate, based, creation, delete, demo, disk_full,
    get, hash, is_bad, is_unauthorized, other, over, part, path, post, pull_request, streaming,
    viewing,
};
use crate::domain::{Outcome, Sections};

const FINISH: Command = Command::FinishPullRequest;

fn id(number: u128) -> PullRequestId {
    PullRequestId::from_u128(number)
}

fn look(number: u128) -> Command {
    Command::GetPullRequest(Ok(Some(id(number))))
}

fn end(number: u128, outcome: Outcome) -> Command {
    let id = Some(id(number));
    Command::DeletePullRequest(Ok(DeletePullRequest { id, outcome }))
}

/// The ids that `list` gives.
async fn listed(scene: &Scene, session: &mut Session) -> Vec<PullRequestId> {
    let execution = execute(&scene.app, session, Command::ListPullRequests).await;
    let CommandOutcome::PullRequests(mut pages) = execution else {
        panic!("refused");
    };
    let mut ids = Vec::new();
    while !pages.is_over() {
        let page = next_pull_requests(&scene.app, &mut pages).await;
        ids.extend(page.expect("found").iter().map(|found| found.id));
    }
    ids
}

/// Open are 7 of bob's and 8 of pat's in `ana/demo` and 9 of bob's in `dan/other`.
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
        .drafts
        .expect_finish()
        .once()
        .withf(|finished| {
            *finished
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
                }
        })
        .returning(|_| Ok(()));
    let scene = world.build();
    let mut session = scene.author().await;
    let command = based(post("/n", "new"), hash('a'));
    scene.ask(&mut session, command).await.expect("ok");
    scene.at(START + 5);
    let answer = scene.ask(&mut session, FINISH).await;
    assert_eq!(answer, Ok(vec![Reply::PullRequestFinish]));
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
async fn the_open_pull_requests_are_counted_at_finish_too() {
    let mut world = World::new();
    let none = |_: &ProjectId, _| Ok(vec![]);
    let two = |_: &ProjectId, _| Ok(vec![id(7), id(8)]);
    world.pull_requests.expect_open().once().returning(none);
    world.pull_requests.expect_open().once().returning(two);
    world.pull_requests.expect_open().once().returning(none);
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
async fn a_streamer_may_propose_to_his_own_project() {
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
async fn while_a_draft_is_open_get_means_the_project() {
    let scene = World::new().build();
    let mut session = scene.author().await;
    scene.ask(&mut session, post("/n", "x")).await.expect("ok");
    let answer = scene.names(&mut session, get(demo(), "/n", false)).await;
    assert_eq!(answer, Err(RequestError::UnreadableFile));
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
async fn a_pull_request_is_visible_to_its_streamer_and_its_owner_alone() {
    let scene = with_three().build();
    let dan = "dan:dan/other";
    let cases = [
        // Who, his token and role, and which he may see.
        ("streamer", ANA, None, vec![7, 8]),
        ("owner", BOB, Some("bob"), vec![7]),
        ("the other owner", "pat:ana/demo", Some("pat"), vec![8]),
        ("a third", "eve:ana/demo", Some("eve"), vec![]),
        ("the streamer as a mere viewer", ANA, Some("ana"), vec![]),
        ("another streamer", dan, Some("dan"), vec![]),
        ("an owner elsewhere", "bob:dan/other", Some("bob"), vec![9]),
    ];
    for (who, token, viewer, visible) in cases {
        let sections = match viewer {
            None => streaming("ana/demo"),
            Some(user) => viewing(user, token.split_once(':').expect("a project").1),
        };
        let mut session = scene.connect(5, token, sections).await;
        let ids: Vec<_> = visible.iter().copied().map(id).collect();
        assert_eq!(listed(&scene, &mut session).await, ids, "{who}");
        for number in [7, 8, 9, 10] {
            let names = scene.names(&mut session, look(number)).await;
            let expected = if visible.contains(&number) {
                Ok(vec!["/p".to_owned()])
            } else {
                Err(RequestError::UNKNOWN_PULL_REQUEST)
            };
            assert_eq!(names, expected, "{who} {number}");
        }
        let impossible = scene
            .names(&mut session, Command::GetPullRequest(Ok(None)))
            .await;
        assert_eq!(impossible, Err(RequestError::UNKNOWN_PULL_REQUEST), "{who}");
    }
}

#[tokio::test]
async fn the_streamer_ends_a_pull_request_and_its_owner_is_told() {
    for (outcome, told) in [(Outcome::Merged, "Merged"), (Outcome::Closed, "Closed")] {
        let scene = with_three().build();
        let mut session = scene.streamer().await;
        let answer = scene.ask(&mut session, end(8, outcome)).await;
        assert_eq!(answer, Ok(vec![Reply::PullRequestDelete]));
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
async fn what_cannot_be_ended_tells_nobody() {
    let scene = with_three().build();
    let mut streamer = scene.streamer().await;
    for number in [9, 10] {
        let answer = scene.ask(&mut streamer, end(number, Outcome::Closed)).await;
        assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST), "{number}");
    }
    let mut owner = scene.viewer().await;
    let own = scene.ask(&mut owner, end(7, Outcome::Closed)).await;
    assert!(is_unauthorized(&own));
    let shapeless = || Command::DeletePullRequest(Err(BadParameters::new("no id")));
    assert!(is_unauthorized(&scene.ask(&mut owner, shapeless()).await));
    assert!(is_bad(&scene.ask(&mut streamer, shapeless()).await));
    assert!(scene.journal.take().is_empty());

    // Somebody else was faster.
    let mut world = with_three();
    let gone = |_: &ProjectId, _| Err(StoreError::NotFound);
    world.pull_requests.expect_delete().returning(gone);
    let scene = world.build();
    let mut streamer = scene.streamer().await;
    let answer = scene.ask(&mut streamer, end(7, Outcome::Closed)).await;
    assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST));
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn pages_are_bounded_leave_out_what_is_gone_and_begin_where_asked() {
    let mut world = World::new();
    let ids: Vec<_> = (1..=20).map(id).collect();
    let open = ids.clone();
    world
        .pull_requests
        .expect_open()
        .returning(move |_, _| Ok(open.clone()));
    // The odd ones have been deleted meanwhile; each was finished as many seconds after the start.
    world
        .pull_requests
        .expect_find()
        .returning(|project, found| {
            let number = (1..=20)
                .find(|number| id(*number) == found)
                .expect("one of them");
            if number % 2 == 1 {
                return Err(StoreError::NotFound);
            }
            let mut request = pull_request(number, project.clone(), "bob");
            request.date = Timestamp::from_secs(u64::try_from(number).expect("small"));
            request.description = "x".repeat(100_000).into();
            Ok(request)
        });
    let scene = world.build();
    for (since, expected) in [
        (0, vec![3, 3, 3, 1]),
        (14, vec![3, 1]),
        (20, vec![1]),
        (21, vec![0]),
    ] {
        let pages = PullRequestPages::new(demo(), ids.clone());
        let mut pages = pages.since(Timestamp::from_secs(since));
        let mut lengths = Vec::new();
        let mut last = None;
        while !pages.is_over() {
            let page = next_pull_requests(&scene.app, &mut pages)
                .await
                .expect("found");
            lengths.push(page.len());
            for found in page {
                assert!(last < Some(found.id), "oldest first");
                last = Some(found.id);
            }
        }
        assert_eq!(lengths, expected, "since {since}");
    }
}

#[tokio::test]
async fn one_that_cannot_be_read_keeps_no_other_back() {
    let mut world = with_three();
    world
        .pull_requests
        .expect_find()
        .returning(|project, found| {
            if found == id(2) {
                return Err(disk_full());
            }
            Ok(pull_request(1, project.clone(), "bob"))
        });
    let scene = world.build();
    let mut pages = PullRequestPages::new(demo(), vec![id(1), id(2), id(3)]);
    let mut found = Vec::new();
    while !pages.is_over() {
        let page = next_pull_requests(&scene.app, &mut pages).await;
        found.push(page.map(|page| page.len()));
    }
    assert_eq!(found, [Ok(1), Err(RequestError::Internal), Ok(1)]);
}

#[tokio::test]
async fn a_page_that_cannot_be_read_is_500() {
    let mut world = with_three();
    let fails = |_: &ProjectId, _| Err(disk_full());
    world.pull_requests.expect_find().returning(fails);
    let scene = world.build();
    let mut pages = PullRequestPages::new(demo(), vec![id(7)]);
    let page = next_pull_requests(&scene.app, &mut pages).await;
    assert_eq!(page, Err(RequestError::Internal));
}

#[tokio::test]
async fn without_a_role_in_a_project_there_is_nothing_to_propose_to() {
    let commands: [fn() -> Command; 5] = [
        || creation("title"),
        || FINISH,
        || look(7),
        || end(7, Outcome::Closed),
        || Command::ListPullRequests,
    ];
    let scene = with_three().build();
    let mut nobody = Session::new(ConnectionId(9));
    let mut without_role = scene.connect(2, BOB, Sections::default()).await;
    let mut expired = scene.viewer().await;
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut nobody, command()).await));
        assert!(is_unauthorized(
            &scene.ask(&mut without_role, command()).await
        ));
    }
    scene.at(EXPIRY);
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut expired, command()).await));
    }
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

#[tokio::test]
async fn two_connections_of_one_user_cannot_finish_past_the_limit_together() {
    // The store counts what was finished, and finishing takes its time.
    let mut world = World::limited(|limits| limits.max_open_pull_requests = 1);
    let finished = Arc::new(std::sync::Mutex::new(Vec::new()));
    let open = Arc::clone(&finished);
    let ids = move |_: &ProjectId, _| Ok(open.lock().expect("not poisoned").clone());
    world.pull_requests.expect_open().returning(ids);
    world.drafts.expect_finish().returning(move |request| {
        finished.lock().expect("not poisoned").push(request.id);
        Ok(())
    });
    let scene = world.build();
    let mut one = scene.author().await;
    let mut two = scene.author().await;
    for session in [&mut one, &mut two] {
        scene.ask(session, post("/n", "x")).await.expect("ok");
    }
    // Both wait for the project's turn, which the test holds.
    let turn = scene.app.reviews.lock(demo()).await;
    let (first, second, ()) = tokio::join!(
        scene.ask(&mut one, FINISH),
        scene.ask(&mut two, FINISH),
        async { drop(turn) }
    );
    assert_eq!(first, Ok(vec![Reply::PullRequestFinish]));
    assert_eq!(second, Err(over("maxOpenPullRequests", 1)));
}
