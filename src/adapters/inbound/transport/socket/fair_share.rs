//! Shares the processor between connections: heavy ones take turns, light ones never wait.
//!
//! Each connection has a small bucket of processor time. One that has emptied it is *heavy*: before
//! each poll its task takes one of a few turns, which all heavy connections share, first come,
//! first served. There is one turn fewer than the runtime has workers, so a worker is always free
//! for light connections, and many floods take no more of the processor than one.
//!
//! A turn is given back only once its worker has run the other tasks that are ready and looked for
//! new input. Without that, a single worker would never find a turn taken.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::{consume_budget, yield_now};
use tokio::time::Instant;

/// How much processor time a connection may use at once before it is heavy.
const FULL: Duration = Duration::from_millis(4);

/// A connection gets back one part in so many of the time that passes: 2 %.
const REFILL: u32 = 50;

/// The most that one poll costs. Most longer ones are longer only because the system has run
/// another process meanwhile, which must not make a light connection heavy.
const MAX_CHARGE: Duration = Duration::from_micros(500);

/// How much of the 128 units of tokio's budget a heavy connection does not get while others wait
/// for a turn: their polls are shorter, so that a light one waits less for the turn that is being
/// taken.
const WITHHELD: usize = 96;

/// Lets the handler of a connection exempt it from all turns.
#[derive(Debug, Clone, Default)]
pub struct Priority(Arc<AtomicBool>);

impl Priority {
    /// Says whether the connection is privileged: its task never waits for a turn, however much
    /// processor time it uses. It takes effect at the next poll.
    pub fn set_privileged(&self, privileged: bool) {
        self.0.store(privileged, Ordering::Relaxed);
    }

    /// Whether the connection is privileged.
    pub fn is_privileged(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The turns that all heavy connections share.
#[derive(Debug, Default)]
pub struct FairShare {
    /// Made with the first connection, in its runtime.
    turns: OnceLock<Arc<Semaphore>>,
    /// How many connections wait for one.
    queue: AtomicUsize,
}

impl FairShare {
    /// Polls `serving` so that it gets no more than its share of the processor while others want
    /// theirs.
    pub fn share<'a, F: Future>(
        &'a self,
        serving: Pin<&'a mut F>,
        priority: Priority,
    ) -> Sharing<'a, F> {
        let turns = self.turns.get_or_init(|| {
            let workers = Handle::current().metrics().num_workers();
            Arc::new(Semaphore::new(workers.saturating_sub(1).max(1)))
        });
        Sharing {
            serving,
            priority,
            turns,
            queue: &self.queue,
            credit: Credit::full(),
            waiting: None,
        }
    }
}

type Turn = Result<OwnedSemaphorePermit, AcquireError>;

/// The future of a connection that shares the processor with others.
pub struct Sharing<'a, F> {
    serving: Pin<&'a mut F>,
    priority: Priority,
    turns: &'a Arc<Semaphore>,
    queue: &'a AtomicUsize,
    credit: Credit,
    /// The place in the queue for a turn. Boxed, as almost no connection ever has one.
    waiting: Option<Pin<Box<dyn Future<Output = Turn> + Send + 'a>>>,
}

/// Counts one connection in the queue.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn new(queue: &'a AtomicUsize) -> Self {
        queue.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F> fmt::Debug for Sharing<'_, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sharing")
            .field("credit", &self.credit)
            .finish_non_exhaustive()
    }
}

impl<F> Sharing<'_, F> {
    /// Waits until the next poll is this connection's, and gives the turn to hold meanwhile.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<OwnedSemaphorePermit>> {
        if self.priority.is_privileged() {
            self.waiting = None;
            return Poll::Ready(None);
        }
        if self.waiting.is_none() {
            self.credit.refill();
            if self.credit.is_positive() {
                return Poll::Ready(None);
            }
            if let Ok(turn) = Arc::clone(self.turns).try_acquire_owned() {
                return Poll::Ready(Some(turn));
            }
        }
        let (turns, queue) = (self.turns, self.queue);
        let waiting = self.waiting.get_or_insert_with(|| {
            let queued = Queued::new(queue);
            let turn = Arc::clone(turns).acquire_owned();
            Box::pin(turn.inspect(move |_| drop(queued)))
        });
        // Nobody closes the semaphore; if somebody did, there would be no turns to wait for.
        let turn = ready!(waiting.as_mut().poll(cx)).ok();
        self.waiting = None;
        // Otherwise a crowd of floods would earn, by its waiting, the right not to wait.
        self.credit.restart();
        Poll::Ready(turn)
    }
}

impl<F: Future> Future for Sharing<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // If the poll panics, it is dropped with it.
        let turn = ready!(self.poll_turn(cx));
        if turn.is_some() && self.queue.load(Ordering::Relaxed) > 0 {
            withhold_budget(cx);
        }
        let started = Instant::now();
        let polled = self.serving.as_mut().poll(cx);
        self.credit.charge(started.elapsed());
        if let Some(turn) = turn {
            tokio::spawn(give_back(turn));
        }
        polled
    }
}

/// Uses up most of the task's budget for this poll.
fn withhold_budget(cx: &mut Context<'_>) {
    for _ in 0..WITHHELD {
        let _ = pin!(consume_budget()).poll(cx);
    }
}

/// Gives a turn back after the other tasks that are ready.
async fn give_back(turn: OwnedSemaphorePermit) {
    yield_now().await;
    drop(turn);
}

/// The bucket of processor time of one connection.
#[derive(Debug)]
struct Credit {
    /// In nanoseconds; negative where the last polls took more than there was.
    nanos: i64,
    refilled: Instant,
}

impl Credit {
    fn full() -> Self {
        Self {
            nanos: nanos(FULL),
            refilled: Instant::now(),
        }
    }

    /// Adds what the time since the last refill is worth.
    fn refill(&mut self) {
        let passed = self.refilled.elapsed();
        let earned = nanos(passed / REFILL);
        self.nanos = self.nanos.saturating_add(earned).min(nanos(FULL));
        self.restart();
    }

    /// Begins the time until the next refill anew.
    fn restart(&mut self) {
        self.refilled = Instant::now();
    }

    fn charge(&mut self, spent: Duration) {
        let charge = nanos(spent.min(MAX_CHARGE));
        self.nanos = (self.nanos - charge).max(-nanos(FULL));
    }

    fn is_positive(&self) -> bool {
        self.nanos > 0
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "fair_share_tests.rs"]
mod tests;
