//! Rooms in memory, where their history is kept (protocol, section 7).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::application::locks::lock;
use crate::application::ports::{ChatRooms, EventPublisher, SayError, Topic};
use crate::application::{ConnectionId, Event};
use crate::domain::{ChatMessage, Room, RoomLimits, RoomName, Timestamp, Uptime, UserName};

/// The rooms of this process.
pub struct MemoryChatRooms {
    events: Arc<dyn EventPublisher>,
    limits: RoomLimits,
    /// 0 means no limit.
    max_rooms: usize,
    /// Locked only for a moment, never while waiting for a room's own lock: a crowded room must not
    /// delay the others.
    rooms: Mutex<HashMap<RoomName, Arc<Mutex<Kept>>>>,
}

/// A room, and whether it has been forgotten: then the caller looks up its successor.
struct Kept {
    room: Room,
    forgotten: bool,
}

impl MemoryChatRooms {
    /// No rooms yet; at most `max_rooms` (0: no limit) that are in use or remembered.
    pub fn new(events: Arc<dyn EventPublisher>, limits: RoomLimits, max_rooms: usize) -> Self {
        Self {
            events,
            limits,
            max_rooms,
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
                forgotten: false,
            }))
        });
        Some(Arc::clone(kept))
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
        let rate = RateLimit {
            per_second: 1,
            burst: 2,
        };
        MemoryChatRooms::new(
            Arc::new(events),
            RoomLimits { history: 10, rate },
            max_rooms,
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
