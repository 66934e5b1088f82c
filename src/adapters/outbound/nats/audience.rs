//! How many viewers each project has at all nodes. Each node tells the others once a second what
//! has changed.
//!
//! None of this is stored, and a message may be lost. So everything is told anew from time to time,
//! and whenever a node comes or goes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_nats::Subscriber;
use futures_util::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::adapters::outbound::nats::background;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::adapters::outbound::nats::nodes::{BEAT, Nodes};
use crate::adapters::outbound::nats::viewers::{Told, Viewers};
use crate::application::locks::lock;
use crate::application::ports::{Presence, StoreError};
use crate::domain::ProjectId;

/// After how many seconds everything is told anew.
const ANEW: u32 = 10;

/// The viewers at all nodes.
pub(crate) struct Audience {
    state: Arc<State>,
    /// The tasks end when this is dropped.
    _tasks: JoinSet<()>,
}

struct State {
    engine: Arc<Engine>,
    nodes: Arc<Nodes>,
    /// Who is connected to this node.
    here: Arc<dyn Presence>,
    viewers: Mutex<Viewers>,
    /// The projects whose numbers other nodes have changed.
    changed: Mutex<HashSet<ProjectId>>,
}

impl Audience {
    /// From now on, tells the other nodes of the viewers `here`, and hears of theirs.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn start(
        engine: &Arc<Engine>,
        nodes: &Arc<Nodes>,
        here: &Arc<dyn Presence>,
    ) -> Result<Self, StoreError> {
        let heard = engine.hear(&engine.subjects.all_viewers()).await?;
        let state = Arc::new(State {
            engine: Arc::clone(engine),
            nodes: Arc::clone(nodes),
            here: Arc::clone(here),
            viewers: Mutex::default(),
            changed: Mutex::default(),
        });
        Ok(Self {
            _tasks: background::start(tell(Arc::clone(&state)), hear(Arc::clone(&state), heard)),
            state,
        })
    }

    /// How many viewers a project has at the other nodes.
    pub fn elsewhere(&self, project: &ProjectId) -> usize {
        lock(&self.state.viewers).elsewhere(project)
    }

    /// Notes that a viewer of a project has come to this node or left it.
    pub fn change(&self, project: &ProjectId) {
        lock(&self.state.viewers).change(project);
    }

    /// The projects whose numbers other nodes have changed since this was last called.
    pub fn take_changed(&self) -> HashSet<ProjectId> {
        std::mem::take(&mut lock(&self.state.changed))
    }

    /// Forgets the viewers of nodes that are gone.
    pub fn forget(&self, is_gone: impl Fn(NodeId) -> bool) {
        self.state.forget(is_gone);
    }
}

impl State {
    fn forget(&self, is_gone: impl Fn(NodeId) -> bool) {
        let changed = lock(&self.viewers).forget(is_gone);
        lock(&self.changed).extend(changed);
    }

    async fn send(&self, told: Told) -> Result<(), StoreError> {
        let own = self.nodes.own();
        let subject = self.engine.subjects.viewers(own);
        let payload = Message::encode(own, told)?;
        self.engine.tell(subject, payload).await
    }
}

async fn tell(state: Arc<State>) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut is_lost, mut number) = (Vec::new(), false, 0);
    loop {
        beats.tick().await;
        state.forget(|node| state.nodes.is_silent(node));
        // A node that has just come knows nothing yet.
        let living = state.nodes.living();
        let anew = is_lost || living != told || number % ANEW == 0;
        let news = lock(&state.viewers).tell(anew, |project| state.here.viewers(project));
        (told, is_lost, number) = (living, false, number + 1);
        for news in news {
            if let Err(error) = state.send(news).await {
                tracing::debug!(%error, "cannot tell others how many view projects here");
                is_lost = true;
            }
        }
    }
}

async fn hear(state: Arc<State>, mut heard: Subscriber) {
    while let Some(message) = heard.next().await {
        let Some(told) = Message::<Told>::decode(&message.payload) else {
            continue;
        };
        if told.node != state.nodes.own() {
            state.nodes.hear(told.node);
            let changed = lock(&state.viewers).hear(told.node, told.body);
            lock(&state.changed).extend(changed);
        }
    }
}
