//! What happens to moderation in the store and in memory: what cannot be read, what is left of
//! earlier projects, and how often moderators may decide something.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::application::command::{Command, Mute, RequestKind};
use crate::application::moderation::follow::follow_decisions;
use crate::application::moderation::unreadable::Kind;
use crate::application::ports::{Decided, ProjectState, StoreError};
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, Scene, World, authenticate, both, chatting, demo, new_session, over, streaming, user,
    viewing,
};
use crate::domain::{
    Action, Bound, Deed, Moderation, PublicAccess, RateLimit, RoomName, Timestamp, UnknownMessage,
    Uptime,
};

const MOD: &str = "mod:ana/demo,role=moderator";

fn mute(name: &str) -> Command {
    let user = user(name);
    Command::Mute(Ok(Mute { user, seconds: 60 }))
}

fn listen() -> Command {
    Command::Listen(Ok(RoomName::parse("ana/demo").expect("a room")))
}

fn public() -> World {
    let mut world = World::new();
    world.policy.public = PublicAccess {
        read: true,
        chat: true,
    };
    world
}

async fn ana(scene: &Scene) -> Session {
    let sections = both(streaming("ana/demo"), chatting("ana", "ana/demo"));
    let ana = scene.connect(1, ANA, sections).await;
    scene.journal.take();
    ana
}

/// The seconds of slow mode, and whether the session may listen.
async fn status(scene: &Scene, session: &mut Session) -> (Option<u32>, bool) {
    let answer = scene.ask(session, Command::ProjectStatus(Ok(demo()))).await;
    match answer.as_deref() {
        Ok([Reply::FileStatus(status)]) => (status.slow, status.you.listen),
        _ => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn nobody_listens_while_it_cannot_be_read_not_even_without_a_token() {
    let is_damaged = Arc::new(AtomicBool::new(true));
    let loads = Arc::new(AtomicUsize::new(0));
    let mut world = public();
    let (damaged, counted) = (Arc::clone(&is_damaged), Arc::clone(&loads));
    world.moderation.expect_load().returning(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        if damaged.load(Ordering::Relaxed) {
            return Err(StoreError::failed("it is damaged"));
        }
        Ok(Moderation::default())
    });
    let scene = world.build();
    let mut nobody = new_session(1);
    let mut bob = scene.connect(2, BOB, viewing("bob", "ana/demo")).await;
    for session in [&mut nobody, &mut bob] {
        let answer = scene.ask(session, listen()).await;
        assert_eq!(answer, Err(RequestError::Internal));
        assert!(session.listening.is_none());
        scene
            .ask(session, Command::ChatHistory(Ok(None)))
            .await
            .expect_err("hears nothing");
        assert_eq!(status(&scene, session).await, (None, false));
    }
    let mut ana = ana(&scene).await;
    assert_eq!(status(&scene, &mut ana).await, (None, true));
    assert_eq!(loads.load(Ordering::Relaxed), 1, "not for each who asks");
    let at = |seconds| Uptime::default().plus(Duration::from_secs(seconds));
    is_damaged.store(false, Ordering::Relaxed);
    scene.app.moderations.sweep(at(2));
    let still = scene.ask(&mut nobody, listen()).await;
    assert_eq!(still, Err(RequestError::Internal));
    scene.app.moderations.sweep(at(3));
    for session in [&mut nobody, &mut bob] {
        scene.ask(session, listen()).await.expect("may");
        assert_eq!(status(&scene, session).await, (Some(0), true));
    }
}

#[tokio::test]
async fn the_log_tells_once_in_a_while_that_a_projects_moderation_cannot_be_read() {
    let scene = public().build();
    let moderations = &scene.app.moderations;
    let unreadable = moderations.unreadable();
    let tells = |kind| unreadable.note(kind, &demo());
    assert!(tells(Kind::Moderation));
    assert!(!tells(Kind::Moderation));
    assert!(tells(Kind::Guests));
    unreadable.forget(Kind::Moderation, &demo());
    assert!(tells(Kind::Moderation), "it is damaged again");
    let at = |seconds| Uptime::default().plus(Duration::from_secs(seconds));
    moderations.sweep(at(599));
    assert!(!tells(Kind::Moderation));
    moderations.sweep(at(600));
    assert!(tells(Kind::Moderation));
    assert!(tells(Kind::Guests));
}

#[tokio::test]
async fn what_could_not_be_read_is_forgotten_at_once_with_the_project() {
    let mut world = public();
    let fails = |_: &_| Err(StoreError::failed("it is damaged"));
    world.moderation.expect_load().times(1).returning(fails);
    world
        .moderation
        .expect_load()
        .returning(|_| Ok(Moderation::default()));
    let scene = world.build();
    let mut nobody = new_session(1);
    let refused = scene.ask(&mut nobody, listen()).await;
    assert_eq!(refused, Err(RequestError::Internal));
    let removed = scene.app.moderations.remove(&demo()).await;
    removed.expect("is removed");
    scene.app.moderations.reclaim();
    assert!(scene.app.moderations.is_empty());
    scene.ask(&mut nobody, listen()).await.expect("may");
}

#[tokio::test]
async fn what_was_read_for_somebody_is_read_once_for_those_who_ask_soon_after() {
    let loads = Arc::new(AtomicUsize::new(0));
    let mut world = public();
    let counted = Arc::clone(&loads);
    world.moderation.expect_load().returning(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(Moderation::default())
    });
    let scene = world.build();
    let mut nobody = new_session(1);
    for _ in 0..3 {
        status(&scene, &mut nobody).await;
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }
    let at = |seconds| Uptime::default().plus(Duration::from_secs(seconds));
    scene.app.moderations.sweep(at(30));
    status(&scene, &mut nobody).await;
    assert_eq!(loads.load(Ordering::Relaxed), 1, "it was needed again");
    scene.app.moderations.sweep(at(60));
    scene.app.moderations.sweep(at(90));
    assert!(scene.app.moderations.is_empty());
    status(&scene, &mut nobody).await;
    assert_eq!(loads.load(Ordering::Relaxed), 2);
    assert!(!scene.app.moderations.reclaim(), "it was not much");
    assert!(scene.app.moderations.is_empty());
}

#[tokio::test]
async fn a_new_project_has_nothing_of_an_earlier_one_of_its_name() {
    for (state, expected) in [
        (
            ProjectState::Absent,
            &["forget the moderation of ana/demo", "register ana/demo"][..],
        ),
        (ProjectState::Registered, &["register ana/demo"]),
    ] {
        let mut world = World::new();
        let found = move |_: &_| Ok(state);
        world.projects.expect_state().returning(found);
        let scene = world.build();
        let command = authenticate(ANA, streaming("ana/demo"));
        let mut ana = new_session(1);
        scene.ask(&mut ana, command).await.expect("may");
        let mut journal = scene.journal.take();
        journal.retain(|entry| entry.starts_with("forget") || entry.starts_with("register"));
        assert_eq!(journal, expected);
    }
    // The rest of an earlier project goes before the new one is registered, not after: otherwise a
    // crash would leave that rest to the new one.
    let mut world = World::new();
    let absent = |_: &_| Ok(ProjectState::Absent);
    world.projects.expect_state().returning(absent);
    let fails = |_: &_| Err(StoreError::failed("read-only"));
    world.moderation.expect_remove().returning(fails);
    let scene = world.build();
    let command = authenticate(ANA, streaming("ana/demo"));
    let answer = scene.ask(&mut new_session(1), command).await;
    assert_eq!(answer, Err(RequestError::Internal));
    let journal = scene.journal.take();
    assert!(!journal.iter().any(|entry| entry.starts_with("register")));
}

#[tokio::test]
async fn a_moderator_decides_no_more_often_than_they_may_write() {
    let mut world = World::new();
    world.limits.chat_rate = RateLimit {
        per_second: 1,
        burst: 2,
    };
    let scene = world.build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, viewing("mod", "ana/demo")).await;
    scene.journal.take();
    let retry_after = Duration::from_secs(1);
    let refused = || Err(RequestError::RateLimited { retry_after });
    let commands = || {
        [
            mute("bob"),
            Command::Unmute(Ok(user("bob"))),
            Command::Unban(Ok(user("bob"))),
            Command::Slow(Ok(0)),
            Command::DeleteMessage(Ok(Some(1))),
            Command::Announce(Ok("hear".into())),
        ]
    };
    for command in commands().into_iter().take(2) {
        scene.ask(&mut moderator, command).await.expect("may");
    }
    scene.journal.take();
    for command in commands() {
        assert_eq!(scene.ask(&mut moderator, command).await, refused());
    }
    assert!(scene.journal.take().is_empty(), "nothing is kept or told");
    scene.ask(&mut ana, mute("eve")).await.expect("has her own");
    scene.at(1_001);
    scene.ask(&mut moderator, mute("bob")).await.expect("may");
    assert_eq!(scene.ask(&mut moderator, mute("bob")).await, refused());
}

#[tokio::test]
async fn a_message_that_is_gone_is_taken_off_the_screens_again_and_remembered_once() {
    let mut world = World::new();
    let author = |_: &_, id| match id {
        7 => Ok(None),
        _ => Err(UnknownMessage),
    };
    world.rooms.expect_author().returning(author);
    let scene = world.build();
    let mut ana = ana(&scene).await;
    let delete = || Command::DeleteMessage(Ok(Some(7)));
    scene.ask(&mut ana, delete()).await.expect("may");
    let deleted = "delete message 7 of ana/demo";
    assert_eq!(scene.journal.take(), ["keep delete of ana/demo", deleted]);
    for _ in 0..3 {
        let answer = scene.ask(&mut ana, delete()).await;
        assert_eq!(answer, Ok(vec![Reply::Done(RequestKind::DeleteMessage)]));
        assert_eq!(scene.journal.take(), [deleted]);
    }
}

#[tokio::test]
async fn a_moderator_leaves_the_streamer_room_to_mute() {
    let scene = World::new().build();
    let mut ana = ana(&scene).await;
    let mut moderator = scene.connect(2, MOD, viewing("mod", "ana/demo")).await;
    for name in ["a", "b"] {
        scene.ask(&mut moderator, mute(name)).await.expect("may");
    }
    let full = || Err(over("maxModerated", 3));
    assert_eq!(scene.ask(&mut moderator, mute("c")).await, full());
    scene.ask(&mut ana, mute("c")).await.expect("is hers");
    assert_eq!(scene.ask(&mut ana, mute("d")).await, full());
    scene.ask(&mut moderator, mute("c")).await.expect("is one");
}

/// What servers share, as this one sees it.
type Shared = Arc<Mutex<Moderation>>;

/// A world whose store another server uses, too, and the callback that hears of that server's
/// decisions.
fn shared_world() -> (World, Shared, Arc<OnceLock<Decided>>) {
    let (mut world, kept, decided) = (public(), Shared::default(), Arc::default());
    let found = Arc::clone(&kept);
    let load = world.moderation.expect_load();
    load.returning(move |_| Ok(found.lock().expect("not poisoned").clone()));
    let told = Arc::clone(&decided);
    let follow = world.moderation.expect_follow();
    follow.returning(move |decided| {
        let told: &OnceLock<_> = &told;
        assert!(told.set(decided).is_ok());
    });
    (world, kept, decided)
}

/// Another server's moderator decides something.
fn decide_elsewhere(kept: &Shared, deed: Deed) {
    let action = Action {
        date: Timestamp::from_secs(1_000),
        by: user("other"),
        deed,
    };
    let mut kept = kept.lock().expect("not poisoned");
    let changes = kept.carry_out(action, [], Bound::new(9, true));
    assert_eq!(changes, Ok(true));
}

#[tokio::test]
async fn a_decision_does_not_overwrite_that_of_another_server() {
    let (mut world, kept, _) = shared_world();
    let other = Arc::clone(&kept);
    let save = world.moderation.expect_save().once();
    save.returning(move |_, _| {
        decide_elsewhere(&other, Deed::Mute(user("eve"), 60));
        Ok(false)
    });
    let own = Arc::clone(&kept);
    let save = world.moderation.expect_save().once();
    save.returning(move |_, moderation| {
        *own.lock().expect("not poisoned") = Moderation::clone(&moderation);
        Ok(true)
    });
    let scene = world.build();
    let mut ana = ana(&scene).await;
    scene.ask(&mut ana, mute("bob")).await.expect("may");
    let kept = kept.lock().expect("not poisoned").clone();
    let muted: Vec<_> = kept.muted().keys().cloned().collect();
    assert_eq!(muted, [user("bob"), user("eve")]);
    let words: Vec<_> = kept.log().map(|action| action.by.to_string()).collect();
    assert_eq!(words, ["other", "ana"]);
}

#[tokio::test]
async fn who_is_banned_at_another_server_loses_the_room_here() {
    let (world, kept, decided) = shared_world();
    let scene = world.build();
    follow_decisions(&scene.app);
    let mut bob = scene
        .connect(2, "bob:ana/demo", chatting("bob", "ana/demo"))
        .await;
    scene.journal.take();
    decide_elsewhere(&kept, Deed::Ban(user("bob"), None));
    let decided = decided.get().expect("is followed");
    decided(&demo());
    let mut journal: Vec<String> = Vec::new();
    let told = async {
        while !journal.iter().any(|entry| entry.starts_with("tell")) {
            tokio::task::yield_now().await;
            journal.extend(scene.journal.take());
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), told).await;
    told.expect("is told in time");
    assert_eq!(
        journal,
        [
            "unsubscribe #2 room ana/demo",
            "leave ana/demo bob",
            "tell #2: ban bob",
        ]
    );
    let refused = scene
        .ask(&mut bob, Command::SendMessage(Ok("x".into())))
        .await;
    assert!(
        matches!(refused, Err(RequestError::Banned(_))),
        "{refused:?}"
    );
}
