//! Chat rooms of all nodes. A log keeps what happens in them. Every node does what the log tells in
//! its own rooms, which hold the history and tell the connections at this node.
//!
//! The number of a message is its place in the log. The node that a user is connected to checks
//! their rate; each node counts what was said at others once the log tells of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::adapters::outbound::memory::{MemoryChatRooms, Place, Speaks};
use crate::adapters::outbound::nats::chat_entry::{ChatEntry, Said, What};
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::follower::{Follows, Position, Start};
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::nodes::Nodes;
use crate::adapters::outbound::nats::own_changes::ChangeNames;
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::system::SystemClock;
use crate::application::ConnectionId;
use crate::application::locks::lock;
use crate::application::ports::{ChatRooms, Clock as _, Floor, SayError, StoreError};
use crate::domain::{ChatMessage, NewMessage, RoomName, UnknownMessage, Uptime, UserName};

/// How long an entry is sent again while its fate is unknown. The engine remembers what it has kept
/// for twice as long, so the entry is kept once.
const SENT_AGAIN: Duration = Duration::from_secs(60);

/// How long the engine may take to tell of what it has kept. After that, the entry is sent again.
const AGAIN: Duration = Duration::from_millis(500);

/// The same if the engine has lost the log and begun a new one: nothing stays in the new log until
/// its numbers go on where the old one ended.
const LOST: Duration = Duration::from_secs(3);

/// How often the other nodes are told that somebody is in a room where nothing else happens. They
/// forget the room an hour after they were last told of it.
const OCCUPIED: Duration = Duration::from_secs(600);

/// The question that other nodes are asked: who is in a room.
const MEMBERS: &str = "members";

/// The rooms of all nodes.
pub(crate) struct NatsChatRooms(Arc<Shared>);

struct Shared {
    engine: Arc<Engine>,
    nodes: Arc<Nodes>,
    local: Arc<MemoryChatRooms>,
    /// How far the log has been followed.
    position: Position,
    names: ChangeNames,
    /// What this node has sent and the log has not told of yet, by name.
    under_way: Mutex<HashMap<String, Own>>,
}

/// Who waits for an entry of this node to be done, and which connection does not hear the message.
struct Own {
    done: oneshot::Sender<()>,
    origin: Option<ConnectionId>,
}

impl NatsChatRooms {
    /// Opens the rooms of the engine, and waits until this node knows all that has been said in
    /// them.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn open(
        engine: Arc<Engine>,
        nodes: Arc<Nodes>,
        local: Arc<MemoryChatRooms>,
    ) -> Result<Self, StoreError> {
        let here = Arc::clone(&local);
        let members = move |room: String| {
            let room = RoomName::parse(&room).ok();
            let members = room.map_or_else(Vec::new, |room| here.members_here(&room));
            let names = members.iter().map(UserName::to_string);
            names.collect::<Vec<_>>()
        };
        nodes.answer(MEMBERS, members).await?;
        let (start, position) = Start::from_beginning(&engine, engine.subjects.live()).await?;
        let last = start.last();
        let shared = Arc::new(Shared {
            engine,
            nodes,
            local,
            position,
            names: ChangeNames::default(),
            under_way: Mutex::default(),
        });
        tokio::spawn(start.follow(Arc::downgrade(&shared)));
        shared.position.reaches(last).await?;
        Ok(Self(shared))
    }

    /// Keeps this in the log, and waits until this node has done it. Once begun, this runs to its
    /// end.
    async fn append(
        &self,
        room: &RoomName,
        what: What,
        origin: Option<ConnectionId>,
        floor: Floor,
    ) -> Result<(), StoreError> {
        let (shared, room) = (Arc::clone(&self.0), room.clone());
        let work = tokio::spawn(async move {
            let appended = shared.append(room, what, origin).await;
            drop(floor);
            appended
        });
        work.await.map_err(StoreError::failed)?
    }
}

impl Shared {
    async fn append(
        &self,
        room: RoomName,
        what: What,
        origin: Option<ConnectionId>,
    ) -> Result<(), StoreError> {
        let subjects = &self.engine.subjects;
        let subject = match what {
            What::Occupied => subjects.occupied(&room),
            What::Said(_) | What::Deleted { .. } | What::Slowed { .. } => subjects.chat(&room),
        };
        let name = self.names.next();
        let entry = ChatEntry {
            name: name.clone(),
            room,
            what,
        };
        let payload = entry.encode()?.into();
        let (done, is_done) = oneshot::channel();
        lock(&self.under_way).insert(name.clone(), Own { done, origin });
        let sent = self.send(&name, Outgoing { subject, payload }, is_done);
        let sent = sent.await;
        lock(&self.under_way).remove(&name);
        sent
    }

    /// Sends the entry until this node has done what it says.
    async fn send(
        &self,
        name: &str,
        message: Outgoing,
        mut is_done: oneshot::Receiver<()>,
    ) -> Result<(), StoreError> {
        let (until, mut attempt) = (Instant::now() + SENT_AGAIN, 0);
        loop {
            let before = self.position.now();
            let name = format!("{name}/{attempt}");
            let sent = self.engine.publish_once(message.clone(), &name);
            let mut wait = AGAIN;
            match sent.await {
                Err(refused @ PublishError::Refused(_)) => return Err(refused.into()),
                Ok(kept) if kept <= before => {
                    attempt += 1;
                    wait = LOST;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the engine does not answer"),
            }
            match timeout(wait, &mut is_done).await {
                Ok(done) => return done.map_err(StoreError::failed),
                Err(_) if Instant::now() < until => {}
                Err(late) => return Err(StoreError::failed(late)),
            }
        }
    }

    fn apply(&self, entry: &ChatEntry, logged: &Logged) -> Result<(), StoreError> {
        let (local, room) = (&self.local, &entry.room);
        let own = lock(&self.under_way).remove(&entry.name);
        let (age, uptime) = (SystemClock.now().since(logged.at), SystemClock.uptime());
        let was_before = age > uptime.since(Uptime::default());
        let place = Place {
            sequence: logged.sequence,
            at: uptime.minus(age),
        };
        match &entry.what {
            What::Said(said) => {
                let who = match &own {
                    Some(own) => Speaks::Here(own.origin),
                    None if was_before => Speaks::Before,
                    None => Speaks::Elsewhere,
                };
                local.said(room, said.message(logged.at)?, who, place);
            }
            What::Deleted { id } => local.deleted(room, *id),
            What::Slowed { seconds } => local.slowed(room, *seconds),
            What::Occupied => {}
        }
        local.heard_of(room, place);
        if let Some(own) = own {
            // Perhaps nobody waits for it any more.
            let _ = own.done.send(());
        }
        Ok(())
    }

    /// Removes from the log what it tells of rooms that nobody needs any more.
    async fn forget(&self, rooms: Vec<(RoomName, u64)>) {
        let (live, subjects) = (self.engine.subjects.live(), &self.engine.subjects);
        for (room, last) in rooms {
            let all = subjects.all_of_room(&room);
            let purged = self.engine.purge(&live.name, &all, Some(last + 1)).await;
            if let Err(error) = purged {
                tracing::warn!(%error, "cannot forget what was said in an empty room");
            }
        }
    }
}

impl Follows for Shared {
    fn follow(&self, message: &Logged) {
        let entry = ChatEntry::decode(&message.payload);
        if let Err(error) = entry.and_then(|entry| self.apply(&entry, message)) {
            tracing::error!(%error, "the log of the chat has what this server does not understand");
        }
    }
}

#[async_trait]
impl ChatRooms for NatsChatRooms {
    fn enter(&self, room: &RoomName, user: &UserName, now: Uptime) -> bool {
        self.0.local.enter(room, user, now)
    }

    fn leave(&self, room: &RoomName, user: &UserName, now: Uptime) {
        self.0.local.leave(room, user, now);
    }

    async fn say(
        &self,
        origin: Option<ConnectionId>,
        room: &RoomName,
        message: NewMessage,
        floor: Floor,
        now: Uptime,
    ) -> Result<(), SayError> {
        self.0.local.admit(room, &message, now)?;
        let what = What::Said(Said::new(&message));
        Ok(self.append(room, what, origin, floor).await?)
    }

    fn author(&self, room: &RoomName, id: u64) -> Result<Option<UserName>, UnknownMessage> {
        self.0.local.author(room, id)
    }

    async fn delete(&self, room: &RoomName, id: u64) -> Result<(), StoreError> {
        let what = What::Deleted { id };
        self.append(room, what, None, Box::new(())).await
    }

    async fn slow(&self, room: &RoomName, seconds: u32) -> Result<(), StoreError> {
        let what = What::Slowed { seconds };
        self.append(room, what, None, Box::new(())).await
    }

    fn history(&self, room: &RoomName, limit: usize) -> Vec<ChatMessage> {
        self.0.local.history(room, limit)
    }

    async fn members(&self, room: &RoomName) -> Vec<UserName> {
        let elsewhere: Vec<Vec<String>> = self.0.nodes.ask(MEMBERS, &room.as_str()).await;
        let elsewhere = elsewhere.iter().flatten();
        let elsewhere = elsewhere.filter_map(|name| UserName::parse(name).ok());
        let mut members: BTreeSet<_> = elsewhere.collect();
        members.extend(self.0.local.members_here(room));
        members.into_iter().collect()
    }

    fn count(&self) -> usize {
        self.0.local.count()
    }

    fn sweep(&self, now: Uptime) {
        let (empty, silent) = (
            self.0.local.forget_empty(now),
            self.0.local.silent_for(OCCUPIED, now),
        );
        if empty.is_empty() && silent.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            shared.forget(empty).await;
            for room in silent {
                if let Err(error) = shared.append(room, What::Occupied, None).await {
                    tracing::warn!(%error, "cannot tell that somebody is in a room");
                }
            }
        });
    }
}

#[cfg(test)]
impl NatsChatRooms {
    /// Waits until this node has followed the log up to `sequence`.
    pub async fn reaches(&self, sequence: u64) {
        let reached = self.0.position.reaches(sequence);
        let reached = timeout(Duration::from_secs(20), reached).await;
        reached.expect("in time").expect("is followed");
    }

    /// Waits until the log tells nothing of any room.
    pub async fn until_forgotten(&self) {
        let (engine, live) = (&self.0.engine, self.0.engine.subjects.live());
        let forgotten = async {
            while let Some(left) = engine.next_ask_leader(&live, 1).await.expect("answers") {
                tracing::debug!(?left, "is not forgotten yet");
                tokio::task::yield_now().await;
            }
        };
        let forgotten = timeout(Duration::from_secs(20), forgotten).await;
        forgotten.expect("in time");
    }
}
