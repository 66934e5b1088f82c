//! Rooms in memory, where their history is kept (protocol, section 7).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::application::locks::lock;
use crate::application::memory::{Account, MemoryBudget, Reservation};
use crate::application::ports::{ChatRooms, EventPublisher, SayError, Topic};
use crate::application::{ConnectionId, Event};
use crate::domain::{ChatMessage, Room, RoomLimits, RoomName, Timestamp, Uptime, UserName};

/// The part of the memory budget that all histories may take together.
const HISTORIES_PART: usize = 4;

/// The rooms of this process.
pub struct MemoryChatRooms {
    events: Arc<dyn EventPublisher>,
    limits: RoomLimits,
    /// 0 means no limit.
    max_rooms: usize,
    /// What the histories of all rooms take, and how much that may be.
    histories: Arc<Account>,
    max_history_bytes: usize,
    /// Locked only for a moment, never while waiting for a room's own lock: a crowded room must not
    /// delay the others.
    rooms: Mutex<HashMap<RoomName, Arc<Mutex<Kept>>>>,
}

/// A room, the memory of its history, and whether it has been forgotten: then the caller looks up
/// its successor.
struct Kept {
    room: Room,
    history: Reservation,
    forgotten: bool,
}

impl MemoryChatRooms {
    /// No rooms yet; at most `max_rooms` (0: no limit) that are in use or remembered. Their
    /// histories are reserved from `memory`.
    pub fn new(
        events: Arc<dyn EventPublisher>,
        limits: RoomLimits,
        max_rooms: usize,
        memory: &MemoryBudget,
    ) -> Self {
        Self {
            events,
            limits,
            max_rooms,
            histories: memory.shared_account(),
            max_history_bytes: memory.max() / HISTORIES_PART,
            rooms: Mutex::default(),
        }
    }

    fn room(&self, name: &RoomName) -> Option<Arc<Mutex<Kept>>> {
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
                history: self.histories.reserve(0),
                forgotten: false,
            }))
        });
        Some(Arc::clone(kept))
    }

    /// Reserves what the history has grown by. If there is no room for that, the oldest messages
    /// go.
    fn reserve_history(&self, kept: &mut Kept) {
        let before = kept.history.bytes();
        let more = kept.room.history_bytes().saturating_sub(before);
        let has_room =
            self.histories.held() + more <= self.max_history_bytes && self.histories.has_room(more);
        if !has_room {
            kept.room.shorten_history(before);
        }
        kept.history.set(kept.room.history_bytes());
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
}

impl ChatRooms for MemoryChatRooms {
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool {
        let mut has_swept = false;
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
        drop(left);
        if forgotten {
            self.take_out(room, &kept);
        }
    }

    fn say(
        &self,
        origin: ConnectionId,
        room: &RoomName,
        user: &UserName,
        text: Arc<str>,
        date: Timestamp,
        now: Uptime,
    ) -> Result<(), SayError> {
        // A user who speaks is in the room, so there is one.
        let Some(spoken_in) = self.room(room) else {
            return Ok(());
        };
        let mut spoken_in = lock(&spoken_in);
        let message = spoken_in
            .room
            .say(user, text, &self.limits, date, now)
            .map_err(SayError::TooOften)?;
        self.reserve_history(&mut spoken_in);
        // Sent under the room's lock: everybody receives all messages in the order of their ids.
        let topic = Topic::Room(room.clone());
        self.events
            .publish(&topic, Event::ChatMessage(message), Some(origin));
        Ok(())
    }

    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).room.latest(limit))
    }

    fn members(&self, room: &RoomName) -> Vec<UserName> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).room.members())
    }

    fn sweep(&self, now: Uptime) {
        let all: Vec<_> = lock(&self.rooms)
            .iter()
            .map(|(name, kept)| (name.clone(), Arc::clone(kept)))
            .collect();
        for (name, kept) in all {
            let mut swept = lock(&kept);
            swept.forgotten |= swept.room.is_forgettable(now);
            let forgotten = swept.forgotten;
            drop(swept);
            if forgotten {
                self.take_out(&name, &kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::application::ports::MockEventPublisher;
    use crate::domain::RateLimit;

    const DATE: Timestamp = Timestamp::from_secs(1_700_000_000);
    const NOW: Uptime = Uptime::from_secs(1_000);
    const ME: ConnectionId = ConnectionId(1);

    fn rooms(events: MockEventPublisher, max_rooms: usize) -> MemoryChatRooms {
        rooms_in(&MemoryBudget::new(1 << 20), events, max_rooms)
    }

    fn rooms_in(
        memory: &MemoryBudget,
        events: MockEventPublisher,
        max_rooms: usize,
    ) -> MemoryChatRooms {
        let rate = RateLimit {
            per_second: 1,
            burst: 2,
        };
        MemoryChatRooms::new(
            Arc::new(events),
            RoomLimits { history: 10, rate },
            max_rooms,
            memory,
        )
    }

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).expect("valid")
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).expect("valid")
    }

    #[test]
    fn what_is_said_is_told_to_the_room_and_remembered() {
        let mut events = MockEventPublisher::new();
        events
            .expect_publish()
            .withf(|topic, event, origin| {
                *topic == Topic::Room(room("r"))
                    && matches!(event, Event::ChatMessage(message) if &*message.text == "hi")
                    && *origin == Some(ME)
            })
            .once()
            .return_const(());
        let rooms = rooms(events, 0);
        assert!(rooms.enter(&room("r"), &user("ana"), NOW));
        assert_eq!(
            rooms.say(ME, &room("r"), &user("ana"), "hi".into(), DATE, NOW),
            Ok(())
        );
        assert_eq!(rooms.history(&room("r"), 10).len(), 1);
        assert_eq!(rooms.members(&room("r")), [user("ana")]);
        assert!(rooms.history(&room("other"), 10).is_empty());
    }

    #[test]
    fn a_user_who_speaks_too_often_is_not_heard_and_is_told_how_long_to_wait() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().times(2).return_const(());
        let rooms = rooms(events, 0);
        rooms.enter(&room("r"), &user("ana"), NOW);
        let say = || rooms.say(ME, &room("r"), &user("ana"), "x".into(), DATE, NOW);
        assert_eq!((say(), say()), (Ok(()), Ok(())));
        assert_eq!(say(), Err(SayError::TooOften(Duration::from_secs(1))));
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
        rooms
            .say(ME, &room("b"), &user("ana"), "x".into(), DATE, NOW)
            .expect("within the burst");
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
        rooms
            .say(ME, &room("r"), &user("ana"), "x".into(), DATE, NOW)
            .expect("within the burst");
        rooms.leave(&room("r"), &user("ana"), NOW);
        rooms.sweep(NOW);
        assert_eq!(rooms.history(&room("r"), 10).len(), 1);
        rooms.sweep(NOW.plus(Duration::from_secs(3_600)));
        assert!(rooms.history(&room("r"), 10).is_empty());
    }

    /// Says 20,000 bytes, as a user of their own, and returns how many messages are remembered.
    fn say_much(rooms: &MemoryChatRooms, name: &str, who: &str) -> usize {
        let (room, user) = (room(name), user(who));
        rooms.enter(&room, &user, NOW);
        let text = "x".repeat(20_000).into();
        rooms
            .say(ME, &room, &user, text, DATE, NOW)
            .expect("within the burst");
        rooms.history(&room, 10).len()
    }

    #[test]
    fn a_history_is_reserved_until_its_room_is_forgotten() {
        let mut events = MockEventPublisher::new();
        events.expect_publish().times(2).return_const(());
        let memory = MemoryBudget::new(1 << 20);
        let rooms = rooms_in(&memory, events, 0);
        assert_eq!(say_much(&rooms, "r", "ana"), 1);
        let one = memory.used();
        assert!(one > 20_000);
        assert_eq!(say_much(&rooms, "r", "bob"), 2);
        assert_eq!(memory.used(), 2 * one);
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
        assert_eq!(memory.used(), 1 << 20);
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

    #[test]
    fn a_user_who_enters_while_the_room_is_forgotten_is_in_an_existing_room() {
        use crate::application::locks::interleaved::check;
        check(2_000, || {
            let rooms = Arc::new(rooms(MockEventPublisher::new(), 1));
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
            assert_eq!(rooms.members(&room("r")), [user("bob")]);
            rooms.leave(&room("r"), &user("bob"), NOW);
            assert!(lock(&rooms.rooms).is_empty());
        });
    }
}
