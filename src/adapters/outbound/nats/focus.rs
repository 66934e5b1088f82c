//! Where streamers look: each node tells the others, which tell their connections that ask for it.
//!
//! None of this is stored, and a message may be lost. If a streamer looks around quickly, or the
//! engine is away, only the latest place is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Subscriber;
use async_nats::connection::State::Connected;
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::adapters::outbound::nats::background;
use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::application::locks::lock;
use crate::application::ports::{EventPublisher, StoreError, Topic};
use crate::application::{Event, FileKey};
use crate::domain::{FilePath, ProjectId, ProjectName, UserName};

/// How long the other nodes are told nothing after they have been told, so that a flood here does
/// not reach them.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// The longest message that is looked at: the longest names, each byte of which JSON may write as
/// six.
pub(crate) const MOST_BYTES: usize = 32 * 1_024;

/// Where a streamer looks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    streamer: String,
    project: String,
    name: String,
    line: Option<u32>,
}

/// Where the streamers of all nodes look.
pub(crate) struct Focuses {
    state: Arc<State>,
    /// The tasks end when this is dropped.
    _tasks: JoinSet<()>,
}

struct State {
    engine: Arc<Engine>,
    /// The name under which this node tells, so that it does not listen to itself. It stays the
    /// same, even when the node takes another name elsewhere.
    own: NodeId,
    /// Tells the connections of this node.
    events: Arc<dyn EventPublisher>,
    /// The latest place of each project that the others have not been told of.
    untold: Mutex<HashMap<ProjectId, (FilePath, Option<u32>)>>,
    is_untold: Notify,
}

impl Focuses {
    /// From now on, tells the other nodes where streamers look here, and the connections here what
    /// other nodes say.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn start(
        engine: &Arc<Engine>,
        events: &Arc<dyn EventPublisher>,
    ) -> Result<Self, StoreError> {
        let heard = engine.hear(&engine.subjects.focus()).await?;
        let state = Arc::new(State {
            engine: Arc::clone(engine),
            own: NodeId::random(),
            events: Arc::clone(events),
            untold: Mutex::default(),
            is_untold: Notify::new(),
        });
        Ok(Self {
            _tasks: background::start(tell(Arc::clone(&state)), hear(Arc::clone(&state), heard)),
            state,
        })
    }

    /// Notes that a streamer here looks at another place.
    pub fn change(&self, file: &FileKey, line: Option<u32>) {
        let FileKey { project, path } = file;
        lock(&self.state.untold).insert(project.clone(), (path.clone(), line));
        self.state.is_untold.notify_one();
    }
}

impl State {
    async fn send(&self, place: Place) -> Result<(), StoreError> {
        let payload = Message::encode(self.own, place)?;
        let subject = self.engine.subjects.focus();
        self.engine.tell(subject, payload).await
    }
}

async fn tell(state: Arc<State>) {
    loop {
        state.is_untold.notified().await;
        while state.engine.client.connection_state() != Connected {
            sleep(PAUSE).await;
        }
        let untold = std::mem::take(&mut *lock(&state.untold));
        for (project, (path, line)) in untold {
            let place = Place {
                streamer: project.streamer.to_string(),
                project: project.name.to_string(),
                name: path.to_string(),
                line,
            };
            if let Err(error) = state.send(place).await {
                tracing::debug!(%error, "cannot tell others where a streamer looks");
            }
        }
        sleep(PAUSE).await;
    }
}

async fn hear(state: Arc<State>, mut heard: Subscriber) {
    while let Some(message) = heard.next().await {
        if message.payload.len() > MOST_BYTES {
            tracing::debug!("another server tells a place that is too long");
            continue;
        }
        let Some(told) = Message::<Place>::decode(&message.payload) else {
            continue;
        };
        if told.node == state.own {
            continue;
        }
        let Some((file, line)) = told.body.understand() else {
            tracing::debug!(node = %told.node, "another server tells a place that is none");
            continue;
        };
        let topic = Topic::Presence(file.project.clone());
        let event = Event::FocusChanged { file, line };
        state.events.publish(&topic, event, None);
    }
}

impl Place {
    /// The place as the application knows it, if a streamer can look there.
    fn understand(self) -> Option<(FileKey, Option<u32>)> {
        let project = ProjectId {
            streamer: UserName::parse(&self.streamer).ok()?,
            name: ProjectName::parse(&self.project).ok()?,
        };
        let path = FilePath::parse(&self.name).ok()?;
        let is_line = |line: u32| (1..=u32::MAX >> 1).contains(&line);
        let is_none = self.line.is_some_and(|line| !is_line(line));
        (!is_none).then_some((FileKey { project, path }, self.line))
    }
}
