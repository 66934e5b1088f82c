use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::application::command::{Ban, Command, Mute, RequestKind};
use crate::application::outcome::{CommandOutcome, LongAnswer};
use crate::application::ports::StoreError;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::disconnect::SessionGuard;
use crate::application::session::dispatch::execute;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, Scene, World, as_guest, authenticate, both, chatting, creation, demo, disk_full,
    is_bad, is_unauthorized, new_session, over, post, session_from, streaming, user, viewing,
};
use crate::domain::{
    Abilities, Banned, ClientAddress, GuestAccess, Moderation, PublicAccess, RoomName, Sections,
    Timestamp, UserName,
};

const MOD: &str = "mod:ana/demo,role=moderator";
const GUEST: &str = "~bob:ana/demo,guest=1,rights=read+chat+propose";
const OTHER_GUEST: &str = "~eve:ana/demo,guest=1,rights=read+chat+propose";

fn say(text: &str) -> Command {
    Command::SendMessage(Ok(text.into()))
}

fn mute(name: &str, seconds: u32) -> Command {
    let user = user(name);
    Command::Mute(Ok(Mute { user, seconds }))
}

fn ban(name: &str, seconds: Option<u32>) -> Command {
    let user = user(name);
    Command::Ban(Ok(Ban { user, seconds }))
}

fn unban(name: &str) -> Command {
    Command::Unban(Ok(user(name)))
}

fn listen() -> Command {
    Command::Listen(Ok(RoomName::parse("ana/demo").expect("a room")))
}

fn in_room(who: &str) -> Sections {
    both(viewing(who, "ana/demo"), chatting(who, "ana/demo"))
}

fn banned(until: Option<u64>) -> RequestError {
    let until = until.map(Timestamp::from_secs);
    RequestError::Banned(Banned { until })
}

fn muted(until: u64) -> RequestError {
    let until = Timestamp::from_secs(until);
    RequestError::Muted { until }
}

/// A world in which guests propose and everybody listens.
fn world() -> World {
    let mut world = World::new();
    world.policy.guests = GuestAccess::Propose;
    world.policy.public = PublicAccess {
        read: true,
        chat: true,
    };
    world
}

/// The streamer, in the room: connection 1.
async fn ana(scene: &Scene) -> Session {
    let sections = both(streaming("ana/demo"), chatting("ana", "ana/demo"));
    scene.connect(1, ANA, sections).await
}

/// A viewer in the room with an open draft: connection 2.
async fn bob(scene: &Scene) -> Session {
    let mut bob = scene.connect(2, BOB, in_room("bob")).await;
    for command in [creation("title"), post("/mine", "x")] {
        scene.ask(&mut bob, command).await.expect("a viewer may");
    }
    scene.journal.take();
    bob
}

/// The same without a draft: connection 3.
async fn bob_in_the_room(scene: &Scene) -> Session {
    scene.connect(3, BOB, in_room("bob")).await
}

async fn guest(scene: &Scene, number: u64, address: u128, token: &str) -> Session {
    let mut session = session_from(number, address);
    let (name, _) = token.split_once(':').expect("a token");
    let command = authenticate(token, in_room(name));
    scene.ask(&mut session, command).await.expect("a guest may");
    scene.journal.take();
    session
}

async fn you(scene: &Scene, session: &mut Session) -> (Option<u32>, Abilities) {
    let answer = scene.ask(session, Command::ProjectStatus(Ok(demo()))).await;
    match answer.as_deref() {
        Ok([Reply::FileStatus(status)]) => (status.slow, status.you.clone()),
        _ => panic!("{answer:?}"),
    }
}

async fn moderation(scene: &Scene, session: &mut Session) -> Moderation {
    match execute(&scene.app, session, Command::ShowModeration).await {
        CommandOutcome::Long(LongAnswer::ChatModeration(moderation)) => *moderation,
        _ => panic!("refused"),
    }
}

#[tokio::test]
async fn somebody_muted_may_read_and_not_write_until_it_is_over_or_lifted() {
    let scene = world().build();
    let (mut ana, mut bob) = (ana(&scene).await, bob(&scene).await);
    let mut pat = scene.connect(3, "pat:ana/demo", in_room("pat")).await;
    let answer = scene.ask(&mut ana, mute("bob", 60)).await;
    let until = Timestamp::from_secs(1_060);
    let muted_bob = Reply::ChatMute {
        user: user("bob"),
        until,
        address: false,
    };
    assert_eq!(answer, Ok(vec![muted_bob]));
    assert_eq!(
        scene.journal.take(),
        ["keep mute of ana/demo", "tell #1 #2: mute bob until 1060"]
    );
    for text in ["hello", ""] {
        let answer = scene.ask(&mut bob, say(text)).await;
        assert_eq!(answer, Err(muted(1_060)), "before the text is looked at");
    }
    for command in [Command::ChatMembers, creation("again")] {
        scene
            .ask(&mut bob, command)
            .await
            .expect("they may do that");
    }
    assert!(you(&scene, &mut bob).await.1.chat, "to be in the room");
    scene
        .ask(&mut pat, say("hello"))
        .await
        .expect("is not muted");
    scene.at(1_060);
    scene.ask(&mut bob, say("hello")).await.expect("it is over");
    scene.ask(&mut ana, mute("bob", 60)).await.expect("may");
    scene.journal.take();
    let lift = || Command::Unmute(Ok(self::user("bob")));
    let answer = scene.ask(&mut ana, lift()).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Unmute)]));
    assert_eq!(
        scene.journal.take(),
        ["keep unmute of ana/demo", "tell #1 #2: unmute bob"]
    );
    scene.ask(&mut bob, say("hello")).await.expect("is lifted");
    scene.journal.take();
    scene.ask(&mut ana, lift()).await.expect("is OK");
    assert!(scene.journal.take().is_empty(), "and nothing else happens");
}

#[tokio::test]
async fn of_the_mutes_of_a_token_and_a_moderator_the_later_counts() {
    for (by_token, until) in [(1_030, 1_060), (1_090, 1_090)] {
        let scene = world().build();
        let mut ana = ana(&scene).await;
        let token = format!("bob:ana/demo,muted={by_token}");
        let mut bob = scene.connect(2, &token, in_room("bob")).await;
        scene.ask(&mut ana, mute("bob", 60)).await.expect("may");
        let answer = scene.ask(&mut bob, say("hello")).await;
        assert_eq!(answer, Err(muted(until)));
    }
}

#[tokio::test]
async fn somebody_banned_loses_room_and_draft_at_once_and_gets_neither_again() {
    let scene = world().build();
    let (mut ana, mut bob) = (ana(&scene).await, bob(&scene).await);
    let answer = scene.ask(&mut ana, ban("bob", Some(60))).await;
    let until = Some(Timestamp::from_secs(1_060));
    let reply = Reply::ChatBan {
        user: user("bob"),
        until,
        address: false,
    };
    assert_eq!(answer, Ok(vec![reply]));
    assert_eq!(
        scene.journal.take(),
        [
            "keep ban of ana/demo",
            "unsubscribe #2 room ana/demo",
            "leave ana/demo bob",
            "tell #1 #2: ban bob until 1060",
        ],
        "before their own task has done anything"
    );
    let chat = || authenticate(BOB, chatting("bob", "ana/demo"));
    let refused = || Err(banned(Some(1_060)));
    for command in [
        say("hello"),
        Command::ChatHistory(Ok(None)),
        Command::ChatMembers,
        Command::LeaveRoom,
        listen(),
        creation("again"),
        Command::FinishPullRequest,
    ] {
        let shown = format!("{command:?}");
        assert_eq!(scene.ask(&mut bob, command).await, refused(), "{shown}");
    }
    let journal = scene.journal.take();
    let ended = ["draft discard", "unsubscribe #2 room ana/demo"];
    assert_eq!(journal, ended, "they leave the room only once");
    assert!(
        bob.draft.is_none() && bob.roles.viewer,
        "they may still view"
    );
    let answer = scene.ask(&mut bob, post("/mine", "y")).await;
    assert!(is_unauthorized(&answer), "{answer:?}");
    let (_, status) = you(&scene, &mut bob).await;
    assert!(status.read && !status.chat && !status.listen && !status.propose);
    assert_eq!(scene.ask(&mut bob, chat()).await, refused());
    assert!(
        !bob.is_authenticated(),
        "a failed authenticate fails closed"
    );
    scene.at(1_060);
    scene.ask(&mut bob, chat()).await.expect("it is over");
    scene
        .ask(&mut bob, say("hello"))
        .await
        .expect("is a member");
}

#[tokio::test]
async fn a_ban_without_an_end_is_lifted_and_the_refusal_says_no_time() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    let mut bob = new_session(2);
    let chat = || authenticate(BOB, chatting("bob", "ana/demo"));
    assert_eq!(scene.ask(&mut bob, chat()).await, Err(banned(None)));
    for command in [say("hello"), listen()] {
        let viewing = authenticate(BOB, viewing("bob", "ana/demo"));
        scene.ask(&mut bob, viewing).await.expect("may view");
        let answer = scene.ask(&mut bob, command).await;
        assert_eq!(answer, Err(banned(None)), "though never in the room");
    }
    scene.journal.take();
    let answer = scene.ask(&mut ana, unban("bob")).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Unban)]));
    assert_eq!(
        scene.journal.take(),
        ["keep unban of ana/demo", "tell #1 #2: unban bob"]
    );
    scene.ask(&mut bob, chat()).await.expect("is lifted");
}

#[tokio::test]
async fn a_failed_authenticate_of_somebody_banned_counts_like_any_401() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    let mut bob = new_session(2);
    for last in [false, false, true] {
        let command = authenticate(BOB, chatting("bob", "ana/demo"));
        let outcome = execute(&scene.app, &mut bob, command).await;
        let is_last = matches!(outcome, CommandOutcome::RefusedForGood(_));
        assert_eq!(is_last, last);
    }
}

#[tokio::test]
async fn who_listens_under_the_name_stops_and_others_go_on() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut bob = scene.connect(2, BOB, Sections::default()).await;
    let mut nobody = new_session(3);
    for session in [&mut bob, &mut nobody] {
        scene.ask(session, listen()).await.expect("may listen");
    }
    scene.journal.take();
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    assert_eq!(
        scene.journal.take(),
        [
            "keep ban of ana/demo",
            "unsubscribe #2 room ana/demo",
            "tell #1 #2: ban bob",
        ]
    );
    let answer = scene.ask(&mut bob, Command::ChatMembers).await;
    assert_eq!(answer, Err(banned(None)));
    assert_eq!(bob.listening, None);
    let members = scene.ask(&mut nobody, Command::ChatMembers).await;
    members.expect("is not banned");
    // If a listener shows a token of a banned bearer, it hears no more.
    let command = authenticate(BOB, Sections::default());
    scene.ask(&mut nobody, command).await.expect("is a token");
    assert_eq!(nobody.listening, None);
}

#[tokio::test]
async fn the_ban_of_a_guest_concerns_all_guests_from_their_addresses() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut bob = guest(&scene, 2, 7, GUEST).await;
    let mut eve = guest(&scene, 3, 7, OTHER_GUEST).await;
    let mut elsewhere = guest(&scene, 4, 8, OTHER_GUEST).await;
    let mut pat = session_from(5, 7);
    let command = authenticate("pat:ana/demo", in_room("pat"));
    scene.ask(&mut pat, command).await.expect("a user");
    scene.journal.take();

    let answer = scene.ask(&mut ana, ban("~bob", None)).await;
    let reply = Reply::ChatBan {
        user: user("~bob"),
        until: None,
        address: true,
    };
    assert_eq!(answer, Ok(vec![reply]));
    let mut journal = scene.journal.take();
    journal.sort();
    assert_eq!(
        journal,
        [
            "keep ban of ana/demo",
            "leave ana/demo ~bob",
            "leave ana/demo ~eve",
            "tell #1 #2: ban ~bob",
            "tell #1 #3: ban ~eve",
            "unsubscribe #2 room ana/demo",
            "unsubscribe #3 room ana/demo",
        ]
    );
    for session in [&mut bob, &mut eve] {
        let answer = scene.ask(session, say("hello")).await;
        assert_eq!(answer, Err(banned(None)));
        let answer = scene.ask(session, creation("title")).await;
        assert_eq!(answer, Err(banned(None)));
        assert!(!you(&scene, session).await.1.propose);
    }
    for session in [&mut elsewhere, &mut pat] {
        let said = scene.ask(session, say("hello")).await;
        said.expect("another address, and a user of their own");
    }
    for (address, is_banned, name) in [(7, true, "one"), (8, false, "two")] {
        let mut session = session_from(9, address);
        let answer = scene
            .ask(&mut session, as_guest("ana/demo", Ok("new")))
            .await;
        assert_eq!(answer == Err(banned(None)), is_banned, "{answer:?}");
        let other = as_guest("dan/other", Ok(name));
        scene
            .ask(&mut session, other)
            .await
            .expect("another project");
    }
    scene.ask(&mut ana, unban("~bob")).await.expect("may");
    let mut session = session_from(9, 7);
    let answer = scene
        .ask(&mut session, as_guest("ana/demo", Ok("last")))
        .await;
    answer.expect("is lifted");
}

#[tokio::test]
async fn a_guest_who_has_left_is_banned_by_the_address_that_took_the_name() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut taker = session_from(2, 7);
    let name = as_guest("ana/demo", Ok("bob"));
    scene.ask(&mut taker, name).await.expect("is free");
    scene.ask(&mut ana, ban("~bob", None)).await.expect("may");
    let answer = scene.ask(&mut taker, as_guest("ana/demo", Ok("new"))).await;
    assert_eq!(answer, Err(banned(None)));
}

#[tokio::test]
async fn no_ban_concerns_an_address_that_others_share() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut taker = new_session(2);
    let name = as_guest("ana/demo", Ok("bob"));
    scene.ask(&mut taker, name).await.expect("is free");
    let command = authenticate(GUEST, in_room("~bob"));
    scene.ask(&mut taker, command).await.expect("is a guest");
    let answer = scene.ask(&mut ana, ban("~bob", None)).await;
    let [Reply::ChatBan { address, .. }] = answer.as_deref().expect("may") else {
        panic!("{answer:?}");
    };
    assert!(!address);
    let mut other = new_session(3);
    let name = as_guest("ana/demo", Ok("eve"));
    scene.ask(&mut other, name).await.expect("is not banned");
    // A ban no longer concerns an address once others share it.
    let mut bob = guest(&scene, 4, 7, OTHER_GUEST).await;
    scene.ask(&mut ana, ban("~eve", None)).await.expect("may");
    bob.is_address_bannable = false;
    bob.address = ClientAddress(7);
    let name = as_guest("ana/demo", Ok("pat"));
    scene.ask(&mut bob, name).await.expect("is shared now");
}

#[tokio::test]
async fn a_guest_is_not_named_like_one_who_moderates_is_there_or_is_muted_or_banned() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, Sections::default()).await;
    for command in [mute("~eve", 60), ban("pat", None)] {
        scene.ask(&mut moderator, command).await.expect("may");
    }
    let bob = bob_in_the_room(&scene).await;
    let mut newcomer = new_session(9);
    for (name, suggestion) in [
        ("Ana", Some("Ana-2")),
        ("MOD", Some("MOD-2")),
        ("bob", Some("bob-2")),
        ("Eve", Some("Eve-2")),
        ("pat", Some("pat-2")),
        ("zoe", None),
    ] {
        let answer = scene
            .ask(&mut newcomer, as_guest("ana/demo", Ok(name)))
            .await;
        let free = match answer {
            Err(RequestError::NameTaken { free }) => Some(free.as_str().to_owned()),
            Ok(_) => None,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(free.as_deref(), suggestion, "{name}");
    }
    // Somebody who has left is no longer there; what a moderator has done stays.
    for session in [bob, moderator] {
        let application = Arc::clone(&scene.app);
        drop(SessionGuard {
            application,
            session,
        });
    }
    scene.ask(&mut ana, unban("pat")).await.expect("may");
    for (name, is_free) in [("bob", true), ("pat", true), ("mod", false)] {
        let answer = scene
            .ask(&mut newcomer, as_guest("ana/demo", Ok(name)))
            .await;
        assert_eq!(answer.is_ok(), is_free, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_guest_is_moderated_in_any_case_of_their_name() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut bob = guest(&scene, 2, 7, GUEST).await;
    let answer = scene.ask(&mut ana, mute("~BOB", 60)).await;
    let until = Timestamp::from_secs(1_060);
    let expected = Reply::ChatMute {
        user: user("~bob"),
        until,
        address: true,
    };
    assert_eq!(answer, Ok(vec![expected]));
    let told = scene.journal.take().pop();
    let told = told.expect("they are told");
    assert_eq!(told, "tell #1 #2: mute ~bob until 1060", "as they spell it");
    assert_eq!(scene.ask(&mut bob, say("hello")).await, Err(muted(1_060)));
    let unmute = Command::Unmute(Ok(user("~Bob")));
    scene.ask(&mut ana, unmute).await.expect("may");
    scene.ask(&mut bob, say("hello")).await.expect("is lifted");
    scene.ask(&mut ana, ban("~boB", None)).await.expect("may");
    let mut elsewhere = session_from(3, 8);
    let same = authenticate(GUEST, in_room("~bob"));
    assert_eq!(scene.ask(&mut elsewhere, same).await, Err(banned(None)));
    let moderation = moderation(&scene, &mut ana).await;
    let names: Vec<_> = moderation.banned().keys().map(UserName::as_str).collect();
    assert_eq!(names, ["~bob"]);
}

#[tokio::test]
async fn the_mute_of_a_guest_holds_for_all_guests_from_their_addresses() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut bob = guest(&scene, 2, 7, GUEST).await;
    let mut eve = guest(&scene, 3, 7, OTHER_GUEST).await;
    let mut elsewhere = guest(&scene, 4, 8, "~zoe:ana/demo,guest=1,rights=read+chat").await;
    let mut pat = session_from(5, 7);
    let command = authenticate("pat:ana/demo", in_room("pat"));
    scene.ask(&mut pat, command).await.expect("a viewer may");
    scene.journal.take();

    scene.ask(&mut ana, mute("~bob", 60)).await.expect("may");
    let told = [
        "keep mute of ana/demo",
        "tell #1 #2: mute ~bob until 1060",
        "tell #1 #3: mute ~eve until 1060",
    ];
    assert_eq!(scene.journal.take(), told);
    for session in [&mut bob, &mut eve] {
        assert_eq!(scene.ask(session, say("hello")).await, Err(muted(1_060)));
    }
    for session in [&mut elsewhere, &mut pat] {
        let said = scene.ask(session, say("hello")).await;
        said.expect("another address, and a user of their own");
    }
    let mut third = session_from(6, 7);
    let name = as_guest("ana/demo", Ok("new"));
    scene.ask(&mut third, name).await.expect("is not banned");
    let mut third = guest(&scene, 6, 7, "~new:ana/demo,guest=1,rights=read+chat").await;
    assert_eq!(scene.ask(&mut third, say("hello")).await, Err(muted(1_060)));

    let unmute = Command::Unmute(Ok(user("~bob")));
    scene.journal.take();
    scene.ask(&mut ana, unmute).await.expect("may");
    let told = scene.journal.take();
    assert!(
        told.contains(&"tell #1 #3: unmute ~eve".to_owned()),
        "{told:?}"
    );
    for session in [&mut bob, &mut eve, &mut third] {
        scene.ask(session, say("hello")).await.expect("is lifted");
    }
}

#[tokio::test]
async fn guests_say_from_where_they_speak_unless_others_share_it_and_users_do_not() {
    for (token, who, address, counts) in [
        (GUEST, "~bob", true, Some(ClientAddress(7))),
        (GUEST, "~bob", false, None),
        (BOB, "bob", true, None),
    ] {
        let mut world = world();
        let say_it = world.rooms.expect_say();
        say_it.once().returning(move |_, _, message, _, _| {
            assert_eq!(message.guests_address, counts, "{}", message.username);
            Ok(())
        });
        let scene = world.build();
        let mut session = session_from(2, 7);
        if !address {
            session.is_address_bannable = false;
        }
        let command = authenticate(token, in_room(who));
        scene.ask(&mut session, command).await.expect("may");
        scene.ask(&mut session, say("hello")).await.expect("may");
    }
}

#[tokio::test]
async fn where_names_of_guests_cannot_be_read_they_are_banned_all_the_same() {
    let mut world = world();
    let address_of = world.guests.expect_address_of();
    address_of.returning(|_, _, _| Err(disk_full()));
    let scene = world.build();
    let mut ana = ana(&scene).await;
    let mut bob = guest(&scene, 2, 7, GUEST).await;
    let answer = scene.ask(&mut ana, ban("~bob", None)).await;
    let [Reply::ChatBan { address, .. }] = answer.as_deref().expect("may") else {
        panic!("{answer:?}");
    };
    assert!(address, "where they are now");
    assert_eq!(scene.ask(&mut bob, say("hello")).await, Err(banned(None)));
}

#[tokio::test]
async fn an_address_that_has_had_its_names_makes_nobody_read_what_was_decided() {
    let mut world = world();
    let looks = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&looks);
    world.moderation.expect_load().returning(move |_| {
        noted.fetch_add(1, Ordering::Relaxed);
        Ok(Moderation::default())
    });
    let scene = world.build();
    let mut taker = session_from(2, 7);
    for name in ["one", "two", "three"] {
        let name = as_guest("ana/demo", Ok(name));
        scene.ask(&mut taker, name).await.expect("is free");
    }
    scene.app.moderations.reclaim();
    assert!(scene.app.moderations.is_empty());
    let answer = scene
        .ask(&mut taker, as_guest("ana/demo", Ok("four")))
        .await;
    assert!(
        matches!(answer, Err(RequestError::RateLimited { .. })),
        "{answer:?}"
    );
    assert_eq!(looks.load(Ordering::Relaxed), 1, "not for the fourth");
}

#[tokio::test]
async fn where_reading_needs_a_token_nobody_speaks_for_longer_by_becoming_a_guest() {
    let mut world = world();
    world.policy.public.read = false;
    let scene = world.build();
    let mut ana = ana(&scene).await;
    let mut bob = scene.connect(2, BOB, Sections::default()).await;
    scene.ask(&mut ana, mute("bob", 60)).await.expect("may");
    let answer = scene.ask(&mut bob, as_guest("ana/demo", Ok("new"))).await;
    let Ok([Reply::GuestEnter(pass)]) = answer.as_deref() else {
        panic!("{answer:?}");
    };
    assert!(pass.token.contains("muted_until: Some(Timestamp(1060000))"));
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    let answer = scene.ask(&mut bob, as_guest("ana/demo", Ok("other"))).await;
    assert_eq!(answer, Err(banned(None)));
}

#[tokio::test]
async fn of_two_bans_that_keep_somebody_from_becoming_a_guest_the_later_end_counts() {
    let mut world = world();
    world.policy.public.read = false;
    let scene = world.build();
    let mut ana = ana(&scene).await;
    let mut bob = session_from(2, 7);
    let login = authenticate(BOB, Sections::default());
    scene.ask(&mut bob, login).await.expect("is valid");
    let entered = scene.ask(&mut bob, as_guest("ana/demo", Ok("new"))).await;
    entered.expect("is free");
    let of_address = ban("~new", Some(60));
    scene.ask(&mut ana, of_address).await.expect("may");
    for (own, until) in [
        (None, None),
        (Some(30), Some(1_060)),
        (Some(90), Some(1_090)),
    ] {
        scene.ask(&mut ana, ban("bob", own)).await.expect("may");
        let answer = scene.ask(&mut bob, as_guest("ana/demo", Ok("other"))).await;
        assert_eq!(answer, Err(banned(until)), "{own:?}");
    }
}

#[tokio::test]
async fn a_moderator_is_like_the_streamer_until_they_are_muted_or_banned_themselves() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, in_room("mod")).await;
    let mut bob = scene.connect(3, BOB, in_room("bob")).await;
    assert!(you(&scene, &mut moderator).await.1.moderate);
    assert!(!you(&scene, &mut bob).await.1.moderate);
    scene
        .ask(&mut moderator, mute("bob", 60))
        .await
        .expect("may");
    let told = scene.journal.take().pop();
    assert_eq!(told.as_deref(), Some("tell #1 #2 #3: mute bob until 1060"));
    let answer = scene.ask(&mut bob, mute("mod", 60)).await;
    assert!(is_unauthorized(&answer));

    scene.ask(&mut ana, mute("mod", 30)).await.expect("may");
    assert!(!you(&scene, &mut moderator).await.1.moderate);
    let answer = scene.ask(&mut moderator, Command::ShowModeration).await;
    assert_eq!(answer, Err(muted(1_030)));
    scene
        .ask(&mut ana, Command::Unmute(Ok(user("bob"))))
        .await
        .expect("may");
    let told = scene.journal.take().pop();
    assert_eq!(
        told.as_deref(),
        Some("tell #1 #3: unmute bob"),
        "not the moderator"
    );
    scene.at(1_030);
    let shown = scene.ask(&mut moderator, Command::ShowModeration).await;
    shown.expect("it is over");
    scene.ask(&mut ana, ban("mod", None)).await.expect("may");
    for command in [unban("mod"), Command::Announce(Ok("hello".into()))] {
        let answer = scene.ask(&mut moderator, command).await;
        assert_eq!(answer, Err(banned(None)));
    }
}

#[tokio::test]
async fn a_moderator_who_is_banned_while_they_wait_for_their_turn_decides_nothing() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, in_room("mod")).await;
    let moderated = scene.app.moderations.of(&demo());
    let turn = moderated.turn.lock().await;
    let (banning, unbanning, ()) = tokio::join!(
        scene.ask(&mut ana, ban("mod", None)),
        scene.ask(&mut moderator, unban("mod")),
        async { drop(turn) },
    );
    banning.expect("may");
    assert_eq!(unbanning, Err(banned(None)));
    let answer = scene.ask(&mut moderator, unban("mod")).await;
    assert_eq!(answer, Err(banned(None)));
}

#[tokio::test]
async fn nothing_is_decided_about_the_streamer() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, Sections::default()).await;
    for command in [
        mute("ana", 60),
        ban("ana", None),
        Command::Unmute(Ok(user("ana"))),
        unban("ana"),
    ] {
        assert!(is_bad(&scene.ask(&mut moderator, command).await));
    }
    assert!(scene.journal.take().is_empty());
    scene.ask(&mut ana, say("hello")).await.expect("may");
}

#[tokio::test]
async fn slow_mode_is_for_everybody_but_those_who_moderate() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let mut bob = scene.connect(2, BOB, in_room("bob")).await;
    let mut moderator = scene.connect(3, MOD, in_room("mod")).await;
    let slow = |seconds| Command::Slow(Ok(seconds));
    let answer = scene.ask(&mut ana, slow(30)).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Slow)]));
    assert_eq!(
        scene.journal.take(),
        ["keep slow of ana/demo", "slow ana/demo 30"]
    );
    assert_eq!(you(&scene, &mut bob).await.0, Some(30));
    for session in [&mut ana, &mut bob, &mut moderator] {
        scene.ask(session, say("hello")).await.expect("may");
    }
    assert_eq!(
        scene.journal.take(),
        [
            "say ana/demo ana: hello",
            "say ana/demo bob: hello slow 30",
            "say ana/demo mod: hello",
        ]
    );
    scene.ask(&mut ana, slow(30)).await.expect("is OK");
    assert!(scene.journal.take().is_empty(), "nothing has changed");
    scene.ask(&mut ana, slow(0)).await.expect("may");
    scene.journal.take();
    scene.ask(&mut bob, say("hello")).await.expect("may");
    assert_eq!(scene.journal.take(), ["say ana/demo bob: hello"]);
}

#[tokio::test]
async fn a_message_that_the_room_has_had_is_deleted_and_no_other() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    for id in [None, Some(0), Some(6)] {
        let answer = scene.ask(&mut ana, Command::DeleteMessage(Ok(id))).await;
        assert!(is_bad(&answer), "{id:?}");
    }
    assert!(scene.journal.take().is_empty());
    for id in [1, 2] {
        let answer = scene
            .ask(&mut ana, Command::DeleteMessage(Ok(Some(id))))
            .await;
        assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::DeleteMessage)]));
        assert_eq!(
            scene.journal.take(),
            [
                "keep delete of ana/demo".to_owned(),
                format!("delete message {id} of ana/demo"),
            ]
        );
    }
    let log = moderation(&scene, &mut ana).await;
    let about: Vec<_> = log
        .log()
        .map(|action| action.deed.user().cloned())
        .collect();
    assert_eq!(about, [None, Some(user("bob"))], "as far as it is known");
}

#[tokio::test]
async fn an_announcement_has_the_limits_of_a_message_and_needs_no_membership() {
    let scene = world().build();
    let mut moderator = scene.connect(2, MOD, Sections::default()).await;
    let announce = |text: String| Command::Announce(Ok(text.into()));
    let answer = scene.ask(&mut moderator, announce("é".repeat(8))).await;
    assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::Announce)]));
    assert_eq!(
        scene.journal.take(),
        [
            "keep announce of ana/demo",
            "announce ana/demo mod: éééééééé"
        ]
    );
    assert!(is_bad(
        &scene.ask(&mut moderator, announce(String::new())).await
    ));
    let answer = scene.ask(&mut moderator, announce("é".repeat(9))).await;
    assert_eq!(answer, Err(over("maxChatBytes", 16)));
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn so_many_people_are_moderated_and_one_more_is_413() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    for name in ["a", "b", "c"] {
        scene.ask(&mut ana, mute(name, 60)).await.expect("has room");
    }
    scene
        .ask(&mut ana, ban("a", None))
        .await
        .expect("is the same");
    scene.journal.take();
    for command in [mute("d", 1), ban("d", None)] {
        let answer = scene.ask(&mut ana, command).await;
        assert_eq!(answer, Err(over("maxModerated", 3)));
    }
    assert!(scene.journal.take().is_empty());
    let shown = moderation(&scene, &mut ana).await;
    assert_eq!((shown.muted().len(), shown.banned().len()), (3, 1));
    scene.at(1_060);
    let shown = moderation(&scene, &mut ana).await;
    assert_eq!((shown.muted().len(), shown.log().len()), (0, 4));
}

#[tokio::test]
async fn what_cannot_be_kept_takes_no_effect_and_is_told_to_nobody() {
    let mut world = world();
    let fails = |_: &_, _| Err(disk_full());
    world.moderation.expect_save().times(4).returning(fails);
    let scene = world.build();
    let (mut ana, mut bob) = (ana(&scene).await, bob(&scene).await);
    for command in [
        mute("bob", 60),
        ban("bob", None),
        Command::DeleteMessage(Ok(Some(2))),
        Command::Announce(Ok("hear".into())),
    ] {
        let answer = scene.ask(&mut ana, command).await;
        assert_eq!(answer, Err(RequestError::Internal));
        assert!(scene.journal.take().is_empty());
    }
    scene
        .ask(&mut bob, say("hello"))
        .await
        .expect("is a member");
    assert!(bob.draft.is_some());
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    assert_eq!(moderation(&scene, &mut ana).await.log().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_keeps_everybody_out_but_the_streamer() {
    let mut world = world();
    let fails = |_: &_| Err(StoreError::failed("it is damaged"));
    world.moderation.expect_load().returning(fails);
    let scene = world.build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, say("hello")).await.expect("may");
    let (slow, anas) = you(&scene, &mut ana).await;
    assert!(anas.chat && anas.stream && !anas.moderate);
    assert_eq!(slow, None);
    let internal = || Err(RequestError::Internal);
    assert_eq!(scene.ask(&mut ana, mute("bob", 60)).await, internal());
    let mut bob = scene.connect(2, BOB, viewing("bob", "ana/demo")).await;
    for command in [creation("title"), listen(), as_guest("ana/demo", Ok("new"))] {
        assert_eq!(scene.ask(&mut bob, command).await, internal());
    }
    let (_, status) = you(&scene, &mut bob).await;
    assert!(status.read && !status.chat && !status.listen && !status.propose);
    let command = authenticate(BOB, chatting("bob", "ana/demo"));
    assert_eq!(scene.ask(&mut bob, command).await, internal());
    let journal = scene.journal.take();
    assert!(!journal.iter().any(|entry| entry.starts_with("keep")));
}

#[tokio::test]
async fn a_room_of_no_project_has_no_moderators() {
    let scene = world().build();
    let token = "bob:ana/demo,role=moderator,room=lounge";
    let mut bob = scene.connect(2, token, chatting("bob", "lounge")).await;
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    let said = scene.ask(&mut bob, say("hello")).await;
    said.expect("the lounge is nobody's");
    let (_, status) = you(&scene, &mut bob).await;
    assert!(status.chat && !status.propose && !status.moderate);
}

#[tokio::test]
async fn a_ban_made_while_a_token_had_expired_ends_the_draft_when_it_is_renewed() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    let short = "bob:ana/demo,exp=1010";
    let mut bob = scene.connect(2, short, viewing("bob", "ana/demo")).await;
    scene.ask(&mut bob, creation("title")).await.expect("may");
    scene.at(1_010);
    let told = crate::application::session::expiry::withdraw_expired(&scene.app, &mut bob);
    drop(told);
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    let renewed = authenticate(BOB, viewing("bob", "ana/demo"));
    scene.ask(&mut bob, renewed).await.expect("may view");
    assert!(bob.draft.is_none());
}

#[tokio::test]
async fn a_project_that_nobody_uses_takes_no_memory_and_is_as_it_was_when_somebody_comes() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    scene.app.moderations.reclaim();
    assert!(!scene.app.moderations.is_empty(), "she is there");
    // As if its connection had ended.
    drop(crate::application::session::disconnect::SessionGuard {
        application: std::sync::Arc::clone(&scene.app),
        session: std::mem::replace(&mut ana, new_session(9)),
    });
    you(&scene, &mut ana).await;
    let forget = || {
        // The one for whom it was read need not come again.
        scene.app.moderations.reclaim();
        scene.app.moderations.is_empty()
    };
    assert!(forget());
    let mut bob = new_session(2);
    let command = authenticate(BOB, chatting("bob", "ana/demo"));
    assert_eq!(scene.ask(&mut bob, command).await, Err(banned(None)));
    assert!(forget());
}

#[tokio::test]
async fn what_was_decided_in_a_removed_project_is_forgotten() {
    let scene = world().build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, ban("bob", None)).await.expect("may");
    scene
        .app
        .moderations
        .remove(&demo())
        .await
        .expect("removes");
    let bob = scene.connect(2, BOB, chatting("bob", "ana/demo")).await;
    assert!(bob.roles.room.is_some());
    let shown = moderation(&scene, &mut ana).await;
    assert_eq!(shown, Moderation::default());
}
