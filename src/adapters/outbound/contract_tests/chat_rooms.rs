//! What every adapter of the chat rooms must do. With two nodes, a test acts at one and looks at
//! the other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::adapters::outbound::contract_tests::nats_server;
use crate::adapters::outbound::memory::{self, MemoryChatRooms};
use crate::adapters::outbound::nats::{self, NatsSettings};
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::{
    ChatRooms, Clock as _, EventPublisher, SayError, StoreResources, Topic,
};
use crate::application::{ConnectionId, Event};
use crate::domain::{
    ChatMessage, ClientAddress, NewMessage, RateLimit, RoomLimits, RoomName, Timestamp,
    UnknownMessage, Uptime, UserName,
};

const ME: ConnectionId = ConnectionId(1);

/// What a node tells the members of the room `r` there, and which connection it leaves out.
#[derive(Debug, Clone)]
pub(in crate::adapters::outbound) struct Told(Arc<watch::Sender<Vec<OneTold>>>);

type OneTold = (String, Option<ConnectionId>);

impl Default for Told {
    fn default() -> Self {
        Self(Arc::new(watch::channel(Vec::new()).0))
    }
}

impl EventPublisher for Told {
    fn publish(&self, topic: &Topic, event: Event, but: Option<ConnectionId>) {
        if *topic != Topic::Room(room()) {
            return;
        }
        let what = match event {
            Event::ChatMessage(said) if said.is_announcement => format!("announced {}", said.text),
            Event::ChatMessage(said) => format!("said {}", said.text),
            Event::ChatDeleted { .. } => "deleted".to_owned(),
            Event::ChatSlowed { seconds, .. } => format!("slowed to {seconds}"),
            other => format!("{other:?}"),
        };
        self.0.send_modify(|told| told.push((what, but)));
    }

    fn tell(&self, _: &[ConnectionId], _: Event) {}
}

impl Told {
    /// What has been told, once it is `count` events.
    pub async fn until(&self, count: usize) -> Vec<String> {
        self.all_until(count)
            .await
            .into_iter()
            .map(|(what, _)| what)
            .collect()
    }

    /// The same, once `what` has been told.
    pub async fn until_told(&self, what: &str) -> Vec<String> {
        let mut told = self.0.subscribe();
        let all = told.wait_for(|told| told.iter().any(|(told, _)| told == what));
        let all = timeout(Duration::from_secs(20), all).await;
        let all = all.expect("is told in time").expect("is told").clone();
        all.into_iter().map(|(what, _)| what).collect()
    }

    async fn all_until(&self, count: usize) -> Vec<OneTold> {
        let mut told = self.0.subscribe();
        let enough = told.wait_for(|told| told.len() >= count);
        let enough = timeout(Duration::from_secs(20), enough).await;
        enough.expect("is told in time").expect("is told").clone()
    }
}

/// The rooms of one node.
#[derive(Clone)]
pub(in crate::adapters::outbound) struct Node {
    pub rooms: Arc<dyn ChatRooms>,
    pub told: Told,
}

pub(in crate::adapters::outbound) fn resources(told: &Told) -> StoreResources {
    StoreResources {
        events: Arc::new(told.clone()),
        room_limits: RoomLimits {
            history: 50,
            rate: RateLimit {
                per_second: 1,
                burst: 10,
            },
        },
        max_rooms: 3,
        ..StoreResources::default()
    }
}

impl Node {
    pub async fn on_engine(settings: &NatsSettings) -> Self {
        let told = Told::default();
        let files = memory::open_stores().uploads;
        let stores = nats::open_stores(settings, files, resources(&told)).await;
        let rooms = stores.expect("opens").rooms.expect("are shared");
        Self { rooms, told }
    }

    pub fn enter(&self, who: &str) {
        assert!(self.rooms.enter(&room(), &user(who), now()));
    }

    pub async fn say(&self, message: NewMessage) -> Result<(), SayError> {
        self.say_at(message, now()).await
    }

    async fn say_at(&self, message: NewMessage, now: Uptime) -> Result<(), SayError> {
        let rooms = &self.rooms;
        rooms
            .say(Some(ME), &room(), message, Box::new(()), now)
            .await
    }

    pub fn history(&self) -> Vec<ChatMessage> {
        self.rooms.history(&room(), 99)
    }

    /// The numbers of the messages in the history, which grow.
    fn ids(&self) -> Vec<u64> {
        let ids: Vec<_> = self.history().iter().map(|message| message.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        ids
    }
}

/// Two nodes, or one that stands for both.
pub(super) struct World {
    one: Node,
    other: Node,
}

impl World {
    pub fn in_memory() -> Self {
        let told = Told::default();
        let rooms = MemoryChatRooms::new(&resources(&told));
        let one = Node { rooms, told };
        let other = one.clone();
        Self { one, other }
    }

    pub async fn on_nats() -> Self {
        let one = Node::on_engine(&nats_server::settings()).await;
        let other = one.clone();
        Self { one, other }
    }

    pub async fn on_two_nodes() -> Self {
        let settings = nats_server::settings();
        Self {
            one: Node::on_engine(&settings).await,
            other: Node::on_engine(&settings).await,
        }
    }

    /// What both nodes tell, once it is `count` events.
    async fn told(&self, count: usize) -> Vec<String> {
        let told = self.one.told.until(count).await;
        assert_eq!(self.other.told.until(count).await, told);
        assert_eq!(told.len(), count, "{told:?}");
        assert_eq!(self.one.history(), self.other.history());
        told
    }
}

pub(in crate::adapters::outbound) fn room() -> RoomName {
    RoomName::parse("r").expect("a room")
}

fn user(name: &str) -> UserName {
    UserName::parse(name).expect("a user's name")
}

pub(in crate::adapters::outbound) fn now() -> Uptime {
    SystemClock.uptime()
}

pub(in crate::adapters::outbound) fn new(who: &str, text: &str) -> NewMessage {
    NewMessage {
        username: user(who),
        guests_address: None,
        text: text.into(),
        date: Timestamp::from_secs(1_700_000_000),
        slow: Duration::ZERO,
        is_announcement: false,
    }
}

fn announcement(text: &str) -> NewMessage {
    NewMessage {
        is_announcement: true,
        ..new("mod", text)
    }
}

pub(super) async fn what_is_said_is_told_in_one_order_and_remembered(world: World) {
    let World { one, other } = &world;
    one.enter("ana");
    other.enter("bob");
    one.say(new("ana", "a")).await.expect("is said");
    other.say(new("bob", "b")).await.expect("is said");
    one.say(new("ana", "c")).await.expect("is said");
    assert_eq!(world.told(3).await, ["said a", "said b", "said c"]);
    assert_eq!(one.ids().len(), 3);
    let said = other.history();
    let said = said
        .iter()
        .map(|said| (said.username.as_str(), &*said.text));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [("ana", "a"), ("bob", "b"), ("ana", "c")]
    );
    assert_eq!(one.rooms.history(&room(), 1), other.history()[2..]);
}

pub(super) async fn who_says_something_does_not_hear_it(world: World) {
    let World { one, other } = &world;
    one.enter("ana");
    one.say(new("ana", "a")).await.expect("is said");
    let told = one.told.all_until(1).await;
    assert_eq!(told, [("said a".to_owned(), Some(ME))]);
    if !Arc::ptr_eq(&one.rooms, &other.rooms) {
        // On the other node, another connection has that number.
        let told = other.told.all_until(1).await;
        assert_eq!(told, [("said a".to_owned(), None)]);
    }
}

pub(super) async fn what_is_said_at_once_is_told_in_one_order(world: World) {
    let saying = (0..40).map(|number| {
        let node = if number % 2 == 0 {
            &world.one
        } else {
            &world.other
        };
        node.enter(&number.to_string());
        node.say(new(&number.to_string(), &number.to_string()))
    });
    for said in join_all(saying).await {
        said.expect("is said");
    }
    let mut told = world.told(40).await;
    assert_eq!(world.one.ids().len(), 40);
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 40, "each once");
}

pub(super) async fn what_a_user_says_counts_everywhere(world: World) {
    let World { one, other } = &world;
    // No time passes, so nobody gets a permit back.
    let at = now();
    one.enter("ana");
    other.enter("ana");
    for _ in 0..10 {
        one.say_at(new("ana", "x"), at)
            .await
            .expect("within the burst");
    }
    world.told(10).await;
    for node in [one, other] {
        let refused = node.say_at(new("ana", "x"), at).await;
        assert!(matches!(refused, Err(SayError::TooOften(_))), "{refused:?}");
    }
    other
        .say_at(new("bob", "x"), at)
        .await
        .expect("has his own");
    world.told(11).await;
}

pub(super) async fn slow_mode_counts_everywhere_also_for_guests_of_one_address(world: World) {
    let World { one, other } = &world;
    let slow = |who: &str| NewMessage {
        slow: Duration::from_secs(3_600),
        guests_address: Some(ClientAddress(7)),
        ..new(who, "x")
    };
    one.enter("~bob");
    other.enter("~eve");
    one.rooms.slow(&room(), 3_600).await.expect("is told");
    one.say(slow("~bob")).await.expect("is the first");
    world.told(2).await;
    for (node, who) in [(one, "~bob"), (other, "~bob"), (other, "~eve")] {
        let refused = node.say(slow(who)).await;
        assert!(matches!(refused, Err(SayError::TooOften(_))), "{who}");
    }
    one.rooms.slow(&room(), 0).await.expect("is told");
    world.told(3).await;
    other.say(slow("~eve")).await.expect("begins anew");
    let told = world.told(4).await;
    assert_eq!(told, ["slowed to 3600", "said x", "slowed to 0", "said x"]);
}

pub(super) async fn a_message_that_is_deleted_is_gone_everywhere(world: World) {
    let World { one, other } = &world;
    one.enter("ana");
    for text in ["a", "b"] {
        one.say(new("ana", text)).await.expect("is said");
    }
    world.told(2).await;
    let [first, second] = other.ids()[..] else {
        panic!("two messages");
    };
    let author = other.rooms.author(&room(), first);
    assert_eq!(author, Ok(Some(user("ana"))));
    for count in 3..5 {
        // The second deletion is told too: the message may still be on a screen.
        let deleted = other.rooms.delete(&room(), first).await;
        deleted.expect("is told");
        world.told(count).await;
        assert_eq!(one.ids(), [second]);
        assert_eq!(one.rooms.author(&room(), first), Ok(None));
    }
    assert_eq!(other.rooms.author(&room(), 0), Err(UnknownMessage));
    assert_eq!(other.rooms.author(&room(), 99), Err(UnknownMessage));
}

pub(super) async fn an_announcement_makes_a_room_if_there_may_be_one_more(world: World) {
    let World { one, other } = &world;
    one.say(announcement("a")).await.expect("is said");
    assert_eq!(world.told(1).await, ["announced a"]);
    assert_eq!(other.history().len(), 1);
    for (name, has_room) in [("s", true), ("t", true), ("u", false)] {
        let name = RoomName::parse(name).expect("a room");
        let floor = Box::new(());
        let said = one.rooms.say(None, &name, announcement("x"), floor, now());
        match said.await {
            Ok(()) => assert!(has_room, "{name}"),
            Err(SayError::TooManyRooms) => assert!(!has_room, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

pub(super) async fn what_has_begun_is_said_though_nobody_waits_and_holds_the_floor_till_then(
    world: World,
) {
    let World { one, .. } = &world;
    one.enter("ana");
    let (floor, given_back) = oneshot::channel::<()>();
    let (room, message, floor) = (room(), new("ana", "a"), Box::new(floor));
    // The call begins and is dropped.
    let _ = one
        .rooms
        .say(Some(ME), &room, message, floor, now())
        .now_or_never();
    given_back.await.expect_err("is dropped");
    assert_eq!(
        one.told.until(0).await,
        ["said a"],
        "before the floor was free"
    );
    world.told(1).await;
}
