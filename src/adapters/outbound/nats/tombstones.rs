//! What the log says is gone. It says so for an hour, so that every node hears of it; then it
//! forgets, or everything that ever had a name would take room in the engine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::sleep;

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::system::SystemClock;
use crate::application::locks::lock;
use crate::application::ports::Clock as _;
use crate::domain::Timestamp;

/// How long the log says that something is gone. A node that has missed half of that reads
/// everything again: see `follower.rs`.
pub(crate) const KEPT: Duration = Duration::from_secs(3_600);

/// How often this node looks for what it can forget.
const LOOK: Duration = Duration::from_secs(60);

/// How many purges run at once.
const AT_ONCE: usize = 16;

/// How many tombstones this node remembers, about 100 bytes each. Those beyond that are noted when
/// their project is next loaded.
const MOST: usize = 100_000;

/// The tombstones that this node will remove: those of its own changes, and those that it has met
/// while it loaded something.
#[derive(Default)]
pub(crate) struct Tombstones(Mutex<VecDeque<Tombstone>>);

struct Tombstone {
    subject: String,
    sequence: u64,
    at: Timestamp,
}

impl Tombstones {
    /// Notes that this message only says that something is gone.
    pub fn note(&self, message: &Logged) {
        let mut all = lock(&self.0);
        if all.len() < MOST {
            all.push_back(Tombstone {
                subject: message.subject.clone(),
                sequence: message.sequence,
                at: message.at,
            });
        }
    }

    /// Takes those that every node has heard of.
    fn take_old(&self, now: Timestamp) -> Vec<Tombstone> {
        let mut all = lock(&self.0);
        let is_old = |tombstone: &Tombstone| now.since(tombstone.at) >= KEPT;
        let young = all.iter().position(|tombstone| !is_old(tombstone));
        let old = young.unwrap_or(all.len());
        all.drain(..old).collect()
    }

    /// Has the engine forget those that are old at the time `now`, unless something newer has their
    /// name. The rest is tried again the next time.
    pub async fn forget(&self, engine: &Engine, now: Timestamp) {
        let log = engine.subjects.log().name;
        let forget = |tombstone: Tombstone| {
            let log = &log;
            async move {
                let Tombstone {
                    subject, sequence, ..
                } = &tombstone;
                let purged = engine.purge(log, subject, Some(sequence + 1)).await;
                if let Err(error) = purged {
                    tracing::debug!(%error, "the engine cannot forget what is gone yet");
                    lock(&self.0).push_back(tombstone);
                }
            }
        };
        let old = futures_util::stream::iter(self.take_old(now));
        old.for_each_concurrent(AT_ONCE, forget).await;
    }
}

/// Has the engine forget what has long been gone, for as long as the engine is used.
pub(crate) async fn forget_what_is_gone(tombstones: Arc<Tombstones>, engine: Weak<Engine>) {
    loop {
        sleep(LOOK).await;
        let Some(engine) = engine.upgrade() else {
            return;
        };
        tombstones.forget(&engine, SystemClock.now()).await;
    }
}

#[cfg(test)]
mod tests;
