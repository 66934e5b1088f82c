use super::*;
use crate::application::command::Command;
use crate::application::ports::StoreError;
use crate::application::test_world::{EXPIRY, World, demo, is_unauthorized, new_session};
use crate::domain::{Abilities, GuestAccess, Sections, UserName};

fn status() -> Command {
    Command::ProjectStatus(Ok(demo()))
}

fn nobody() -> Session {
    new_session(1)
}

#[tokio::test]
async fn a_status_says_who_is_there_and_what_there_is() {
    for (streamers, viewers, streamer) in [(0_usize, 0_usize, false), (2, 3, true), (0, 3, false)] {
        let mut world = World::new();
        world.presence.expect_streamers().return_const(streamers);
        world.presence.expect_viewers().return_const(viewers);
        let scene = world.build();
        let answer = scene.ask(&mut nobody(), status()).await;
        let expected = ProjectStatus {
            streamer,
            viewers,
            files: 4,
            bytes: 77,
            max_bytes: 10_000_000,
            folders: 2,
            guests: GuestAccess::Chat,
            slow: Some(0),
            you: abilities(None, [true, false, false, false]),
            apply: false,
        };
        assert_eq!(answer, Ok(vec![Reply::FileStatus(expected)]));
    }
}

/// The abilities of a user: whether they may read, chat, propose and stream. A streamer moderates,
/// too.
fn abilities(user: Option<&str>, may: [bool; 4]) -> Abilities {
    let [read, chat, propose, stream] = may;
    let user = user.map(|name| UserName::parse(name).expect("a name"));
    Abilities {
        user,
        read,
        listen: false,
        chat,
        propose,
        stream,
        moderate: stream,
    }
}

#[tokio::test]
async fn a_status_says_what_the_connection_may_do_whatever_its_roles() {
    let (yes, no) = (true, false);
    for (token, expected) in [
        ("ana:ana/demo", abilities(Some("ana"), [yes; 4])),
        ("bob:ana/demo", abilities(Some("bob"), [yes, yes, yes, no])),
        ("bob:", abilities(Some("bob"), [yes, no, no, no])),
        ("dan:dan/other", abilities(Some("dan"), [yes, yes, no, no])),
        (
            "bob:ana/demo,banned=3000",
            abilities(Some("bob"), [yes, no, yes, no]),
        ),
        (
            "bob:ana/demo,muted=3000",
            abilities(Some("bob"), [yes, yes, yes, no]),
        ),
        (
            "ana:ana/demo,rights=read+chat+propose",
            abilities(Some("ana"), [yes, yes, yes, no]),
        ),
        (
            "bob:ana/demo,rights=read",
            abilities(Some("bob"), [yes, no, no, no]),
        ),
        (
            "bob:ana/demo,rights=chat+propose",
            abilities(Some("bob"), [yes, yes, no, no]),
        ),
        (
            "bob:ana/demo,rights=",
            abilities(Some("bob"), [yes, no, no, no]),
        ),
    ] {
        let scene = World::new().build();
        let mut session = scene.connect(1, token, Sections::default()).await;
        let answer = scene.ask(&mut session, status()).await;
        let Ok([Reply::FileStatus(told)]) = answer.as_deref() else {
            panic!("{answer:?}")
        };
        assert_eq!(told.you, expected, "{token}");
        scene.at(EXPIRY);
        let answer = scene.ask(&mut session, status()).await;
        let Ok([Reply::FileStatus(told)]) = answer.as_deref() else {
            panic!("{answer:?}")
        };
        let nobody = abilities(None, [yes, no, no, no]);
        assert_eq!(told.you, nobody, "{token}, expired");
    }
}

#[tokio::test]
async fn a_project_that_does_not_exist_has_no_status() {
    let mut world = World::new();
    let absent = |_: &ProjectId| Err(StoreError::NotFound);
    world.projects.expect_usage().returning(absent);
    let answer = world.build().ask(&mut nobody(), status()).await;
    assert_eq!(answer, Err(RequestError::UnreadablePath));
}

#[tokio::test]
async fn where_reading_needs_a_token_so_does_the_status() {
    let scene = World::private().build();
    assert!(is_unauthorized(&scene.ask(&mut nobody(), status()).await));
    let mut viewer = scene.viewer().await;
    assert!(scene.ask(&mut viewer, status()).await.is_ok());
}
