//! Fan-out: who receives what, and handing it over.
//!
//! An event is encoded once, and its receivers share the bytes. No lock that topics share is held
//! while an event is handed over, or while a thread waits for a topic's own lock. A topic's own
//! lock gives all its receivers the same order.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use super::deliveries::Deliveries;
use super::members::{Encoder, Members};
use super::shards::Shards;
use crate::adapters::delivery::send_queue::queue::{Frame, SendQueue};
use crate::application::locks::{lock, read, write};
use crate::application::ports::{EventPublisher, Subscriptions, Topic};
use crate::application::{ConnectionId, Event};
use crate::domain::{Contents, ProjectId};

/// Knows which connection receives what, and hands events over. One for the whole process.
pub struct Hub<F> {
    encode: Box<Encoder<F>>,
    last_id: AtomicU64,
    pub(crate) connections: RwLock<HashMap<ConnectionId, Arc<Connection<F>>>>,
    topics: Shards<Topic, Arc<Members<F>>>,
    /// The streamer connections of each project that has one. Changes are announced under its lock,
    /// so that arrivals and departures cannot be announced in the wrong order.
    pub(crate) streamers: Shards<ProjectId, HashSet<ConnectionId>>,
    /// Counts what has been handed over.
    pub deliveries: Deliveries,
}

pub(crate) struct Connection<F> {
    pub(crate) queue: Arc<SendQueue<F>>,
    topics: Mutex<HashSet<Topic>>,
}

impl<F: Frame> Hub<F> {
    /// A hub without connections.
    pub fn new(encode: impl Fn(&Event, usize) -> Vec<F> + Send + Sync + 'static) -> Self {
        Self {
            encode: Box::new(encode),
            last_id: AtomicU64::new(0),
            connections: RwLock::default(),
            topics: Shards::default(),
            streamers: Shards::default(),
            deliveries: Deliveries::default(),
        }
    }

    fn connection(&self, id: ConnectionId) -> Option<Arc<Connection<F>>> {
        read(&self.connections).get(&id).cloned()
    }

    pub(crate) fn members(&self, topic: &Topic) -> Option<Arc<Members<F>>> {
        lock(self.topics.of(topic)).get(topic).cloned()
    }

    fn add_member(&self, topic: &Topic, id: ConnectionId, queue: &Arc<SendQueue<F>>) {
        loop {
            let members = Arc::clone(
                lock(self.topics.of(topic))
                    .entry(topic.clone())
                    .or_default(),
            );
            if members.insert(id, queue) {
                return;
            }
            self.take_out(topic, &members);
        }
    }

    fn remove_member(&self, topic: &Topic, id: ConnectionId) {
        if let Some(members) = self.members(topic)
            && members.remove(id)
        {
            self.take_out(topic, &members);
        }
    }

    /// Removes a topic that its last member has left, unless a new topic has taken its place.
    fn take_out(&self, topic: &Topic, left: &Arc<Members<F>>) {
        let mut topics = lock(self.topics.of(topic));
        if topics
            .get(topic)
            .is_some_and(|members| Arc::ptr_eq(members, left))
        {
            topics.remove(topic);
        }
    }
}

impl<F: Frame> Hub<F> {
    /// Adds a new connection that receives into `queue`; it has no subscriptions yet.
    pub fn connect(&self, queue: Arc<SendQueue<F>>) -> ConnectionId {
        let id = ConnectionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let connection = Connection {
            queue,
            topics: Mutex::default(),
        };
        write(&self.connections).insert(id, Arc::new(connection));
        id
    }

    /// Ends a connection: it receives nothing more and takes no memory.
    pub fn disconnect(&self, connection: ConnectionId) {
        let Some(gone) = write(&self.connections).remove(&connection) else {
            return;
        };
        // Marks it as gone as well: `subscribe` checks that while it holds this lock.
        let topics = std::mem::take(&mut *lock(&gone.topics));
        for topic in topics {
            self.remove_member(&topic, connection);
        }
    }
}

impl<F: Frame> Subscriptions for Hub<F> {
    fn subscribe(&self, connection: ConnectionId, topic: Topic) {
        let Some(member) = self.connection(connection) else {
            return;
        };
        let mut own = lock(&member.topics);
        if self.connection(connection).is_none() || !own.insert(topic.clone()) {
            return;
        }
        self.add_member(&topic, connection, &member.queue);
    }

    fn narrow(&self, connection: ConnectionId, project: &ProjectId, contents: Arc<Contents>) {
        if let Some(members) = self.members(&Topic::Updates(project.clone())) {
            members.narrow(connection, contents);
        }
    }

    fn unsubscribe(&self, connection: ConnectionId, topic: &Topic) {
        let Some(member) = self.connection(connection) else {
            return;
        };
        if lock(&member.topics).remove(topic) {
            self.remove_member(topic, connection);
            if let Topic::Updates(project) = topic {
                // Must come last: until the member is removed, further changes can be queued.
                member.queue.forget(project);
            }
        }
    }
}

impl<F: Frame> EventPublisher for Hub<F> {
    fn publish(&self, topic: &Topic, event: Event, origin: Option<ConnectionId>) {
        if let Some(members) = self.members(topic) {
            let handed = members.deliver(&event, origin, &*self.encode);
            self.deliveries.add(event.kind(), &handed);
        }
    }

    fn tell(&self, connections: &[ConnectionId], event: Event) {
        let told = connections.iter().filter_map(|id| self.connection(*id));
        let told: Vec<_> = told.collect();
        if told.is_empty() {
            return;
        }
        let frames = (self.encode)(&event, told.len());
        for connection in told {
            for frame in &frames {
                connection.queue.deliver(frame.clone());
            }
        }
    }
}

#[cfg(test)]
mod interleaved_tests;
#[cfg(test)]
mod tests;
