//! Rooms that learn from a log what happens in them, here and at other servers.

use std::time::Duration;

use crate::adapters::outbound::memory::chat_rooms::MemoryChatRooms;
use crate::application::locks::lock;
use crate::application::ports::{SayError, Topic};
use crate::application::{ConnectionId, Event};
use crate::domain::{ChatMessage, NewMessage, RoomName, Uptime};

/// Where in the log something is told, and when it happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub sequence: u64,
    pub at: Uptime,
}

/// Who has said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Somebody here, who has been admitted. The connection, if any, does not hear the message.
    Here(Option<ConnectionId>),
    /// Somebody at another server; it counts here, too.
    Elsewhere,
    /// Somebody before this server was started.
    Before,
}

impl MemoryChatRooms {
    /// Admits a message of somebody here; it counts from now on.
    ///
    /// # Errors
    /// Why the message is not accepted.
    pub(crate) fn admit(
        &self,
        room: &RoomName,
        message: &NewMessage,
        now: Uptime,
    ) -> Result<(), SayError> {
        let Some(spoken_in) = self.spoken_in(room, message, now)? else {
            return Ok(());
        };
        let mut spoken_in = lock(&spoken_in);
        let admitted = spoken_in.room.admit(message, &self.limits, now);
        self.reserve_history(room, &mut spoken_in);
        admitted.map_err(SayError::TooOften)
    }

    /// Takes in a message that was said. It is remembered if there is room for it, and heard in any
    /// case.
    pub(crate) fn said(&self, room: &RoomName, message: NewMessage, who: Speaks, place: Place) {
        self.make_room(ChatMessage::memory_bytes_of(
            &message.username,
            &message.text,
        ));
        let (topic, id, limits) = (Topic::Room(room.clone()), place.sequence, &self.limits);
        let kept = self.room_from_outside(room, place.at).ok();
        let mut kept = kept.as_deref().map(lock);
        let message = match kept.as_mut() {
            Some(kept) => {
                if who == Speaks::Elsewhere {
                    kept.room.count(&message, limits, place.at);
                }
                let message = kept.room.keep(message, id, limits);
                self.reserve_history(room, kept);
                message
            }
            None => message.numbered(id, room.clone()),
        };
        let origin = match who {
            Speaks::Here(origin) => origin,
            Speaks::Elsewhere | Speaks::Before => None,
        };
        // Published under the room's lock, like everything that its members are told.
        self.events
            .publish(&topic, Event::ChatMessage(message), origin);
    }

    /// Notes that the log has told something of a room, which is then remembered for longer.
    pub(crate) fn heard_of(&self, room: &RoomName, place: Place) {
        let Some(kept) = self.room(room) else { return };
        let mut kept = lock(&kept);
        kept.logged = (place.at, place.sequence);
        let Some(before) = kept.room.empty_since() else {
            return;
        };
        kept.room.stays_empty_from(place.at);
        let mut empty = lock(&self.empty);
        if let Some(since) = kept.room.empty_since()
            && empty.remove(&(before, room.clone()))
        {
            empty.insert((since, room.clone()));
        }
    }

    /// Forgets the rooms that have been empty for an hour. Returns those that a log has told of,
    /// each with the place where it last did.
    pub(crate) fn forget_empty(&self, now: Uptime) -> Vec<(RoomName, u64)> {
        let next = || self.forget_oldest(|room| room.is_forgettable(now));
        let forgotten = std::iter::from_fn(next);
        forgotten.filter(|(_, logged)| *logged > 0).collect()
    }

    /// The rooms with members that the log has told of, but not for at least `long`. Each is
    /// returned again after the same time.
    pub(crate) fn silent_for(&self, long: Duration, now: Uptime) -> Vec<RoomName> {
        let all = lock(&self.rooms).clone();
        let silent = all.into_iter().filter(|(_, kept)| {
            let mut kept = lock(kept);
            let (at, logged) = kept.logged;
            let is_silent =
                logged > 0 && kept.room.empty_since().is_none() && now.since(at) >= long;
            if is_silent {
                kept.logged = (now, logged);
            }
            is_silent
        });
        silent.map(|(name, _)| name).collect()
    }
}
