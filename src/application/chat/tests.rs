use std::time::Duration;

use crate::application::command::{Command, RequestKind};
use crate::application::outcome::{CommandOutcome, LongAnswer};
use crate::application::ports::SayError;
use crate::application::reply::Reply;
use crate::application::request_error::{BadParameters, RequestError};
use crate::application::session::dispatch::execute;
use crate::application::session::state::Session;
use crate::application::test_world::{
    BOB, EXPIRY, Scene, World, authenticate, chatting, demo, is_bad, is_unauthorized, new_session,
    over, user,
};
use crate::domain::{ChatMessage, PublicAccess, RoomName, Sections, Standing, Timestamp};

fn message(text: &str) -> Command {
    Command::SendMessage(Ok(text.into()))
}

async fn member(scene: &Scene) -> Session {
    scene.connect(1, BOB, chatting("bob", "ana/demo")).await
}

#[tokio::test]
async fn what_is_said_is_said_in_the_room_under_the_members_name() {
    let scene = World::new().build();
    let mut session = member(&scene).await;
    let answer = scene.ask(&mut session, message("hello")).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::SendMessage)]));
    assert_eq!(scene.journal.take(), ["say ana/demo bob: hello"]);
}

#[tokio::test]
async fn a_message_has_its_bounds() {
    let cases = [
        (
            String::new(),
            Some(RequestError::bad("message must not be empty")),
        ),
        ("é".repeat(8), None),
        ("é".repeat(8) + "!", Some(over("maxChatBytes", 16))),
        ("\n\0\u{202e}\"".to_owned(), None),
    ];
    for (text, refusal) in cases {
        let scene = World::new().build();
        let mut session = member(&scene).await;
        let answer = scene.ask(&mut session, message(&text)).await;
        assert_eq!(answer.err(), refusal, "{text:?}");
        assert_eq!(scene.journal.take().is_empty(), refusal.is_some());
    }
}

#[tokio::test]
async fn the_muted_may_read_but_not_write_until_their_time_is_over() {
    let scene = World::new().build();
    let token = "bob:ana/demo,muted=1005";
    let mut session = scene.connect(1, token, chatting("bob", "ana/demo")).await;
    let until = Timestamp::from_secs(1_005);
    for text in ["hello", ""] {
        let answer = scene.ask(&mut session, message(text)).await;
        assert_eq!(
            answer,
            Err(RequestError::Muted { until }),
            "before the text is looked at"
        );
    }
    for command in [Command::ChatMembers, Command::ChatHistory(Ok(None))] {
        scene.ask(&mut session, command).await.expect("may read");
    }
    scene.at(1_005);
    scene
        .ask(&mut session, message("hello"))
        .await
        .expect("over");
}

#[tokio::test]
async fn a_user_who_speaks_too_often_is_told_how_long_to_wait() {
    let mut world = World::new();
    let retry_after = Duration::from_millis(200);
    let say = world.rooms.expect_say().once();
    say.returning(move |_, _, _, _, _| Err(SayError::TooOften(retry_after)));
    let scene = world.build();
    let mut session = member(&scene).await;
    let answer = scene.ask(&mut session, message("hello")).await;
    assert_eq!(answer, Err(RequestError::RateLimited { retry_after }));
    scene
        .ask(&mut session, message("hello"))
        .await
        .expect("later");
}

#[tokio::test]
async fn the_history_is_clamped_to_what_a_room_remembers() {
    for (asked, given) in [(None, 5), (Some(1), 1), (Some(5), 5), (Some(6), 5)] {
        let mut world = World::new();
        world.rooms.expect_history().returning(|room, limit| {
            let message = |id| ChatMessage {
                id,
                room: room.clone(),
                username: user("pat"),
                text: "hi".into(),
                date: Timestamp::default(),
                is_announcement: false,
            };
            (0..limit as u64).map(message).collect()
        });
        let scene = world.build();
        let mut session = member(&scene).await;
        let command = Command::ChatHistory(Ok(asked));
        let answer = execute(&scene.app, &mut session, command).await;
        let CommandOutcome::Long(LongAnswer::ChatHistory(messages)) = answer else {
            panic!("refused");
        };
        assert_eq!(messages.len(), given, "{asked:?}");
        let room = RoomName::parse("ana/demo").expect("a room");
        assert!(messages.iter().all(|message| message.room == room));
    }
}

#[tokio::test]
async fn the_members_are_those_of_the_room() {
    let mut world = World::new();
    let members = world.rooms.expect_members();
    members
        .withf(|room| room.as_str() == "ana/demo")
        .returning(|_| vec![user("bob"), user("pat")]);
    let scene = world.build();
    let mut session = member(&scene).await;
    let answer = execute(&scene.app, &mut session, Command::ChatMembers).await;
    let CommandOutcome::Long(LongAnswer::ChatMembers(names)) = answer else {
        panic!("refused");
    };
    assert_eq!(names, [user("bob"), user("pat")]);
}

#[tokio::test]
async fn outside_a_room_all_are_401_before_their_parameters() {
    let fault = || BadParameters::new("no");
    let commands: [fn() -> Command; 6] = [
        || message("hello"),
        || Command::SendMessage(Err(BadParameters::new("no text"))),
        || Command::ChatHistory(Ok(None)),
        || Command::ChatHistory(Err(BadParameters::new("no number"))),
        || Command::ChatMembers,
        || Command::LeaveRoom,
    ];
    let scene = World::new().build();
    let mut nobody = new_session(9);
    let mut viewer = scene.viewer().await;
    let mut expired = member(&scene).await;
    assert!(is_bad(
        &scene
            .ask(&mut expired, Command::SendMessage(Err(fault())))
            .await
    ));
    assert!(is_bad(
        &scene
            .ask(&mut expired, Command::ChatHistory(Err(fault())))
            .await
    ));
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut nobody, command()).await));
        assert!(is_unauthorized(&scene.ask(&mut viewer, command()).await));
    }
    scene.at(EXPIRY);
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut expired, command()).await));
    }
    assert!(scene.journal.take().is_empty());
}

fn listen(room: &str) -> Command {
    Command::Listen(Ok(RoomName::parse(room).expect("a room")))
}

/// A world in which listening is public, and reading is public if `read` says so.
fn listening(read: bool) -> World {
    let mut world = World::new();
    world.policy.public = PublicAccess { read, chat: true };
    world
}

#[tokio::test]
async fn whoever_may_read_a_project_listens_to_its_room_where_that_is_public() {
    let scene = listening(true).build();
    let mut anyone = new_session(9);
    let answer = scene.ask(&mut anyone, listen("ana/demo")).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Listen)]));
    for command in [Command::ChatHistory(Ok(None)), Command::ChatMembers] {
        assert!(scene.ask(&mut anyone, command).await.is_ok());
    }
    assert!(is_unauthorized(
        &scene.ask(&mut anyone, message("hello")).await
    ));
    scene
        .ask(&mut anyone, listen("dan/other"))
        .await
        .expect("another room");
    scene
        .ask(&mut anyone, Command::LeaveRoom)
        .await
        .expect("left");
    assert!(is_unauthorized(
        &scene.ask(&mut anyone, Command::LeaveRoom).await
    ));
    assert_eq!(
        scene.journal.take(),
        [
            "subscribe #9 room ana/demo",
            "unsubscribe #9 room ana/demo",
            "subscribe #9 room dan/other",
            "unsubscribe #9 room dan/other",
        ]
    );
    for room in ["lounge", "ana/", ".x/y"] {
        let answer = scene.ask(&mut anyone, listen(room)).await;
        assert!(is_unauthorized(&answer), "{room}");
    }
    let ill_typed = Command::Listen(Err(BadParameters::new("no room")));
    assert!(is_bad(&scene.ask(&mut anyone, ill_typed).await));
}

#[tokio::test]
async fn where_reading_needs_a_token_so_does_listening_and_it_ends_with_that() {
    let scene = listening(false).build();
    assert!(is_unauthorized(
        &scene.ask(&mut new_session(9), listen("ana/demo")).await
    ));
    let reader = "bob:ana/demo,rights=read";
    let mut bob = scene.connect(1, reader, Sections::default()).await;
    assert!(is_unauthorized(
        &scene.ask(&mut bob, listen("dan/other")).await
    ));
    scene
        .ask(&mut bob, listen("ana/demo"))
        .await
        .expect("may read it");
    scene.journal.take();
    scene.at(EXPIRY);
    let told = crate::application::session::expiry::withdraw_expired(&scene.app, &mut bob);
    assert!(told.is_some());
    assert_eq!(scene.journal.take(), ["unsubscribe #1 room ana/demo"]);
    assert!(is_unauthorized(
        &scene.ask(&mut bob, Command::ChatMembers).await
    ));
}

#[tokio::test]
async fn a_member_who_listens_elsewhere_leaves_and_who_becomes_a_member_stops_listening() {
    let scene = listening(true).build();
    let mut session = member(&scene).await;
    scene
        .ask(&mut session, listen("dan/other"))
        .await
        .expect("may listen");
    assert_eq!(
        scene.journal.take(),
        [
            "unsubscribe #1 room ana/demo",
            "leave ana/demo bob",
            "subscribe #1 room dan/other",
        ]
    );
    assert!(is_unauthorized(
        &scene.ask(&mut session, message("hello")).await
    ));
    let command = authenticate(BOB, chatting("bob", "ana/demo"));
    scene.ask(&mut session, command).await.expect("a member");
    assert_eq!(session.listening, None);
    scene
        .ask(&mut session, message("hello"))
        .await
        .expect("a member");
}

#[tokio::test]
async fn who_is_banned_from_a_room_does_not_listen_to_it_either() {
    for read in [true, false] {
        let scene = listening(read).build();
        let banned = "bob:ana/demo,rights=read+chat,banned=1500";
        let mut bob = scene.connect(1, banned, Sections::default()).await;
        assert!(is_unauthorized(
            &scene.ask(&mut bob, listen("ana/demo")).await
        ));
        assert!(!told_that_they_may_listen(&scene, &bob));
        scene.at(1_500);
        assert!(told_that_they_may_listen(&scene, &bob));
        scene
            .ask(&mut bob, listen("ana/demo"))
            .await
            .expect("it is over");
    }
}

/// Whether `status` says that the connection may listen.
fn told_that_they_may_listen(scene: &Scene, session: &Session) -> bool {
    let (public, now) = (scene.app.policy.public, scene.app.now());
    let standings = [Standing::default(); 2];
    let you = session.rights().abilities(&demo(), public, standings, now);
    you.listen
}

#[tokio::test]
async fn a_token_that_bans_from_the_room_that_is_listened_to_ends_that() {
    let scene = listening(true).build();
    let mut bob = new_session(1);
    scene
        .ask(&mut bob, listen("ana/demo"))
        .await
        .expect("everybody may");
    let banned = "bob:ana/demo,rights=read+chat,banned=1500";
    let command = authenticate(banned, Sections::default());
    scene.ask(&mut bob, command).await.expect("a valid token");
    assert_eq!(bob.listening, None);
}
