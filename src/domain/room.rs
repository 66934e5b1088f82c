//! A chat room: who is in it, what was said, how often each user may speak (protocol, section 7).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::names::{RoomName, UserName};
use super::rate_limit::{RateLimit, TokenBucket};
use super::time::{Timestamp, Uptime};

/// How long an empty room is remembered.
const KEPT_EMPTY: Duration = Duration::from_secs(3_600);

/// What the allocator adds to a message, in bytes: its name and its text are shared texts, each
/// with two counts, and the history may have room for twice as many messages as it holds.
const OVERHEAD_BYTES: usize = size_of::<ChatMessage>() + 64;

/// About how many bytes of memory a room takes in which one user has spoken, besides its name and
/// its history.
const ROOM_BYTES: usize = 1_536;

/// The bounds of every room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomLimits {
    /// `chatHistory`: how many messages a room remembers.
    pub history: usize,
    /// `chatMessagesPerSecond` and `chatBurst`, per user and room.
    pub rate: RateLimit,
}

/// One message as the members of a room receive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Increases within the room.
    pub id: u64,
    /// The room.
    pub room: RoomName,
    /// Who wrote it.
    pub username: UserName,
    /// Its text.
    pub text: Arc<str>,
    /// When the server accepted it.
    pub date: Timestamp,
}

impl ChatMessage {
    /// About how many bytes of memory it takes.
    fn memory_bytes(&self) -> usize {
        Self::memory_bytes_of(&self.username, &self.text)
    }

    /// The same for a message of that user and text.
    pub fn memory_bytes_of(user: &UserName, text: &str) -> usize {
        size_of::<Self>() + user.as_str().len() + text.len() + OVERHEAD_BYTES
    }
}

/// A room and what it remembers.
#[derive(Debug)]
pub struct Room {
    name: RoomName,
    /// How many connections of each user are in the room.
    members: BTreeMap<UserName, usize>,
    history: VecDeque<ChatMessage>,
    /// The memory that `history` takes.
    history_bytes: usize,
    last_id: u64,
    /// Only for users who spoke recently: a full bucket is dropped.
    buckets: HashMap<UserName, TokenBucket>,
    empty_since: Option<Uptime>,
}

impl Room {
    /// An empty room.
    pub fn new(name: RoomName, now: Uptime) -> Self {
        Self {
            name,
            members: BTreeMap::new(),
            history: VecDeque::new(),
            history_bytes: 0,
            last_id: 0,
            buckets: HashMap::new(),
            empty_since: Some(now),
        }
    }

    /// Adds one connection of `user` to the room.
    pub fn enter(&mut self, user: UserName) {
        *self.members.entry(user).or_default() += 1;
        self.empty_since = None;
    }

    /// Removes one connection of `user` from the room.
    pub fn leave(&mut self, user: &UserName, now: Uptime) {
        if let Some(connections) = self.members.get_mut(user) {
            *connections -= 1;
            if *connections == 0 {
                self.members.remove(user);
            }
        }
        if self.members.is_empty() {
            self.empty_since.get_or_insert(now);
        }
    }

    /// Adds a message of `user` to the room's history, dated `date`.
    ///
    /// # Errors
    /// How long `user` has to wait before their next message.
    pub fn say(
        &mut self,
        user: &UserName,
        text: Arc<str>,
        limits: &RoomLimits,
        date: Timestamp,
        now: Uptime,
    ) -> Result<ChatMessage, Duration> {
        let (rate, buckets) = (limits.rate, &mut self.buckets);
        buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        let bucket = buckets.entry(user.clone());
        bucket
            .or_insert_with(|| TokenBucket::full(rate, now))
            .take(rate, now)?;
        self.last_id += 1;
        let message = ChatMessage {
            id: self.last_id,
            room: self.name.clone(),
            username: user.clone(),
            text,
            date,
        };
        self.history_bytes += message.memory_bytes();
        self.history.push_back(message.clone());
        while self.history.len() > limits.history {
            self.forget_oldest();
        }
        Ok(message)
    }

    /// About how many bytes of memory a room of that name takes without its history.
    pub fn bytes_of(name: &RoomName) -> usize {
        ROOM_BYTES + name.as_str().len()
    }

    /// Since when it has been empty, if it is.
    pub fn empty_since(&self) -> Option<Uptime> {
        self.empty_since
    }

    /// About how many bytes of memory the history takes.
    pub fn history_bytes(&self) -> usize {
        self.history_bytes
    }

    /// Forgets the oldest messages, until the history takes at most `bytes` of memory.
    pub fn shorten_history(&mut self, bytes: usize) {
        while self.history_bytes > bytes {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.history.pop_front() {
            self.history_bytes -= oldest.memory_bytes();
        }
    }

    /// The latest `limit` messages, oldest first.
    pub fn latest(&self, limit: usize) -> Vec<ChatMessage> {
        let skipped = self.history.len().saturating_sub(limit);
        self.history.iter().skip(skipped).cloned().collect()
    }

    /// The distinct names in the room, sorted.
    pub fn members(&self) -> Vec<UserName> {
        self.members.keys().cloned().collect()
    }

    /// Whether the room can be forgotten: empty for an hour, or empty and never spoken in. A room
    /// without a history has a past too: its numbers continue, and so do the rates of its users.
    pub fn is_forgettable(&self, now: Uptime) -> bool {
        self.empty_since
            .is_some_and(|since| self.last_id == 0 || now.since(since) >= KEPT_EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: Timestamp = Timestamp::from_secs(1_700_000_000);
    const NOW: Uptime = Uptime::from_secs(1_000);
    const LIMITS: RoomLimits = RoomLimits {
        history: 3,
        rate: RateLimit {
            per_second: 5,
            burst: 5,
        },
    };

    fn user(name: &str) -> UserName {
        UserName::parse(name).expect("valid")
    }

    fn room() -> Room {
        Room::new(RoomName::parse("lounge").expect("valid"), NOW)
    }

    #[test]
    fn a_history_is_shortened_to_the_memory_it_may_take_from_its_oldest_message_on() {
        let mut room = room();
        let mut bytes = Vec::new();
        for text in ["a", "b"] {
            room.say(&user("ana"), text.into(), &LIMITS, DATE, NOW)
                .expect("within the burst");
            bytes.push(room.history_bytes());
        }
        room.shorten_history(bytes[1]);
        assert_eq!(room.latest(99).len(), 2);
        room.shorten_history(bytes[1] - 1);
        assert_eq!(room.latest(99).len(), 1);
        assert_eq!(&*room.latest(99)[0].text, "b");
        room.shorten_history(0);
        assert_eq!((room.latest(99).len(), room.history_bytes()), (0, 0));
    }

    #[test]
    fn ids_grow_and_history_keeps_the_latest_oldest_first() {
        let mut room = room();
        for text in ["a", "b", "c", "d"] {
            room.say(&user("ana"), text.into(), &LIMITS, DATE, NOW)
                .expect("within the burst");
        }
        let texts = |limit| {
            room.latest(limit)
                .iter()
                .map(|m| (m.id, m.text.to_string()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(99),
            [(2, "b".into()), (3, "c".into()), (4, "d".into())]
        );
        assert_eq!(texts(1), [(4, "d".to_owned())]);
    }

    #[test]
    fn members_are_distinct_and_sorted() {
        let mut room = room();
        for name in ["zoe", "ana", "zoe"] {
            room.enter(user(name));
        }
        assert_eq!(room.members(), [user("ana"), user("zoe")]);
        room.leave(&user("zoe"), NOW);
        assert_eq!(
            room.members(),
            [user("ana"), user("zoe")],
            "their other connection is there"
        );
        room.leave(&user("zoe"), NOW);
        assert_eq!(room.members(), [user("ana")]);
    }

    #[test]
    fn a_message_bears_the_date_and_the_rate_does_not_depend_on_it() {
        let mut room = room();
        // The clock is set back and then forward; no time passes.
        for date in [5_000, 1, 9_000, 3, 7_000].map(Timestamp::from_secs) {
            let said = room.say(&user("ana"), "x".into(), &LIMITS, date, NOW);
            assert_eq!(said.map(|message| message.date), Ok(date));
        }
        let later = DATE.plus(KEPT_EMPTY);
        let refused = room.say(&user("ana"), "x".into(), &LIMITS, later, NOW);
        assert_eq!(refused, Err(Duration::from_millis(200)));
        let now = NOW.plus(Duration::from_millis(200));
        let said = room.say(&user("ana"), "x".into(), &LIMITS, DATE, now);
        assert!(said.is_ok());
    }

    #[test]
    fn each_user_has_a_rate_of_their_own() {
        let mut room = room();
        for _ in 0..5 {
            room.say(&user("ana"), "x".into(), &LIMITS, DATE, NOW)
                .expect("within the burst");
        }
        let refused = room.say(&user("ana"), "x".into(), &LIMITS, DATE, NOW);
        assert_eq!(refused, Err(Duration::from_millis(200)));
        assert!(
            room.say(&user("bob"), "x".into(), &LIMITS, DATE, NOW)
                .is_ok()
        );
        assert_eq!(room.latest(1)[0].id, 6, "a refused message takes no number");
    }

    #[test]
    fn a_room_is_forgotten_an_hour_after_the_last_member_left() {
        let mut room = room();
        assert!(room.is_forgettable(NOW), "nothing to remember yet");
        room.enter(user("ana"));
        room.say(&user("ana"), "x".into(), &LIMITS, DATE, NOW)
            .expect("within the burst");
        assert!(!room.is_forgettable(NOW.plus(KEPT_EMPTY * 2)));
        room.leave(&user("ana"), NOW);
        assert!(!room.is_forgettable(NOW.plus(Duration::from_millis(3_599_999))));
        assert!(room.is_forgettable(NOW.plus(KEPT_EMPTY)));
    }

    #[test]
    fn a_room_that_keeps_no_history_is_remembered_too() {
        let mut room = room();
        let limits = RoomLimits {
            history: 0,
            ..LIMITS
        };
        room.enter(user("ana"));
        room.say(&user("ana"), "x".into(), &limits, DATE, NOW)
            .expect("within the burst");
        room.leave(&user("ana"), NOW);
        assert!(!room.is_forgettable(NOW));
    }
}
