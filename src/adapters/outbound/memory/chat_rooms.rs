//! Rooms in memory, where their history is kept (protocol, section 7).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;

use crate::application::locks::lock;
use crate::application::memory::{Account, Reservation};
use crate::application::ports::{
    ChatRooms, EventPublisher, Floor, SayError, StoreError, StoreResources, Topic,
};
use crate::application::{ConnectionId, Event};
use crate::domain::{
    ChatMessage, NewMessage, Room, RoomLimits, RoomName, UnknownMessage, Uptime, UserName,
};

/// All rooms and their histories together may take one byte in this many of the memory budget.
const ROOMS_PART: usize = 4;

/// How many empty rooms are forgotten at a time where memory is short.
const FORGOTTEN_AT_ONCE: usize = 512;

/// The rooms of this process.
pub struct MemoryChatRooms {
    pub(super) events: Arc<dyn EventPublisher>,
    pub(super) limits: RoomLimits,
    /// 0 means no limit.
    max_rooms: usize,
    /// What all rooms and their histories take, and how much that may be.
    account: Arc<Account>,
    max_bytes: usize,
    /// Locked only for a moment, never while waiting for a room's own lock: a crowded room must not
    /// delay the others.
    pub(super) rooms: Mutex<HashMap<RoomName, Arc<Mutex<Kept>>>>,
    /// The rooms that are remembered although nobody is in them, and since when they have been
    /// empty. Changed under the room's own lock.
    pub(super) empty: Mutex<BTreeSet<(Uptime, RoomName)>>,
}

/// A room, the memory that it and its history take, and whether it has been forgotten. If it has,
/// the caller looks up its successor.
pub(super) struct Kept {
    pub room: Room,
    held: Reservation,
    forgotten: bool,
    /// When a log last told something of the room, and the place of that in the log (0: never).
    pub logged: (Uptime, u64),
}

impl MemoryChatRooms {
    /// Starts without rooms. At most `max_rooms` (0: no limit) are in use or remembered. They and
    /// their histories count in the memory account; when memory is short, empty ones are forgotten.
    pub fn new(resources: &StoreResources) -> Arc<Self> {
        let memory = &resources.memory;
        Arc::new_cyclic(|own: &Weak<Self>| {
            let own = Weak::clone(own);
            memory.add_reclaim(move || own.upgrade().is_some_and(|rooms| rooms.reclaim()));
            Self {
                events: Arc::clone(&resources.events),
                limits: resources.room_limits,
                max_rooms: resources.max_rooms,
                account: memory.shared_account(),
                max_bytes: memory.max() / ROOMS_PART,
                rooms: Mutex::default(),
                empty: Mutex::default(),
            }
        })
    }

    pub(super) fn room(&self, name: &RoomName) -> Option<Arc<Mutex<Kept>>> {
        lock(&self.rooms).get(name).cloned()
    }

    /// The room of that name, created if it does not exist and there may be one more.
    fn room_or_new(&self, name: &RoomName, now: Uptime) -> Option<Arc<Mutex<Kept>>> {
        let mut rooms = lock(&self.rooms);
        let is_full = self.max_rooms > 0 && rooms.len() >= self.max_rooms;
        if is_full && !rooms.contains_key(name) {
            return None;
        }
        let kept = rooms.entry(name.clone()).or_insert_with(|| {
            Arc::new(Mutex::new(Kept {
                room: Room::new(name.clone(), now),
                held: self.account.reserve(Room::bytes_of(name)),
                forgotten: false,
                logged: (now, 0),
            }))
        });
        Some(Arc::clone(kept))
    }

    /// The room of that name, for something that is said from outside. If nobody is in the room, it
    /// is remembered as one that has just become empty.
    pub(super) fn room_from_outside(
        &self,
        name: &RoomName,
        now: Uptime,
    ) -> Result<Arc<Mutex<Kept>>, SayError> {
        let nobody = |kept: &Kept| kept.room.empty_since().filter(|_| !kept.forgotten);
        loop {
            let kept = self.room_or_new(name, now).ok_or(SayError::TooManyRooms)?;
            let room = lock(&kept);
            if room.forgotten {
                drop(room);
                self.take_out(name, &kept);
                continue;
            }
            if let Some(since) = nobody(&room) {
                lock(&self.empty).insert((since, name.clone()));
            }
            drop(room);
            return Ok(kept);
        }
    }

    /// Reserves what the room has grown by. If there is no memory for that, the oldest messages of
    /// its history go.
    pub(super) fn reserve_history(&self, name: &RoomName, kept: &mut Kept) {
        let (room, empty) = (&mut kept.room, Room::bytes_of(name));
        let empty = empty + room.spoken_bytes();
        let before = kept.held.bytes().saturating_sub(empty);
        if !self.has_memory(room.history_bytes().saturating_sub(before)) {
            room.shorten_history(before);
        }
        kept.held.set(empty + room.history_bytes());
    }

    fn has_memory(&self, bytes: usize) -> bool {
        self.account.held() + bytes <= self.max_bytes && self.account.has_room(bytes)
    }

    /// Forgets empty rooms until there is memory for this many bytes or none is left. Must not be
    /// called under the lock of a room.
    pub(super) fn make_room(&self, bytes: usize) {
        while !self.has_memory(bytes) && self.forget_oldest(|_| true).is_some() {}
    }

    fn reclaim(&self) -> bool {
        let forget = |_: &usize| self.forget_oldest(|_| true).is_some();
        (0..FORGOTTEN_AT_ONCE).take_while(forget).count() > 0
    }

    /// Forgets the room that has been empty for longest, if there is one and it `may_go`. Returns
    /// its name, and the place in the log that last told of it.
    pub(super) fn forget_oldest(&self, may_go: impl Fn(&Room) -> bool) -> Option<(RoomName, u64)> {
        loop {
            let oldest = lock(&self.empty).first().cloned()?;
            let name = &oldest.1;
            let Some(kept) = self.room(name) else {
                // It has just been forgotten.
                lock(&self.empty).remove(&oldest);
                continue;
            };
            let mut forgotten = lock(&kept);
            if !lock(&self.empty).contains(&oldest) {
                // It has just been entered or forgotten.
                continue;
            }
            if !may_go(&forgotten.room) {
                return None;
            }
            lock(&self.empty).remove(&oldest);
            forgotten.forgotten = true;
            let (_, logged) = forgotten.logged;
            drop(forgotten);
            self.take_out(name, &kept);
            return Some((oldest.1, logged));
        }
    }

    /// Forgets a message and tells everybody who receives the room.
    pub(crate) fn deleted(&self, room: &RoomName, id: u64) {
        // Listeners are told even if there is no room because nobody is in it.
        let kept = self.room(room);
        let mut kept = kept.as_deref().map(lock);
        if let Some(kept) = kept.as_mut() {
            kept.room.delete(id);
            self.reserve_history(room, kept);
        }
        let (topic, room) = (Topic::Room(room.clone()), room.clone());
        let event = Event::ChatDeleted { room, id };
        self.events.publish(&topic, event, None);
    }

    /// Tells everybody who receives the room about its slow mode.
    pub(crate) fn slowed(&self, room: &RoomName, seconds: u32) {
        let kept = self.room(room);
        let mut kept = kept.as_deref().map(lock);
        if let Some(kept) = kept.as_mut().filter(|_| seconds == 0) {
            kept.room.end_slow();
            self.reserve_history(room, kept);
        }
        let (topic, room) = (Topic::Room(room.clone()), room.clone());
        let event = Event::ChatSlowed { room, seconds };
        self.events.publish(&topic, event, None);
    }

    /// Removes a forgotten room, unless another has taken its place.
    fn take_out(&self, name: &RoomName, forgotten: &Arc<Mutex<Kept>>) {
        let mut rooms = lock(&self.rooms);
        if rooms
            .get(name)
            .is_some_and(|kept| Arc::ptr_eq(kept, forgotten))
        {
            rooms.remove(name);
        }
    }

    /// The room in which somebody speaks. A user who speaks is in the room, so they never get
    /// `None`; an announcement creates the room.
    ///
    /// # Errors
    /// There are too many rooms.
    pub(super) fn spoken_in(
        &self,
        room: &RoomName,
        message: &NewMessage,
        now: Uptime,
    ) -> Result<Option<Arc<Mutex<Kept>>>, SayError> {
        if message.is_announcement {
            self.room_from_outside(room, now).map(Some)
        } else {
            Ok(self.room(room))
        }
    }

    /// The distinct names in `room`, sorted.
    pub(crate) fn members_here(&self, room: &RoomName) -> Vec<UserName> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).room.members())
    }
}

#[async_trait]
impl ChatRooms for MemoryChatRooms {
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool {
        let mut has_swept = false;
        self.make_room(Room::bytes_of(room));
        loop {
            let Some(kept) = self.room_or_new(room, now) else {
                if has_swept {
                    return false;
                }
                self.sweep(now);
                has_swept = true;
                continue;
            };
            let mut entered = lock(&kept);
            if !entered.forgotten {
                if let Some(since) = entered.room.empty_since() {
                    lock(&self.empty).remove(&(since, room.clone()));
                }
                entered.room.enter(user.clone());
                return true;
            }
            drop(entered);
            self.take_out(room, &kept);
        }
    }

    fn leave(&self, room: &RoomName, user: &UserName, now: Uptime) {
        let Some(kept) = self.room(room) else { return };
        let mut left = lock(&kept);
        left.room.leave(user, now);
        left.forgotten |= left.room.is_forgettable(now);
        let forgotten = left.forgotten;
        if let Some(since) = left.room.empty_since().filter(|_| !forgotten) {
            lock(&self.empty).insert((since, room.clone()));
        }
        drop(left);
        if forgotten {
            self.take_out(room, &kept);
        }
    }

    async fn say(
        &self,
        origin: Option<ConnectionId>,
        room: &RoomName,
        message: NewMessage,
        _floor: Floor,
        now: Uptime,
    ) -> Result<(), SayError> {
        let bytes = ChatMessage::memory_bytes_of(&message.username, &message.text);
        self.make_room(bytes);
        let Some(spoken_in) = self.spoken_in(room, &message, now)? else {
            return Ok(());
        };
        let mut spoken_in = lock(&spoken_in);
        let message = spoken_in
            .room
            .say(message, &self.limits, now)
            .map_err(SayError::TooOften)?;
        self.reserve_history(room, &mut spoken_in);
        // Sent under the room's lock: everybody receives all messages in the order of their ids.
        let topic = Topic::Room(room.clone());
        self.events
            .publish(&topic, Event::ChatMessage(message), origin);
        Ok(())
    }

    fn author(&self, room: &RoomName, id: u64) -> Result<Option<UserName>, UnknownMessage> {
        let room = self.room(room).ok_or(UnknownMessage)?;
        let room = lock(&room);
        room.room.author(id).map(Option::<&UserName>::cloned)
    }

    async fn delete(&self, room: &RoomName, id: u64) -> Result<(), StoreError> {
        self.deleted(room, id);
        Ok(())
    }

    async fn slow(&self, room: &RoomName, seconds: u32) -> Result<(), StoreError> {
        self.slowed(room, seconds);
        Ok(())
    }

    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).room.latest(limit))
    }

    async fn members(&self, room: &RoomName) -> Vec<UserName> {
        self.members_here(room)
    }

    fn count(&self) -> usize {
        lock(&self.rooms).len()
    }

    fn sweep(&self, now: Uptime) {
        while self
            .forget_oldest(|room| room.is_forgettable(now))
            .is_some()
        {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::application::memory::MemoryBudget;
    use crate::application::ports::MockEventPublisher;
    use crate::domain::{RateLimit, Timestamp};

    const DATE: Timestamp = Timestamp::from_secs(1_700_000_000);
    const NOW: Uptime = Uptime::from_secs(1_000);
    const ME: ConnectionId = ConnectionId(1);

    fn rooms(events: MockEventPublisher, max_rooms: usize) -> Arc<MemoryChatRooms> {
        rooms_in(&MemoryBudget::new(1 << 20), events, max_rooms)
    }

    fn rooms_in(
        memory: &Arc<MemoryBudget>,
        events: MockEventPublisher,
        max_rooms: usize,
    ) -> Arc<MemoryChatRooms> {
        let rate = RateLimit {
            per_second: 1,
            burst: 2,
        };
        MemoryChatRooms::new(&StoreResources {
            memory: Arc::clone(memory),
            events: Arc::new(events),
            room_limits: RoomLimits { history: 10, rate },
            max_rooms,
            ..StoreResources::default()
        })
    }

    fn new(who: &str, text: &str) -> NewMessage {
        NewMessage {
            username: user(who),
            guests_address: None,
            text: text.into(),
            date: DATE,
            slow: Duration::ZERO,
            is_announcement: false,
        }
    }

    /// Says it without waiting: nothing waits in memory.
    fn say(
        rooms: &MemoryChatRooms,
        origin: Option<ConnectionId>,
        room: &RoomName,
        message: NewMessage,
        now: Uptime,
    ) -> Result<(), SayError> {
        let said = rooms.say(origin, room, message, Box::new(()), now);
        said.now_or_never().expect("is said at once")
    }

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).expect("valid")
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).expect("valid")
    }

    #[test]
    fn one_room_past_the_limit_is_refused_unless_another_can_be_forgotten() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().return_const(());
        let rooms = rooms(events, 2);
        assert!(rooms.enter(&room("a"), &user("ana"), NOW));
        assert!(rooms.enter(&room("b"), &user("ana"), NOW));
        assert!(!rooms.enter(&room("c"), &user("ana"), NOW));
        assert!(
            rooms.enter(&room("a"), &user("bob"), NOW),
            "it is there already"
        );
        say(&rooms, Some(ME), &room("b"), new("ana", "x"), NOW).expect("within the burst");
        rooms.leave(&room("b"), &user("ana"), NOW);
        assert!(
            !rooms.enter(&room("c"), &user("ana"), NOW),
            "b is remembered"
        );
        let later = NOW.plus(Duration::from_secs(3_600));
        assert!(rooms.enter(&room("c"), &user("ana"), later));
    }

    #[test]
    fn a_sweep_forgets_the_rooms_that_have_been_empty_for_an_hour() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().return_const(());
        let rooms = rooms(events, 0);
        rooms.enter(&room("r"), &user("ana"), NOW);
        say(&rooms, Some(ME), &room("r"), new("ana", "x"), NOW).expect("within the burst");
        rooms.leave(&room("r"), &user("ana"), NOW);
        rooms.sweep(NOW);
        assert_eq!(rooms.history(&room("r"), 10).len(), 1);
        rooms.sweep(NOW.plus(Duration::from_secs(3_600)));
        assert!(rooms.history(&room("r"), 10).is_empty());
    }

    /// Says 20,000 bytes as the user `who`, and returns how many messages are remembered.
    fn say_much(rooms: &MemoryChatRooms, name: &str, who: &str) -> usize {
        let (room, user) = (room(name), user(who));
        rooms.enter(&room, &user, NOW);
        let text = "x".repeat(20_000);
        say(rooms, Some(ME), &room, new(who, &text), NOW).expect("within the burst");
        rooms.history(&room, 10).len()
    }

    #[test]
    fn a_history_is_reserved_until_its_room_is_forgotten() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().times(2).return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        assert_eq!(say_much(&rooms, "r", "ana"), 1);
        let empty = Room::bytes_of(&room("r"));
        let one = memory.used() - empty;
        assert!(one > 20_000);
        assert_eq!(say_much(&rooms, "r", "bob"), 2);
        assert_eq!(memory.used(), empty + 2 * one);
        rooms.leave(&room("r"), &user("ana"), NOW);
        rooms.leave(&room("r"), &user("bob"), NOW);
        rooms.sweep(NOW.plus(Duration::from_secs(3_600)));
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn while_memory_is_short_a_room_tells_and_remembers_only_as_much_as_before() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().times(4).return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        assert_eq!(say_much(&rooms, "r", "ana"), 1);
        let others = memory.reserve((1 << 20) - memory.used());
        assert_eq!(say_much(&rooms, "r", "bob"), 1);
        assert_eq!(rooms.history(&room("r"), 1)[0].username, user("bob"));
        assert_eq!(say_much(&rooms, "new", "ana"), 0);
        assert_eq!(memory.used(), (1 << 20) + Room::bytes_of(&room("new")));
        drop(others);
        assert_eq!(say_much(&rooms, "r", "eve"), 2);
    }

    #[test]
    fn all_histories_together_take_at_most_a_quarter_of_the_memory() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        let mut kept = say_much(&rooms, "r", "ana");
        let most = (1 << 18) / memory.used();
        for number in 0..20 {
            kept += say_much(&rooms, &format!("r{number}"), "ana");
        }
        assert_eq!(kept, most);
    }

    /// Says a word in a room of its own and leaves.
    fn speak_once(rooms: &MemoryChatRooms, number: u64) {
        let (name, now) = (
            room(&number.to_string()),
            NOW.plus(Duration::from_millis(number)),
        );
        assert!(rooms.enter(&name, &user("ana"), now));
        let said = say(rooms, Some(ME), &name, new("ana", "x"), now);
        said.expect("within the burst");
        rooms.leave(&name, &user("ana"), now);
    }

    #[test]
    fn rooms_are_reserved_and_the_longest_empty_make_room_for_others() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        for number in 0..1_000 {
            speak_once(&rooms, number);
            assert!(memory.used() <= 1 << 18);
        }
        let kept = lock(&rooms.rooms).len();
        assert!((100..200).contains(&kept), "{kept}");
        assert_eq!(rooms.history(&room("999"), 10).len(), 1);
        assert!(rooms.history(&room("800"), 10).is_empty());
        // Empty rooms also make room for a long message.
        assert!(rooms.enter(&room("900"), &user("bob"), NOW));
        assert_eq!(say_much(&rooms, "900", "bob"), 2);
        assert!(lock(&rooms.rooms).len() < kept);
    }

    #[test]
    fn empty_rooms_are_forgotten_before_a_connection_is_closed() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        (0..10).for_each(|number| speak_once(&rooms, number));
        assert!(rooms.enter(&room("0"), &user("ana"), NOW));
        assert!(memory.used() > 10 * 1_536);
        assert!(rooms.reclaim());
        assert_eq!(rooms.history(&room("0"), 10).len(), 1, "somebody is in it");
        assert!((1_536..3_000).contains(&memory.used()));
        assert!(!rooms.reclaim());
    }

    #[test]
    fn a_user_who_enters_while_the_room_is_forgotten_is_in_an_existing_room() {
        use crate::application::locks::interleaved::check;
        check(2_000, || {
            let rooms = rooms(MockEventPublisher::new(), 1);
            assert!(rooms.enter(&room("r"), &user("ana"), NOW));
            let leaving = {
                let rooms = Arc::clone(&rooms);
                shuttle::thread::spawn(move || {
                    rooms.leave(&room("r"), &user("ana"), NOW);
                    rooms.sweep(NOW);
                })
            };
            assert!(rooms.enter(&room("r"), &user("bob"), NOW));
            leaving.join().expect("no panic");
            assert_eq!(rooms.members_here(&room("r")), [user("bob")]);
            rooms.leave(&room("r"), &user("bob"), NOW);
            assert!(lock(&rooms.rooms).is_empty());
        });
    }

    /// What is told to a room, in order.
    fn telling() -> (MockEventPublisher, Arc<Mutex<Vec<String>>>) {
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut events = MockEventPublisher::new();
        let noted = Arc::clone(&told);
        events.expect_publish().returning(move |topic, event, but| {
            let is_ours = *topic == Topic::Room(room("r"));
            let what = match event {
                Event::ChatMessage(message) if message.is_announcement => {
                    format!("announced {}", message.id)
                }
                Event::ChatMessage(message) => format!("said {}", message.id),
                Event::ChatDeleted { id, .. } => format!("deleted {id}"),
                Event::ChatSlowed { seconds, .. } => format!("slowed to {seconds}"),
                other => format!("{other:?}"),
            };
            lock(&noted).push(format!("{what} {is_ours} {}", but.is_some()));
        });
        (events, told)
    }

    fn announcement(who: &str) -> NewMessage {
        NewMessage {
            is_announcement: true,
            ..new(who, "x")
        }
    }

    #[test]
    fn all_that_moderators_do_is_told_in_the_order_of_what_is_said_and_to_everybody() {
        let (events, told) = telling();
        let rooms = rooms(events, 0);
        rooms.enter(&room("r"), &user("ana"), NOW);
        let speak = |message| say(&rooms, Some(ME), &room("r"), message, NOW);
        speak(new("ana", "x")).expect("within the burst");
        let announced = say(&rooms, None, &room("r"), announcement("mod"), NOW);
        announced.expect("within the burst");
        assert_eq!(rooms.author(&room("r"), 1), Ok(Some(user("ana"))));
        rooms.deleted(&room("r"), 1);
        assert_eq!(rooms.author(&room("r"), 1), Ok(None));
        assert_eq!(rooms.author(&room("r"), 3), Err(UnknownMessage));
        assert_eq!(rooms.author(&room("other"), 1), Err(UnknownMessage));
        rooms.slowed(&room("r"), 30);
        let slow = |who| NewMessage {
            slow: Duration::from_secs(30),
            ..new(who, "x")
        };
        speak(slow("bob")).expect("is the first");
        let wait = Duration::from_secs(30);
        let refused = speak(slow("bob"));
        assert!(matches!(refused, Err(SayError::TooOften(left)) if left == wait));
        rooms.slowed(&room("r"), 0);
        speak(slow("bob")).expect("slow mode has begun anew");
        assert_eq!(
            *lock(&told),
            [
                "said 1 true true",
                "announced 2 true false",
                "deleted 1 true false",
                "slowed to 30 true false",
                "said 3 true true",
                "slowed to 0 true false",
                "said 4 true true",
            ]
        );
        let ids: Vec<_> = rooms.history(&room("r"), 9).iter().map(|m| m.id).collect();
        assert_eq!(ids, [2, 3, 4]);
    }

    #[test]
    fn an_announcement_makes_a_room_that_is_remembered_for_an_hour_and_counts() {
        let (events, _told) = telling();
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 1);
        let announce = |name| say(&rooms, None, &room(name), announcement("mod"), NOW);
        announce("r").expect("is the first");
        assert!(matches!(announce("s"), Err(SayError::TooManyRooms)));
        let later = NOW.plus(Duration::from_millis(3_599_999));
        rooms.sweep(later);
        assert_eq!(rooms.history(&room("r"), 9).len(), 1);
        assert!(memory.used() > 0);
        rooms.enter(&room("r"), &user("ana"), later);
        rooms.sweep(NOW.plus(Duration::from_secs(9_000)));
        assert_eq!(rooms.history(&room("r"), 9).len(), 1, "somebody is there");
        rooms.leave(&room("r"), &user("ana"), later);
        rooms.sweep(later.plus(Duration::from_secs(3_600)));
        assert!(rooms.history(&room("r"), 9).is_empty());
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn what_slow_mode_remembers_is_reserved_until_it_ends() {
        let (events, _told) = telling();
        let memory = MemoryBudget::new(1 << 20);
        let rooms = MemoryChatRooms::new(&StoreResources {
            memory: Arc::clone(&memory),
            events: Arc::new(events),
            room_limits: RoomLimits {
                history: 0,
                rate: RateLimit {
                    per_second: 1,
                    burst: 2,
                },
            },
            ..StoreResources::default()
        });
        rooms.enter(&room("r"), &user("ana"), NOW);
        let empty = memory.used();
        for number in 0..100 {
            let slow = NewMessage {
                slow: Duration::from_secs(3_600),
                ..new(&format!("user{number}"), "x")
            };
            say(&rooms, Some(ME), &room("r"), slow, NOW).expect("the first of each");
        }
        assert!(memory.used() > empty + 100 * 100, "{}", memory.used());
        rooms.slowed(&room("r"), 0);
        assert_eq!(memory.used(), empty);
    }
}
