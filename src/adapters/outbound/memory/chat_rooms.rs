//! Rooms in memory, which is where their history lives (protocol, section 7).

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
    /// 0 is no limit.
    max_rooms: usize,
    /// Coming and going happens under this lock; speaking under the room's own.
    rooms: Mutex<HashMap<RoomName, Arc<Mutex<Room>>>>,
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

    fn room(&self, name: &RoomName) -> Option<Arc<Mutex<Room>>> {
        lock(&self.rooms).get(name).cloned()
    }
}

impl ChatRooms for MemoryChatRooms {
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool {
        let mut rooms = lock(&self.rooms);
        if self.max_rooms > 0 && rooms.len() >= self.max_rooms && !rooms.contains_key(room) {
            forget(&mut rooms, now);
            if rooms.len() >= self.max_rooms {
                return false;
            }
        }
        let entered = rooms
            .entry(room.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Room::new(room.clone(), now))));
        lock(entered).enter(user.clone());
        true
    }

    fn leave(&self, room: &RoomName, user: &UserName, now: Uptime) {
        let mut rooms = lock(&self.rooms);
        let Some(left) = rooms.get(room) else { return };
        let is_over = {
            let mut left = lock(left);
            left.leave(user, now);
            left.is_forgettable(now)
        };
        if is_over {
            rooms.remove(room);
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
        // Whoever speaks is in the room, so there is one.
        let Some(spoken_in) = self.room(room) else {
            return Ok(());
        };
        let mut spoken_in = lock(&spoken_in);
        let message = spoken_in
            .say(user, text, &self.limits, date, now)
            .map_err(SayError::TooOften)?;
        // Told under the room's lock: all hear all messages in the order of their ids.
        let topic = Topic::Room(room.clone());
        self.events
            .publish(&topic, Event::ChatMessage(message), Some(origin));
        Ok(())
    }

    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).latest(limit))
    }

    fn members(&self, room: &RoomName) -> Vec<UserName> {
        self.room(room)
            .map_or_else(Vec::new, |room| lock(&room).members())
    }

    fn sweep(&self, now: Uptime) {
        forget(&mut lock(&self.rooms), now);
    }
}

fn forget(rooms: &mut HashMap<RoomName, Arc<Mutex<Room>>>, now: Uptime) {
    rooms.retain(|_, room| !lock(room).is_forgettable(now));
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
    fn who_speaks_too_often_is_told_how_long_to_wait_and_nobody_hears_him() {
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
}
