//! A chat room: who is in it, what was said, how often each user may speak (protocol, section 7).

mod spoken;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::iter::once;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::client_address::ClientAddress;
use super::names::{RoomName, UserName};
use super::rate_limit::{RateLimit, TokenBucket};
use super::time::{Timestamp, Uptime};
use spoken::{Speaker, Spoken};

/// How long an empty room is remembered.
const KEPT_EMPTY: Duration = Duration::from_secs(3_600);

/// What the allocator adds to a message, in bytes: its name and its text are shared texts, each
/// with two counts, and the history may have room for twice as many messages as it holds.
const OVERHEAD_BYTES: usize = size_of::<ChatMessage>() + 64;

/// About how many bytes of memory a room in which one user has spoken takes, besides its name and
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

/// A message that somebody wants to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Who.
    pub username: UserName,
    /// Their address, if they are a guest: all guests from there count as one user, too. `None` if
    /// others share that address.
    pub guests_address: Option<ClientAddress>,
    /// Its text.
    pub text: Arc<str>,
    /// The time now.
    pub date: Timestamp,
    /// How long slow mode makes them wait after their last message; zero if it is off, or not for
    /// them.
    pub slow: Duration,
    /// Whether it is a moderator's announcement.
    pub is_announcement: bool,
}

impl NewMessage {
    /// The message as the members of the room receive it.
    pub fn numbered(self, id: u64, room: RoomName) -> ChatMessage {
        ChatMessage {
            id,
            room,
            username: self.username,
            text: self.text,
            date: self.date,
            is_announcement: self.is_announcement,
        }
    }

    /// The speakers for whom it counts.
    fn speakers(&self) -> Vec<Speaker> {
        let user = once(Speaker::User(self.username.clone()));
        user.chain(self.guests_address.map(Speaker::GuestsFrom))
            .collect()
    }
}

/// The room has given no message this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there has been no such message")]
pub struct UnknownMessage;

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
    /// Whether it is a moderator's announcement.
    pub is_announcement: bool,
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
    /// The numbers of its first message and its last one; 0: there was none.
    first_id: u64,
    last_id: u64,
    /// Only for those who spoke recently: a full bucket is dropped.
    buckets: HashMap<Speaker, TokenBucket>,
    spoken: Spoken,
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
            first_id: 0,
            last_id: 0,
            buckets: HashMap::new(),
            spoken: Spoken::default(),
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

    /// Adds a message to the room's history, with the next number.
    ///
    /// # Errors
    /// How long its author must wait before their next message; the refused one does not count.
    pub fn say(
        &mut self,
        said: NewMessage,
        limits: &RoomLimits,
        now: Uptime,
    ) -> Result<ChatMessage, Duration> {
        self.admit(&said, limits, now)?;
        Ok(self.keep(said, self.last_id + 1, limits))
    }

    /// Counts a message towards how often its author may speak.
    ///
    /// # Errors
    /// How long they must wait before their next message; the refused one does not count.
    pub fn admit(
        &mut self,
        said: &NewMessage,
        limits: &RoomLimits,
        now: Uptime,
    ) -> Result<(), Duration> {
        let speakers = said.speakers();
        self.spoken.may_speak(&speakers, said.slow, now)?;
        self.take_permits(&speakers, limits.rate, now)?;
        if !said.slow.is_zero() {
            self.spoken.note(speakers, now);
        }
        Ok(())
    }

    /// The same for a message that another server has admitted, so it has been said.
    pub fn count(&mut self, said: &NewMessage, limits: &RoomLimits, now: Uptime) {
        for speaker in said.speakers() {
            // A speaker who has no permit left has none afterwards either.
            let _ = self.take_permits(slice::from_ref(&speaker), limits.rate, now);
            if !said.slow.is_zero() {
                self.spoken.note(vec![speaker], now);
            }
        }
        // Forgets speakers who may speak again, even if nobody asks whether they may.
        let _ = self.spoken.may_speak(&[], said.slow, now);
    }

    /// Adds a message that has been admitted to the room's history. Numbers grow.
    pub fn keep(&mut self, said: NewMessage, id: u64, limits: &RoomLimits) -> ChatMessage {
        self.last_id = id;
        if self.first_id == 0 {
            self.first_id = id;
        }
        let message = said.numbered(id, self.name.clone());
        self.history_bytes += message.memory_bytes();
        self.history.push_back(message.clone());
        while self.history.len() > limits.history {
            self.forget_oldest();
        }
        message
    }

    /// If nobody is in the room, it counts as empty since `then`, unless it became empty later.
    pub fn stays_empty_from(&mut self, then: Uptime) {
        self.empty_since = self.empty_since.map(|since| since.max(then));
    }

    /// Takes a permit for each speaker, or none.
    fn take_permits(
        &mut self,
        speakers: &[Speaker],
        rate: RateLimit,
        now: Uptime,
    ) -> Result<(), Duration> {
        let buckets = &mut self.buckets;
        buckets.retain(|_, bucket| !bucket.is_full(rate, now));
        let taken = speakers.iter().map(|speaker| {
            let bucket = buckets.get(speaker).copied();
            let mut bucket = bucket.unwrap_or_else(|| TokenBucket::full(rate, now));
            bucket.take(rate, now)?;
            Ok((speaker.clone(), bucket))
        });
        let taken = taken.collect::<Result<Vec<_>, Duration>>()?;
        buckets.extend(taken);
        Ok(())
    }

    /// Who wrote the message of this number, if it is still remembered. Where numbers have gaps,
    /// those in a gap count as given.
    ///
    /// # Errors
    /// The room has given no message this number.
    pub fn author(&self, id: u64) -> Result<Option<&UserName>, UnknownMessage> {
        if id == 0 || id < self.first_id || id > self.last_id {
            return Err(UnknownMessage);
        }
        let message = self.history.iter().find(|message| message.id == id);
        Ok(message.map(|message| &message.username))
    }

    /// Forgets the message of this number.
    pub fn delete(&mut self, id: u64) {
        if let Some(place) = self.history.iter().position(|message| message.id == id)
            && let Some(message) = self.history.remove(place)
        {
            self.history_bytes -= message.memory_bytes();
        }
    }

    /// Forgets when each user has last spoken in slow mode, which has ended.
    pub fn end_slow(&mut self) {
        self.spoken = Spoken::default();
    }

    /// About how many bytes of memory it takes to know who has spoken in slow mode.
    pub fn spoken_bytes(&self) -> usize {
        self.spoken.bytes
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
    use super::spoken::SPOKEN_BYTES;
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

    fn new(who: &str, text: Arc<str>, date: Timestamp) -> NewMessage {
        NewMessage {
            username: user(who),
            guests_address: None,
            text,
            date,
            slow: Duration::ZERO,
            is_announcement: false,
        }
    }

    fn room() -> Room {
        Room::new(RoomName::parse("lounge").expect("valid"), NOW)
    }

    #[test]
    fn a_history_is_shortened_to_the_memory_it_may_take_from_its_oldest_message_on() {
        let mut room = room();
        let mut bytes = Vec::new();
        for text in ["a", "b"] {
            room.say(new("ana", text.into(), DATE), &LIMITS, NOW)
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
            room.say(new("ana", text.into(), DATE), &LIMITS, NOW)
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
            let said = room.say(new("ana", "x".into(), date), &LIMITS, NOW);
            assert_eq!(said.map(|message| message.date), Ok(date));
        }
        let later = DATE.plus(KEPT_EMPTY);
        let refused = room.say(new("ana", "x".into(), later), &LIMITS, NOW);
        assert_eq!(refused, Err(Duration::from_millis(200)));
        let now = NOW.plus(Duration::from_millis(200));
        let said = room.say(new("ana", "x".into(), DATE), &LIMITS, now);
        assert!(said.is_ok());
    }

    #[test]
    fn each_user_has_a_rate_of_their_own() {
        let mut room = room();
        for _ in 0..5 {
            room.say(new("ana", "x".into(), DATE), &LIMITS, NOW)
                .expect("within the burst");
        }
        let refused = room.say(new("ana", "x".into(), DATE), &LIMITS, NOW);
        assert_eq!(refused, Err(Duration::from_millis(200)));
        assert!(room.say(new("bob", "x".into(), DATE), &LIMITS, NOW).is_ok());
        assert_eq!(room.latest(1)[0].id, 6, "a refused message takes no number");
    }

    #[test]
    fn a_room_is_forgotten_an_hour_after_the_last_member_left() {
        let mut room = room();
        assert!(room.is_forgettable(NOW), "nothing to remember yet");
        room.enter(user("ana"));
        room.say(new("ana", "x".into(), DATE), &LIMITS, NOW)
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
        room.say(new("ana", "x".into(), DATE), &limits, NOW)
            .expect("within the burst");
        room.leave(&user("ana"), NOW);
        assert!(!room.is_forgettable(NOW));
    }

    /// The result of a message in slow mode that comes `later` seconds later.
    fn slowly(room: &mut Room, who: &str, slow: u64, later: u64) -> Result<u64, Duration> {
        let said = NewMessage {
            slow: Duration::from_secs(slow),
            ..new(who, "x".into(), DATE)
        };
        let now = NOW.plus(Duration::from_secs(later));
        room.say(said, &LIMITS, now).map(|message| message.id)
    }

    #[test]
    fn in_slow_mode_each_user_speaks_once_in_so_long_and_what_is_refused_does_not_count() {
        let mut room = room();
        assert_eq!(slowly(&mut room, "ana", 30, 0), Ok(1));
        assert_eq!(slowly(&mut room, "bob", 30, 1), Ok(2));
        assert_eq!(
            slowly(&mut room, "ana", 30, 29),
            Err(Duration::from_secs(1))
        );
        assert_eq!(slowly(&mut room, "ana", 30, 30), Ok(3));
        assert_eq!(
            slowly(&mut room, "ana", 30, 31),
            Err(Duration::from_secs(29))
        );
        assert_eq!(slowly(&mut room, "eve", 0, 31), Ok(4), "who is exempt");
        assert_eq!(slowly(&mut room, "eve", 0, 31), Ok(5));
        assert_eq!(slowly(&mut room, "ana", 10, 40), Ok(6), "it is less slow");
        room.end_slow();
        assert_eq!(slowly(&mut room, "ana", 10, 40), Ok(7));
    }

    #[test]
    fn guests_from_one_address_count_as_one_whatever_their_names() {
        let mut room = room();
        let mut say = |who: &str, address, slow, later| {
            let said = NewMessage {
                guests_address: Some(ClientAddress(address)),
                slow: Duration::from_secs(slow),
                ..new(who, "x".into(), DATE)
            };
            let now = NOW.plus(Duration::from_secs(later));
            room.say(said, &LIMITS, now).map(|message| message.id)
        };
        let wait = |seconds| Err(Duration::from_secs(seconds));
        assert_eq!(say("~bob", 7, 30, 0), Ok(1));
        assert_eq!(say("~eve", 7, 30, 1), wait(29));
        assert_eq!(say("~eve", 8, 30, 2), Ok(2), "another address");
        assert_eq!(say("~Bob", 8, 30, 3), wait(29), "the later of both counts");
        assert_eq!(say("~bob", 9, 30, 3), wait(27), "the name counts as well");
        for number in 3..8 {
            assert_eq!(say(&format!("~guest{number}"), 7, 0, 60), Ok(number));
        }
        let refused = Err(Duration::from_millis(200));
        assert_eq!(say("~pat", 7, 0, 60), refused, "so does the rate");
        assert_eq!(
            say("~pat", 8, 0, 60),
            Ok(8),
            "what is refused takes nothing"
        );
        for number in 9..13 {
            assert_eq!(say("~pat", number.into(), 0, 60), Ok(number));
        }
        assert_eq!(say("~pat", 20, 0, 60), refused);
    }

    #[test]
    fn a_message_over_the_rate_does_not_count_for_slow_mode() {
        let mut room = room();
        for _ in 0..5 {
            room.say(new("ana", "x".into(), DATE), &LIMITS, NOW)
                .expect("within the burst");
        }
        let refused = slowly(&mut room, "ana", 3_600, 0);
        assert_eq!(refused, Err(Duration::from_millis(200)));
        assert_eq!(slowly(&mut room, "ana", 3_600, 1), Ok(6));
    }

    #[test]
    fn who_has_spoken_in_slow_mode_takes_memory_until_they_may_speak_again() {
        let mut room = room();
        for number in 0..100 {
            slowly(&mut room, &format!("user{number}"), 60, number).expect("speaks");
        }
        let most = room.spoken_bytes();
        assert!(most < 60 * 200 && most > 60 * 100, "{most}");
        slowly(&mut room, "ana", 60, 300).expect("speaks");
        assert_eq!(room.spoken_bytes(), SPOKEN_BYTES + 3);
        assert_eq!((room.spoken.last.len(), room.spoken.in_order.len()), (1, 1));
        room.end_slow();
        assert_eq!(room.spoken_bytes(), 0);
    }

    #[test]
    fn a_deleted_message_is_gone_from_the_history_and_numbers_that_were_given_are_known() {
        let mut room = room();
        assert_eq!(room.author(1), Err(UnknownMessage));
        let before = room.history_bytes();
        for (who, text) in [("ana", "a"), ("bob", "b"), ("ana", "c"), ("ana", "d")] {
            room.say(new(who, text.into(), DATE), &LIMITS, NOW)
                .expect("within the burst");
        }
        assert_eq!(room.author(0), Err(UnknownMessage));
        assert_eq!(room.author(1), Ok(None), "it is forgotten");
        assert_eq!(room.author(2), Ok(Some(&user("bob"))));
        assert_eq!(room.author(5), Err(UnknownMessage));
        for id in [2, 2, 1] {
            room.delete(id);
        }
        assert_eq!(room.author(2), Ok(None));
        let left: Vec<_> = room.latest(9).iter().map(|message| message.id).collect();
        assert_eq!(left, [3, 4]);
        for id in [3, 4] {
            room.delete(id);
        }
        assert_eq!(room.history_bytes(), before);
    }
}
