//! Who is connected, across all nodes.
//!
//! Each node writes into the log which projects have a streamer connection there. All nodes tell of
//! the transitions that follow from the log, so they tell of the same ones in the same order. A
//! node that is not heard any more is declared dead in the log.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::adapters::outbound::nats::audience::Audience;
use crate::adapters::outbound::nats::background;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::focus::Focuses;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::adapters::outbound::nats::nodes::{BEAT, Nodes};
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::streamers::{Kept, Streamers};
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, Presence, PresenceNews, StoreError, Topic};
use crate::application::{ConnectionId, Event, FileKey};
use crate::domain::ProjectId;

/// How many projects are written into the log at a time.
const AT_ONCE: usize = 16;

/// How long to wait before something that failed is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Who is connected to all nodes.
pub(crate) struct NatsPresence {
    shared: Arc<Shared>,
    /// The log up to here was read at the start.
    loaded: u64,
    /// The tasks end when this is dropped.
    _tasks: JoinSet<()>,
}

struct Shared {
    engine: Arc<Engine>,
    nodes: Arc<Nodes>,
    events: Arc<dyn EventPublisher>,
    /// Who is connected to this node.
    here: Arc<dyn Presence>,
    own: Mutex<OwnStreamers>,
    /// Wakes the task that writes into the log: something is untold.
    untold: Notify,
    /// Wakes those who wait: something has been told.
    told: Notify,
    streamers: Mutex<Streamers>,
    audience: Audience,
    focuses: Focuses,
    /// What the log has told of since `news` was last called.
    news: Mutex<HashMap<ProjectId, bool>>,
}

#[derive(Default)]
struct OwnStreamers {
    /// The projects that have streamer connections here, and the first of each.
    first: HashMap<ProjectId, ConnectionId>,
    /// The projects whose pull requests connections here apply.
    appliers: HashSet<ProjectId>,
    /// The projects whose state here the log must be told.
    untold: HashSet<ProjectId>,
    /// The projects that the log is being told about.
    under_way: HashSet<ProjectId>,
}

impl NatsPresence {
    /// Reads who is there and, from now on, tells of those who are `here`. The log must be followed
    /// from before this call.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn start(
        engine: Arc<Engine>,
        nodes: Arc<Nodes>,
        events: Arc<dyn EventPublisher>,
        here: Arc<dyn Presence>,
    ) -> Result<Self, StoreError> {
        let audience = Audience::start(&engine, &nodes, &here).await?;
        let focuses = Focuses::start(&engine, &events).await?;
        let mut streamers = Streamers::default();
        let follow = |message: &Logged| {
            if let Some(told) = Message::decode(&message.payload) {
                streamers.follow(told);
            }
            Ok(())
        };
        let loaded = engine.read_all(engine.subjects.presence(), follow).await?;
        let shared = Arc::new(Shared {
            engine,
            nodes,
            events,
            here,
            own: Mutex::default(),
            untold: Notify::new(),
            told: Notify::new(),
            streamers: Mutex::new(streamers),
            audience,
            focuses,
            news: Mutex::default(),
        });
        Ok(Self {
            _tasks: background::start(
                tell_of_streamers(Arc::clone(&shared)),
                bury_the_dead(Arc::clone(&shared)),
            ),
            shared,
            loaded,
        })
    }

    /// Waits until the log has been told of a project's streamers here, if they have changed. What
    /// they put then comes later in the log, so nobody deletes it because they are away.
    pub async fn is_told(&self, project: &ProjectId) {
        loop {
            let told = self.shared.told.notified();
            {
                let own = lock(&self.shared.own);
                if !own.untold.contains(project) && !own.under_way.contains(project) {
                    return;
                }
            }
            told.await;
        }
    }

    /// Notes whether connections here apply a project's pull requests.
    pub fn applies(&self, project: &ProjectId, applies: bool) {
        let mut own = lock(&self.shared.own);
        let is_change = if applies {
            own.appliers.insert(project.clone())
        } else {
            own.appliers.remove(project)
        };
        if is_change {
            own.untold.insert(project.clone());
            self.shared.untold.notify_one();
        }
    }

    /// Another node that has connections which apply a project's pull requests.
    pub fn applier(&self, project: &ProjectId) -> Option<NodeId> {
        lock(&self.shared.streamers).applier(project, self.shared.nodes.own())
    }

    pub fn is_dead(&self, node: NodeId) -> bool {
        lock(&self.shared.streamers).is_dead(node)
    }

    /// Does what a message of the log tells. Returns the node that it declares dead, if any.
    pub fn follow(&self, message: &Logged) -> Option<NodeId> {
        if message.sequence <= self.loaded {
            return None;
        }
        self.shared.follow(Message::decode(&message.payload)?)
    }
}

impl Shared {
    fn follow(&self, told: Message<Kept>) -> Option<NodeId> {
        let died = match told.body {
            Kept::Death { dead } => Some(dead),
            Kept::Streamer { .. } => None,
        };
        let transitions = lock(&self.streamers).follow(told);
        for (project, is_there) in transitions {
            self.tell(project, is_there);
        }
        let dead = died?;
        self.audience.forget(|node| node == dead);
        if dead == self.nodes.own() {
            tracing::warn!("other servers have not heard of this one and held it for dead");
            self.nodes.rename();
            let mut own = lock(&self.own);
            let OwnStreamers {
                first,
                appliers,
                untold,
                ..
            } = &mut *own;
            untold.extend(first.keys().chain(&*appliers).cloned());
            self.untold.notify_one();
        }
        died
    }

    fn tell(&self, project: ProjectId, connected: bool) {
        // The streamer's own connection knows that it has come.
        let own = lock(&self.own).first.get(&project).copied();
        let origin = own.filter(|_| connected);
        let event = Event::Presence {
            project: project.clone(),
            connected,
        };
        let topic = Topic::Updates(project.clone());
        self.events.publish(&topic, event, origin);
        lock(&self.news).insert(project, connected);
    }

    /// Writes into the log what a project has here.
    async fn write(&self, project: &ProjectId) -> Result<(), StoreError> {
        let own = self.nodes.own();
        let subject = self.engine.subjects.streamer(project, own);
        // A message that this node has sent before, and does not know the fate of, must not come
        // after this.
        let before = self.engine.last(&subject).await?;
        let (is_there, applies) = {
            let own = lock(&self.own);
            (
                own.first.contains_key(project),
                own.appliers.contains(project),
            )
        };
        if before.is_none() && !is_there && !applies {
            return Ok(());
        }
        let payload = Message::encode(own, Kept::streamer(project, is_there, applies))?;
        let expected = before.map_or(0, |before| before.sequence);
        let message = Outgoing { subject, payload };
        self.engine.publish(message, Some(expected)).await?;
        Ok(())
    }

    /// Writes into the log, once per node, the death of each node that is not heard any more.
    async fn bury(&self) -> Result<(), StoreError> {
        let known: Vec<_> = lock(&self.streamers).known().collect();
        let silent = known.into_iter().filter(|node| self.nodes.is_silent(*node));
        for dead in silent {
            let subjects = &self.engine.subjects;
            let message = Outgoing {
                subject: subjects.death(dead),
                payload: Message::encode(self.nodes.own(), Kept::Death { dead })?,
            };
            match self.engine.publish(message, Some(0)).await {
                Ok(_) => tracing::warn!(%dead, "another server has ended without a word"),
                // Another node was first.
                Err(PublishError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
            let told = subjects.streamers_of(dead);
            self.engine.purge(&subjects.log().name, &told, None).await?;
        }
        Ok(())
    }
}

async fn tell_of_streamers(shared: Arc<Shared>) {
    loop {
        shared.untold.notified().await;
        let untold = {
            let mut own = lock(&shared.own);
            own.under_way = std::mem::take(&mut own.untold);
            futures_util::stream::iter(own.under_way.clone())
        };
        let write = |project| {
            let shared = &shared;
            async move {
                while let Err(error) = shared.write(&project).await {
                    tracing::debug!(%error, "cannot tell others of a streamer yet");
                    sleep(AGAIN).await;
                }
                lock(&shared.own).under_way.remove(&project);
                shared.told.notify_waiters();
            }
        };
        untold.for_each_concurrent(AT_ONCE, write).await;
    }
}

async fn bury_the_dead(shared: Arc<Shared>) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        if let Err(error) = shared.bury().await {
            tracing::debug!(%error, "cannot tell that another server has ended");
        }
    }
}

impl Presence for NatsPresence {
    fn arrive(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let shared = &self.shared;
        let mut own = lock(&shared.own);
        if !shared.here.arrive(project, connection) {
            return false;
        }
        own.first.insert(project.clone(), connection);
        own.untold.insert(project.clone());
        shared.untold.notify_one();
        let elsewhere = lock(&shared.streamers).elsewhere(project, shared.nodes.own());
        elsewhere == 0
    }

    fn depart(&self, project: &ProjectId, connection: ConnectionId) -> bool {
        let shared = &self.shared;
        let mut own = lock(&shared.own);
        if shared.here.depart(project, connection) {
            own.first.remove(project);
            own.untold.insert(project.clone());
            shared.untold.notify_one();
        }
        // Whether it was the last of all is known once the log tells it.
        false
    }

    fn streamers(&self, project: &ProjectId) -> usize {
        let shared = &self.shared;
        let elsewhere = lock(&shared.streamers).elsewhere(project, shared.nodes.own());
        shared.here.streamers(project) + elsewhere
    }

    fn viewers(&self, project: &ProjectId) -> usize {
        self.shared.here.viewers(project) + self.shared.audience.elsewhere(project)
    }

    fn viewers_changed(&self, project: &ProjectId) {
        self.shared.audience.change(project);
    }

    fn focus(&self, file: &FileKey, line: Option<u32>) {
        self.shared.focuses.change(file, line);
    }

    fn news(&self) -> PresenceNews {
        PresenceNews {
            viewers: self.shared.audience.take_changed(),
            streamers: std::mem::take(&mut lock(&self.shared.news)),
        }
    }

    fn is_first(&self) -> bool {
        self.shared.nodes.is_first()
    }
}

#[cfg(test)]
mod tests;
