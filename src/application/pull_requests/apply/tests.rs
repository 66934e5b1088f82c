use super::*;
use crate::application::command::{Command, RequestKind};
use crate::application::periodic::every_second;
use crate::application::ports::MockApplyRelay;
use crate::application::session::disconnect::SessionGuard;
use crate::application::test_world::{
    ANA, Scene, World, authenticate, demo, disk_full, new_session, over, path, pull_request,
    streaming,
};
use crate::domain::{ApplyOutcome, FileSection, PullRequestId, Sections, Streaming};

/// A world in which bob's pull request 7 is open, which changes `/p` and deletes `/q`.
fn world() -> World {
    let mut world = World::new();
    let deleted = vec![path("/q")];
    world.open = vec![PullRequest {
        deleted,
        ..pull_request(7, demo(), "bob")
    }];
    world
}

fn apply(names: Option<&[&str]>) -> Command {
    let id = Some(PullRequestId::from_u128(7));
    let files = names.map(|names| names.iter().map(|name| path(name)).collect());
    Command::ApplyPullRequest(Ok(ApplyPullRequest { id, files }))
}

fn accept(request: u64) -> Command {
    Command::AcceptPullRequest(Ok(request))
}

fn applied(request: u64, outcome: ApplyOutcome) -> Command {
    Command::AppliedPullRequest(Ok(AppliedPullRequest {
        request,
        outcome,
        conflicts: vec![path("/p")],
        message: "so".into(),
    }))
}

fn applying() -> Sections {
    let mut sections = streaming("ana/demo");
    let applies = Streaming {
        applies: true,
        ..Streaming::default()
    };
    sections.file = sections.file.map(|file| FileSection {
        streaming: applies,
        ..file
    });
    sections
}

/// The streamer's page, connection 1, and their command, connection 2.
async fn page_and_command(scene: &Scene) -> (Session, Session) {
    let page = scene.streamer().await;
    (page, scene.connect(2, ANA, applying()).await)
}

#[tokio::test]
async fn the_command_is_asked_accepts_and_answers_and_the_page_is_told() {
    let scene = world().build();
    let (mut page, mut command) = page_and_command(&scene).await;
    for names in [None, Some(&["/q"][..])] {
        let answer = scene.ask(&mut page, apply(names)).await;
        let Ok([Reply::PullRequestApply { request }]) = answer.as_deref() else {
            panic!("{answer:?}")
        };
        let answer = scene.ask(&mut command, accept(*request)).await;
        assert_eq!(
            answer,
            Ok(vec![Reply::Done(RequestKind::AcceptPullRequest)])
        );
        let done = applied(*request, ApplyOutcome::Partly);
        let answer = scene.ask(&mut command, done).await;
        assert_eq!(
            answer,
            Ok(vec![Reply::Done(RequestKind::AppliedPullRequest)])
        );
    }
    assert_eq!(
        scene.journal.take(),
        [
            "subscribe #1 own of #1",
            "publish own of #2: asked to apply all (1)",
            "publish own of #1: Partly (1)",
            "publish own of #2: asked to apply [\"/q\"] (2)",
            "publish own of #1: Partly (2)",
        ]
    );
}

#[tokio::test]
async fn without_a_command_or_for_what_is_not_there_nobody_is_asked() {
    let scene = world().build();
    let mut page = scene.streamer().await;
    assert_eq!(scene.ask(&mut page, apply(None)).await, Err(NOBODY));
    let _command = scene.connect(2, ANA, applying()).await;
    let unknown = Command::ApplyPullRequest(Ok(ApplyPullRequest {
        id: Some(PullRequestId::from_u128(8)),
        files: None,
    }));
    let answer = scene.ask(&mut page, unknown).await;
    assert_eq!(answer, Err(RequestError::UNKNOWN_PULL_REQUEST));
    for names in [&["/other"][..], &["/p", "/other"], &[]] {
        let answer = scene.ask(&mut page, apply(Some(names))).await;
        assert_eq!(answer, Err(FOREIGN_FILES), "{names:?}");
    }
    scene.ask(&mut page, apply(None)).await.expect("asked");
    assert_eq!(scene.ask(&mut page, apply(None)).await, Err(BUSY));
}

#[tokio::test]
async fn a_no_needs_no_yes_before_and_a_done_does() {
    let scene = world().build();
    let (mut page, mut command) = page_and_command(&scene).await;
    for (request, outcome) in [(1, ApplyOutcome::Declined), (2, ApplyOutcome::Failed)] {
        scene.ask(&mut page, apply(None)).await.expect("asked");
        for begun in [ApplyOutcome::Applied, ApplyOutcome::Partly] {
            let answer = scene.ask(&mut command, applied(request, begun)).await;
            assert_eq!(answer, Err(WITHDRAWN));
        }
        let answer = scene.ask(&mut command, applied(request, outcome)).await;
        assert_eq!(
            answer,
            Ok(vec![Reply::Done(RequestKind::AppliedPullRequest)])
        );
    }
}

#[tokio::test]
async fn a_question_nobody_accepts_within_a_minute_is_withdrawn_and_a_late_yes_refused() {
    let scene = world().build();
    let (mut page, mut command) = page_and_command(&scene).await;
    scene.ask(&mut page, apply(None)).await.expect("asked");
    scene.journal.take();
    scene.at(1_059);
    every_second(&scene.app);
    assert!(
        !scene
            .journal
            .take()
            .iter()
            .any(|entry| entry.contains("(1)"))
    );
    scene.at(1_060);
    every_second(&scene.app);
    assert_eq!(
        scene.journal.take(),
        [
            "publish own of #2: withdrawn (1)",
            "publish own of #1: not applied (1)",
        ]
    );
    assert_eq!(scene.ask(&mut command, accept(1)).await, Err(WITHDRAWN));
}

#[tokio::test]
async fn whoever_leaves_ends_the_question_for_the_other() {
    let scene = world().build();
    let (mut page, command) = page_and_command(&scene).await;
    scene.ask(&mut page, apply(None)).await.expect("asked");
    let end = |session| {
        let application = Arc::clone(&scene.app);
        drop(SessionGuard {
            application,
            session,
        });
        let mut told = scene.journal.take();
        told.retain(|entry| entry.contains("(1)") || entry.contains("(2)"));
        told
    };
    scene.journal.take();
    assert_eq!(end(command), ["publish own of #1: not applied (1)"]);
    let _command = scene.connect(3, ANA, applying()).await;
    scene.ask(&mut page, apply(None)).await.expect("asked");
    scene.journal.take();
    assert_eq!(end(page), ["publish own of #3: withdrawn (2)"]);
}

#[tokio::test]
async fn a_relay_that_fails_is_answered_with_500() {
    let scene = world().build_over(|ports| {
        let mut relay = MockApplyRelay::new();
        relay.expect_has_applier().return_const(true);
        relay
            .expect_ask()
            .returning(|_, _| Err(AskError::Store(disk_full())));
        relay.expect_accept().returning(|_, _, _| Err(disk_full()));
        relay
            .expect_answer()
            .returning(|_, _, _, _| Err(disk_full()));
        ports.apply_relay = Some(Arc::new(relay));
    });
    let mut page = scene.streamer().await;
    let declined = applied(1, ApplyOutcome::Declined);
    for command in [apply(None), accept(1), declined] {
        let answer = scene.ask(&mut page, command).await;
        assert_eq!(answer, Err(RequestError::Internal));
    }
}

#[tokio::test]
async fn the_message_has_a_bound() {
    let scene = world().build();
    let mut session = scene.streamer().await;
    let long = Command::AppliedPullRequest(Ok(AppliedPullRequest {
        request: 1,
        outcome: ApplyOutcome::Failed,
        conflicts: Vec::new(),
        message: "long".repeat(5),
    }));
    let answer = scene.ask(&mut session, long).await;
    assert_eq!(answer, Err(over("maxChatBytes", 16)));
}

#[tokio::test]
async fn a_connection_that_is_not_present_has_the_rights_of_the_streamer_and_no_presence() {
    let scene = world().build();
    let mut session = new_session(1);
    let mut sections = streaming("ana/demo");
    if let Some(file) = &mut sections.file {
        file.streaming.present = false;
    }
    let command = authenticate(ANA, sections);
    scene
        .ask(&mut session, command)
        .await
        .expect("the streamer");
    let journal = scene.journal.take();
    assert!(
        !journal.iter().any(|entry| entry.starts_with("arrive")),
        "{journal:?}"
    );
    assert!(
        session
            .rights()
            .may_review(Timestamp::from_secs(1_000))
            .is_ok()
    );
    // An `authenticate` without the section `file` keeps `present` as it was; in one with the
    // section, the section counts.
    let renewal = authenticate(ANA, Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("the streamer");
    assert_eq!(scene.journal.take(), [""; 0]);
    let command = authenticate(ANA, streaming("ana/demo"));
    scene
        .ask(&mut session, command)
        .await
        .expect("the streamer");
    let journal = scene.journal.take();
    assert!(
        journal.contains(&"arrive #1 ana/demo".to_owned()),
        "{journal:?}"
    );
}
