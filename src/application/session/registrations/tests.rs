use crate::application::session::expiry::withdraw_expired;
use std::sync::Arc;

use crate::application::command::Command;
use crate::application::session::disconnect::SessionGuard;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, Scene, World, authenticate, both, chatting, demo, new_session, other,
    streaming, viewing, watch,
};
use crate::domain::{ProjectId, Sections};

async fn done(scene: &Scene, session: &mut Session, command: Command) -> Vec<String> {
    scene.ask(session, command).await.expect("allowed");
    scene.journal.take()
}

fn unwatch(project: ProjectId) -> Command {
    Command::UnwatchProject(Ok(project))
}

#[tokio::test]
async fn each_role_brings_exactly_its_topics() {
    let cases: [(&str, Sections, &[&str]); 4] = [
        (BOB, Sections::default(), &[]),
        (
            BOB,
            viewing("bob", "ana/demo"),
            &[
                "subscribe #1 updates ana/demo",
                "subscribe #1 outcomes ana/demo bob",
            ],
        ),
        (
            ANA,
            streaming("ana/demo"),
            &[
                "register ana/demo",
                "subscribe #1 updates ana/demo",
                "subscribe #1 outcomes ana/demo ana",
                "arrive #1 ana/demo",
                "subscribe #1 proposals ana/demo",
            ],
        ),
        (
            BOB,
            chatting("bob", "ana/demo"),
            &["enter ana/demo bob", "subscribe #1 room ana/demo"],
        ),
    ];
    for (token, sections, expected) in cases {
        let scene = World::new().build();
        let mut session = new_session(1);
        let command = authenticate(token, sections.clone());
        let journal = done(&scene, &mut session, command).await;
        assert_eq!(journal, expected, "{sections:?}");
    }
}

#[tokio::test]
async fn a_project_is_received_once_whatever_roles_and_watches_there_are() {
    let scene = World::new().build();
    let mut session = new_session(1);
    assert_eq!(
        done(&scene, &mut session, watch(demo())).await,
        ["subscribe #1 updates ana/demo"]
    );
    assert!(done(&scene, &mut session, watch(demo())).await.is_empty());
    let command = authenticate(BOB, viewing("bob", "ana/demo"));
    assert_eq!(
        done(&scene, &mut session, command).await,
        ["subscribe #1 outcomes ana/demo bob"],
        "the role takes over the watch's updates"
    );
    assert!(done(&scene, &mut session, unwatch(demo())).await.is_empty());
    assert!(done(&scene, &mut session, watch(demo())).await.is_empty());
    let command = authenticate("bob:", Sections::default());
    assert_eq!(
        done(&scene, &mut session, command).await,
        ["unsubscribe #1 outcomes ana/demo bob"],
        "the watch takes over the role's"
    );
    assert_eq!(
        done(&scene, &mut session, unwatch(demo())).await,
        ["unsubscribe #1 updates ana/demo"]
    );
}

#[tokio::test]
async fn where_reading_needs_a_token_a_watch_lasts_as_long_as_one_that_names_its_project() {
    let scene = World::private().build();
    let mut session = scene.connect(1, BOB, Sections::default()).await;
    let on = ["subscribe #1 updates ana/demo"];
    let off = ["unsubscribe #1 updates ana/demo"];
    assert_eq!(done(&scene, &mut session, watch(demo())).await, on);
    let elsewhere = authenticate("bob:dan/other", Sections::default());
    assert_eq!(done(&scene, &mut session, elsewhere).await, off);
    let back = authenticate(BOB, Sections::default());
    assert_eq!(done(&scene, &mut session, back).await, on);
    scene.at(EXPIRY);
    withdraw_expired(&scene.app, &mut session);
    assert_eq!(scene.journal.take(), off);
}

#[tokio::test]
async fn what_is_dropped_is_entered_for_nothing() {
    let scene = World::new().build();
    let chat = chatting("ana", "ana/demo");
    let sections = both(
        both(streaming("ana/demo"), chat),
        viewing("ana", "ana/demo"),
    );
    let mut session = scene.connect(1, ANA, sections).await;
    done(&scene, &mut session, watch(other())).await;
    let connected = SessionGuard {
        application: Arc::clone(&scene.app),
        session,
    };
    assert!(scene.journal.take().is_empty());
    drop(connected);
    assert_eq!(
        scene.journal.take(),
        [
            "unsubscribe #1 updates ana/demo",
            "unsubscribe #1 outcomes ana/demo ana",
            "unsubscribe #1 proposals ana/demo",
            "unsubscribe #1 updates dan/other",
            "unsubscribe #1 room ana/demo",
            "leave ana/demo ana",
            "depart #1 ana/demo",
        ]
    );
}

#[tokio::test]
async fn a_connection_that_never_did_anything_ends_without_a_trace() {
    let scene = World::new().build();
    let session = new_session(1);
    drop(SessionGuard {
        application: Arc::clone(&scene.app),
        session,
    });
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn leaving_the_room_ends_the_room_alone() {
    let scene = World::new().build();
    let sections = both(viewing("bob", "ana/demo"), chatting("bob", "ana/demo"));
    let mut session = scene.connect(1, BOB, sections).await;
    assert_eq!(
        done(&scene, &mut session, Command::LeaveRoom).await,
        ["unsubscribe #1 room ana/demo", "leave ana/demo bob"]
    );
    assert!(scene.ask(&mut session, Command::LeaveRoom).await.is_err());
}
