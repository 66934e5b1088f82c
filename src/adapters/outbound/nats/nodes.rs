//! Which nodes live, and questions to all of them.
//!
//! Nothing here is stored: each node says once a second that it lives, and the nodes that hear a
//! question answer it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::Subscriber;
use futures_util::StreamExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::living::Living;
use crate::adapters::outbound::nats::message::{Message, NodeId};
use crate::application::locks::lock;
use crate::application::ports::StoreError;

/// How often a node says that it lives.
pub(crate) const BEAT: Duration = Duration::from_secs(1);

/// How long the other nodes may take to answer.
const ANSWERS: Duration = Duration::from_millis(300);

/// The nodes of an engine, as this one hears of them.
pub(crate) struct Nodes {
    engine: Arc<Engine>,
    living: Arc<Mutex<Living>>,
    /// The tasks end when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

impl Nodes {
    /// From now on, says that this node lives, and listens to others.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn start(engine: &Arc<Engine>) -> Result<Self, StoreError> {
        let living = Arc::new(Mutex::new(Living::new(NodeId::random())));
        let heard = engine.hear(&engine.subjects.all_beats()).await?;
        let nodes = Self {
            engine: Arc::clone(engine),
            living,
            tasks: Mutex::default(),
        };
        nodes.run(listen(heard, Arc::clone(&nodes.living)));
        nodes.run(beat(Arc::clone(engine), Arc::clone(&nodes.living)));
        Ok(nodes)
    }

    fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.tasks).spawn(task);
    }

    /// The name of this node.
    pub fn own(&self) -> NodeId {
        lock(&self.living).own()
    }

    /// Takes a new name, because others take this node for dead.
    pub fn rename(&self) {
        lock(&self.living).rename(NodeId::random());
    }

    /// Whether this node is the first of those that live, and hears itself.
    pub fn is_first(&self) -> bool {
        let living = lock(&self.living);
        living.is_connected(Instant::now()) && living.all().first() == Some(&living.own())
    }

    /// The nodes that live, including this one, in the order of their names.
    pub fn living(&self) -> Vec<NodeId> {
        lock(&self.living).all()
    }

    /// Whether a node has not been heard for so long that it must have ended.
    pub fn is_silent(&self, node: NodeId) -> bool {
        lock(&self.living).is_silent(node)
    }

    /// Notes that a node has been heard.
    pub fn hear(&self, node: NodeId) {
        lock(&self.living).hear(node, Instant::now());
    }

    /// From now on, answers what others ask `about` something. `answer` must not wait.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn answer<Q, A>(
        &self,
        about: &str,
        answer: impl Fn(Q) -> A + Send + 'static,
    ) -> Result<(), StoreError>
    where
        Q: DeserializeOwned + Send,
        A: Serialize + Send,
    {
        let mut questions = self
            .engine
            .hear(&self.engine.subjects.question(about))
            .await?;
        let (engine, living) = (Arc::clone(&self.engine), Arc::clone(&self.living));
        self.run(async move {
            while let Some(message) = questions.next().await {
                let question = Message::<Q>::decode(&message.payload);
                let (Some(question), Some(asker)) = (question, message.reply) else {
                    continue;
                };
                let own = lock(&living).own();
                let Ok(answer) = Message::encode(own, answer(question.body)) else {
                    continue;
                };
                if let Err(error) = engine.client.publish(asker, answer).await {
                    tracing::debug!(%error, "cannot answer another server");
                }
            }
        });
        Ok(())
    }

    /// Asks all other nodes, and returns the answers that come in time.
    pub async fn ask<Q, A>(&self, about: &str, question: &Q) -> Vec<A>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned + Send,
    {
        let mut answers = Vec::new();
        let gathering = self.gather(about, question, &mut answers);
        if let Ok(Err(error)) | Err(error) = timeout(ANSWERS, gathering)
            .await
            .map_err(StoreError::failed)
        {
            tracing::debug!(%error, about, "not all servers have answered");
        }
        answers
    }

    async fn gather<Q, A>(
        &self,
        about: &str,
        question: &Q,
        answers: &mut Vec<A>,
    ) -> Result<(), StoreError>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned + Send,
    {
        let own = self.own();
        let mut missing: HashSet<_> = self.living().into_iter().collect();
        missing.remove(&own);
        if missing.is_empty() {
            return Ok(());
        }
        let client = &self.engine.client;
        let inbox = client.new_inbox();
        let replies = client.subscribe(inbox.clone()).await;
        let mut replies = replies.map_err(StoreError::failed)?;
        let (subject, question) = (
            self.engine.subjects.question(about),
            Message::encode(own, question)?,
        );
        let asked = client.publish_with_reply(subject, inbox, question).await;
        asked.map_err(StoreError::failed)?;
        while !missing.is_empty() {
            let Some(reply) = replies.next().await else {
                return Err(StoreError::failed("the connection has ended"));
            };
            if let Some(reply) = Message::decode(&reply.payload)
                && missing.remove(&reply.node)
            {
                answers.push(reply.body);
            }
        }
        Ok(())
    }
}

async fn beat(engine: Arc<Engine>, living: Arc<Mutex<Living>>) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        let own = lock(&living).own();
        let subject = engine.subjects.beat(own);
        let beat = async {
            let payload = Message::encode(own, ())?;
            engine.tell(subject, payload).await
        };
        // A beat that is late says nothing.
        if let Err(error) = beat.await {
            tracing::debug!(%error, "cannot tell others that this server lives");
        }
    }
}

async fn listen(mut heard: Subscriber, living: Arc<Mutex<Living>>) {
    while let Some(message) = heard.next().await {
        if let Some(beat) = Message::<()>::decode(&message.payload) {
            lock(&living).hear(beat.node, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests;
