//! Many orders of coming, speaking and being banned.

use std::pin::pin;
use std::sync::Arc;

use futures_util::poll;
use shuttle::future::block_on;
use shuttle::thread;

use crate::application::connection_id::ConnectionId;
use crate::application::locks::interleaved::check;
use crate::application::moderation::effect::take_effect;
use crate::application::moderation::moderated::{Moderated, Present};
use crate::application::session::summons::Summons;
use crate::application::test_world::{Scene, World, demo, user};
use crate::domain::{
    Action, Bound, Claims, Deed, Identity, Moderation, Person, Timestamp, UserName,
};

const ORDERS: usize = 400;
const ME: ConnectionId = ConnectionId(2);

fn now() -> Timestamp {
    Timestamp::from_secs(1_000)
}

fn bearer(name: &str) -> Identity {
    let claims = Claims {
        username: Some(name.to_owned()),
        streamer: Some("ana".to_owned()),
        project: Some("demo".to_owned()),
        expires_at: Timestamp::from_secs(2_000),
        ..Claims::default()
    };
    Identity::from_claims(&claims, now()).expect("valid")
}

/// Comes into the room and says two things; returns whether its session has been called.
fn come_and_speak(scene: &Scene, moderated: &Moderated, name: &UserName) -> bool {
    let summons = Arc::<Summons>::default();
    let present = Present {
        user: name.clone(),
        address: None,
        is_member: true,
        moderates: false,
        is_out: false,
        summons: Arc::clone(&summons),
    };
    let subscribe = || scene.journal.note("subscribe #2");
    moderated.attend(ME, present, subscribe, now());
    let bearer = bearer(name.as_str());
    for _ in 0..2 {
        let person = Person {
            user: name,
            address: None,
        };
        let floor = block_on(moderated.floor(&bearer, person, true, now()));
        if floor.is_ok() {
            scene.journal.note("say");
        }
    }
    summons.heed()
}

async fn ban(scene: &Scene, moderated: &Moderated, name: &UserName) {
    let action = Action {
        date: now(),
        by: user("ana"),
        deed: Deed::Ban(name.clone(), None),
    };
    let mut next = Moderation::default();
    let bound = Bound::new(9, true);
    next.carry_out(action.clone(), [], bound).expect("has room");
    let effect = take_effect(&scene.app, moderated, Arc::new(next), &action);
    effect.await.expect("the room is told");
}

#[test]
fn whoever_is_banned_says_and_hears_nothing_afterwards_however_they_come() {
    check(ORDERS, || {
        let scene = Arc::new(World::new().build());
        let moderated = scene.app.moderations.of(&demo());
        let comes = {
            let (scene, moderated) = (Arc::clone(&scene), Arc::clone(&moderated));
            thread::spawn(move || come_and_speak(&scene, &moderated, &user("bob")))
        };
        let bans = {
            let (scene, moderated) = (Arc::clone(&scene), Arc::clone(&moderated));
            thread::spawn(move || block_on(ban(&scene, &moderated, &user("bob"))))
        };
        let was_called = comes.join().expect("no panic");
        bans.join().expect("no panic");
        let journal = scene.journal.take();
        let told = journal.iter().position(|entry| entry.starts_with("tell"));
        let (before, after) = journal.split_at(told.expect("is told"));
        let heard = |entry: &String| entry == "subscribe #2" || entry == "say";
        assert!(!after.iter().any(heard), "{journal:?}");
        let subscribed = before.iter().any(|entry| entry == "subscribe #2");
        let ended = before
            .iter()
            .any(|entry| entry == "unsubscribe #2 room ana/demo");
        let left = before.iter().any(|entry| entry == "leave ana/demo bob");
        assert_eq!((subscribed, subscribed), (ended, left), "{journal:?}");
        // Its own task leaves the room, unless the ban has done so.
        assert_eq!(moderated.stand_up(ME), !left, "{journal:?}");
        assert!(was_called || moderated.take_out(ME), "{journal:?}");
    });
}

#[tokio::test]
async fn a_ban_waits_for_what_is_being_said() {
    let scene = World::new().build();
    let (moderated, bob) = (scene.app.moderations.of(&demo()), user("bob"));
    let bearer = bearer("bob");
    let person = || Person {
        user: &bob,
        address: None,
    };
    let floor = moderated.floor(&bearer, person(), true, now()).await;
    assert!(floor.is_ok());
    let mut bans = pin!(ban(&scene, &moderated, &bob));
    assert!(poll!(&mut bans).is_pending());
    assert!(scene.journal.take().is_empty(), "nobody is told yet");
    drop(floor);
    bans.await;
    let floor = moderated.floor(&bearer, person(), true, now()).await;
    assert!(floor.is_err());
}
