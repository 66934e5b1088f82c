//! Follows a stream, so that every message is seen once and in order.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::{Logged, logged};
use crate::adapters::outbound::nats::subjects::Stream;
use crate::application::ports::StoreError;

/// How often the engine is asked whether anything has been missed.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before what did not work is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// Who is told of each message of a stream, in order. Must not wait.
pub(crate) trait Follows: Send + Sync + 'static {
    /// The stream has this message.
    fn follow(&self, message: &Logged);
}

/// How far a stream has been followed.
#[derive(Debug, Clone)]
pub(crate) struct Position(watch::Receiver<u64>);

impl Position {
    /// Waits until the message `sequence` has been seen.
    ///
    /// # Errors
    /// `Failed` if nobody follows the stream any more.
    pub async fn reaches(&self, sequence: u64) -> Result<(), StoreError> {
        let mut position = self.0.clone();
        let reached = position.wait_for(|now| *now >= sequence).await;
        reached.map(drop).map_err(StoreError::failed)
    }
}

/// A position that is not yet followed from.
pub(crate) struct Start {
    engine: Arc<Engine>,
    stream: Stream,
    told: async_nats::Subscriber,
    at: watch::Sender<u64>,
}

impl Start {
    /// Begins with what is kept from now on.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn from_now(
        engine: &Arc<Engine>,
        stream: Stream,
    ) -> Result<(Self, Position), StoreError> {
        let told = engine.told(&stream).await?;
        let (at, position) = watch::channel(engine.last_sequence(&stream).await?);
        let engine = Arc::clone(engine);
        let start = Self {
            engine,
            stream,
            told,
            at,
        };
        Ok((start, Position(position)))
    }

    /// Tells `who` of everything, until it is gone.
    pub async fn follow<T: Follows + ?Sized>(mut self, who: Weak<T>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut behind = 0;
        loop {
            tokio::select! {
                message = self.told.next() => match message.as_ref().map(logged) {
                    Some(Ok(message)) => {
                        let next = self.now() + 1;
                        if message.sequence > next {
                            self.catch_up(&who, message.sequence - 1).await;
                        }
                        self.tell(&who, &message);
                    }
                    Some(Err(error)) => tracing::warn!(%error, "a message of the log"),
                    None => {
                        // The connection has ended for good; what is kept is still looked at.
                        sleep(AGAIN).await;
                    }
                },
                _ = look.tick() => {
                    let last = timeout(LOOK, self.engine.last_sequence(&self.stream)).await;
                    let last = last.ok().and_then(Result::ok).unwrap_or(0);
                    // What was kept just before is told right away; so only what is still missing
                    // the next time was missed.
                    let missing = std::mem::replace(&mut behind, last);
                    if missing > self.now() {
                        self.catch_up(&who, missing).await;
                    }
                }
            }
            if who.strong_count() == 0 {
                return;
            }
        }
    }

    fn now(&self) -> u64 {
        *self.at.borrow()
    }

    fn tell<T: Follows + ?Sized>(&self, who: &Weak<T>, message: &Logged) {
        if message.sequence > self.now()
            && let Some(who) = who.upgrade()
        {
            who.follow(message);
            self.at.send_replace(message.sequence);
        }
    }

    /// Reads what was missed. What has been replaced since is not there any more.
    async fn catch_up<T: Follows + ?Sized>(&self, who: &Weak<T>, last: u64) {
        if self.now() < last {
            self.engine.counts.gaps.one();
        }
        while self.now() < last && who.strong_count() > 0 {
            if let Err(error) = self.read_on(who, last).await {
                tracing::warn!(%error, "cannot read the log");
                sleep(AGAIN).await;
            }
        }
    }

    async fn read_on<T: Follows + ?Sized>(
        &self,
        who: &Weak<T>,
        last: u64,
    ) -> Result<(), StoreError> {
        let (stream, next) = (&self.stream, self.now() + 1);
        let page = self.engine.page(stream, next, &stream.subjects).await?;
        if page.is_empty() {
            // This server may not have it yet.
            match self.engine.next_ask_leader(stream, next).await? {
                Some(next) if next.sequence <= last => sleep(AGAIN).await,
                Some(_) | None => {
                    self.at.send_replace(last);
                }
            }
        }
        for message in &page {
            self.tell(who, message);
        }
        Ok(())
    }
}
