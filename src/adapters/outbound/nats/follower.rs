//! Follows a stream, so that every message is seen once and in order.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::logged::{Logged, logged};
use crate::adapters::outbound::nats::setup::live_must_be_there;
use crate::adapters::outbound::nats::subjects::Stream;
use crate::adapters::outbound::nats::tombstones::KEPT;
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::{Clock as _, StoreError};
use crate::domain::Timestamp;

/// How often the engine is asked whether anything has been missed.
const LOOK: Duration = Duration::from_secs(1);

/// How long to wait before something that failed is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// If the engine has lost a stream, its numbers go on this far after the last one that was seen
/// here: other nodes may have seen more.
const FURTHER: u64 = 1_000;

/// After this long without hearing everything, the log may have forgotten something that was not
/// heard, as far as it only said that something is gone: see `tombstones.rs`.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(KEPT.as_secs() / 2);

/// Something that is told of each message of a stream, in order. It must not wait.
pub(crate) trait Follows: Send + Sync + 'static {
    /// Takes the next message of the stream.
    fn follow(&self, message: &Logged);

    /// The stream may have forgotten messages that were not seen here.
    fn begin_again(self: Arc<Self>) {}
}

/// How far a stream has been followed.
#[derive(Debug, Clone)]
pub(crate) struct Position(watch::Receiver<u64>);

impl Position {
    /// The last message that has been seen.
    pub fn now(&self) -> u64 {
        *self.0.borrow()
    }

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

/// A place in a stream from which nobody follows the stream yet.
pub(crate) struct Start {
    engine: Arc<Engine>,
    stream: Stream,
    told: async_nats::Subscriber,
    at: watch::Sender<u64>,
    /// When nothing was missing, by this node's clock.
    complete_at: Timestamp,
    /// The last message that the stream is known to have, and when it was asked for that.
    last: u64,
    looked_at: Timestamp,
    /// Whether the engine, when it was last asked, had less than what had been seen here.
    is_behind: bool,
}

impl Start {
    /// Begins with the messages that are kept from now on.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn from_now(
        engine: &Arc<Engine>,
        stream: Stream,
    ) -> Result<(Self, Position), StoreError> {
        let (start, position) = Self::from_beginning(engine, stream).await?;
        start.at.send_replace(start.last);
        Ok((start, position))
    }

    /// Begins with the first message that is kept.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn from_beginning(
        engine: &Arc<Engine>,
        stream: Stream,
    ) -> Result<(Self, Position), StoreError> {
        let told = engine.told(&stream).await?;
        let (at, position) = watch::channel(0);
        let now = SystemClock.now();
        let last = engine.last_sequence(&stream).await?;
        let engine = Arc::clone(engine);
        let start = Self {
            engine,
            stream,
            told,
            at,
            complete_at: now,
            last,
            looked_at: now,
            is_behind: false,
        };
        Ok((start, Position(position)))
    }

    /// The last message that is kept now.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Tells `who` of every message, until `who` is gone.
    pub async fn follow<T: Follows + ?Sized>(mut self, who: Weak<T>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
                    let asked_at = SystemClock.now();
                    let last = timeout(LOOK, self.engine.last_sequence(&self.stream)).await;
                    match last.map_err(StoreError::failed) {
                        Ok(Ok(last)) => self.compare(&who, last, asked_at).await,
                        Ok(Err(error)) | Err(error) => self.create_again(&error).await,
                    }
                }
            }
            if who.strong_count() == 0 {
                return;
            }
        }
    }

    /// Compares what has been seen with the `last` message of the stream.
    async fn compare<T: Follows + ?Sized>(
        &mut self,
        who: &Weak<T>,
        last: u64,
        asked_at: Timestamp,
    ) {
        // A message that was kept just before is about to be told. Only a message that is still
        // missing the next time was missed.
        let before = std::mem::replace(&mut self.last, last);
        if before > self.now() {
            self.catch_up(who, before).await;
        }
        let looked_at = std::mem::replace(&mut self.looked_at, asked_at);
        self.complete_at = self.complete_at.max(looked_at);
        // A server that has just become the leader may be late once.
        let is_behind = last < self.now();
        let stays_behind = std::mem::replace(&mut self.is_behind, is_behind) && is_behind;
        if stays_behind && self.stream.is_in_memory {
            tracing::warn!("the NATS servers have lost what they kept in memory");
            let next = self.now() + FURTHER;
            if let Err(error) = self.engine.skip_to(&self.stream, next).await {
                tracing::warn!(%error, "cannot number on what is kept in memory");
            }
        }
    }

    /// Creates the stream in memory again. The engine does not answer, perhaps because it has lost
    /// the whole stream.
    async fn create_again(&self, error: &StoreError) {
        tracing::debug!(%error, "the engine does not say what it keeps");
        if !self.stream.is_in_memory {
            return;
        }
        let first = self.now() + FURTHER;
        if let Err(error) = live_must_be_there(&self.engine, first).await {
            tracing::debug!(%error, "the engine keeps nothing in memory");
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

    /// Reads the messages that were missed, except those that have been replaced since.
    async fn catch_up<T: Follows + ?Sized>(&mut self, who: &Weak<T>, last: u64) {
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
        &mut self,
        who: &Weak<T>,
        last: u64,
    ) -> Result<(), StoreError> {
        let (stream, next) = (&self.stream, self.now() + 1);
        let page = self.engine.page(stream, next, &stream.subjects).await?;
        if page.is_empty() {
            // The server that was asked may not have it yet.
            match self.engine.next_ask_leader(stream, next).await? {
                Some(next) if next.sequence <= last => sleep(AGAIN).await,
                Some(_) | None => {
                    // Nothing is left of what was missed.
                    self.may_begin_again(who);
                    self.at.send_replace(last);
                }
            }
            return Ok(());
        }
        // Reading back a lot takes longer than the engine may be silent.
        self.engine.note_answer();
        self.may_begin_again(who);
        for message in &page {
            self.tell(who, message);
        }
        Ok(())
    }

    /// Has `who` begin again if the stream may have forgotten something that was not heard.
    fn may_begin_again<T: Follows + ?Sized>(&mut self, who: &Weak<T>) {
        let now = SystemClock.now();
        if now.since(self.complete_at) > REMEMBERED
            && let Some(who) = who.upgrade()
        {
            self.complete_at = now;
            who.begin_again();
        }
    }
}

#[cfg(test)]
mod tests;
