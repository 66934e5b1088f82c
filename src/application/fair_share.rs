//! Shares the processor between connections: heavy ones take turns, light ones never wait.
//!
//! Each connection has a small bucket of processor time. A connection that has emptied it is
//! *heavy*: before each poll, its tasks take one of a few turns, first come, first served. Heavy
//! streamers share one lot of turns, all other heavy connections another. A connection that is
//! alone needs no turn. Each lot has one turn fewer than the runtime has workers, but at least one,
//! so a flood of one kind leaves a worker to the others.
//!
//! Work on the disk follows the same rule: work for heavy connections, and for connections that are
//! heavy on the disk, goes after work for light ones. The adapters ask [`disk_user`].
//!
//! A turn is given back only once its worker has run the other tasks that are ready and looked for
//! new input. Without that, a single worker would never find a turn taken.

mod activity;
mod credit;
mod disk_use;
mod wake_up;

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker, ready};

use tokio::runtime::Handle;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::{consume_budget, yield_now};
use tokio::time::Instant;

use crate::application::locks::lock;

use credit::Credit;
use disk_use::{DiskUse, DiskUsers};
use wake_up::WakeUp;

use activity::Activity;
pub use activity::{is_one_alone, is_slice_over};
#[cfg(test)]
pub(crate) use disk_use::as_heavy;
pub use disk_use::{DiskUser, disk_user};

/// How many of the 128 units of tokio's budget a heavy connection loses while others wait for a
/// turn. This shortens its polls, so a light connection waits less for the poll that is under way.
const WITHHELD: usize = 120;

/// The turns that all heavy connections share. There is one value for the whole process.
#[derive(Debug, Default)]
pub struct FairShare(Arc<Shared>);

/// What all connections share.
#[derive(Debug)]
struct Shared {
    activity: &'static Activity,
    /// One lot for the privileged, one for the others; made in the runtime of the first connection.
    turns: OnceLock<[Turns; 2]>,
    disk_users: Arc<DiskUsers>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            activity: &activity::PROCESS,
            turns: OnceLock::new(),
            disk_users: Arc::default(),
        }
    }
}

/// Turns, and how many tasks wait for one.
#[derive(Debug)]
struct Turns {
    free: Arc<Semaphore>,
    queue: Arc<AtomicUsize>,
}

type Turn = Result<OwnedSemaphorePermit, AcquireError>;

impl Turns {
    fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            queue: Arc::default(),
        }
    }

    /// Waits for a turn. During the wait it counts in the queue and in `own`, the connection's
    /// waiting tasks.
    fn wait(&self, own: &Arc<AtomicUsize>) -> impl Future<Output = Turn> + Send + use<> {
        let queued = [Queued::new(&self.queue), Queued::new(own)];
        let free = Arc::clone(&self.free);
        async move {
            let turn = free.acquire_owned().await;
            drop(queued);
            turn
        }
    }
}

impl FairShare {
    /// The share of a new connection, which has used nothing yet.
    pub fn open(&self) -> Arc<ProcessorShare> {
        Arc::new(ProcessorShare {
            shared: Arc::clone(&self.0),
            is_privileged: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            waiting: Arc::default(),
            credit: Mutex::new(Credit::full()),
            disk_use: DiskUse::new(&self.0.disk_users),
        })
    }
}

/// What one connection uses of the processor, with all its tasks.
#[derive(Debug)]
pub struct ProcessorShare {
    shared: Arc<Shared>,
    is_privileged: AtomicBool,
    is_busy: AtomicBool,
    /// How many of its tasks wait for a turn.
    waiting: Arc<AtomicUsize>,
    credit: Mutex<Credit>,
    disk_use: Arc<DiskUse>,
}

impl ProcessorShare {
    /// Sets whether the connection is privileged: if it is heavy, it then waits only for other
    /// privileged connections. Takes effect at the next poll.
    pub fn set_privileged(&self, privileged: bool) {
        self.is_privileged.store(privileged, Ordering::Relaxed);
    }

    /// Whether the connection is privileged.
    pub fn is_privileged(&self) -> bool {
        self.is_privileged.load(Ordering::Relaxed)
    }

    /// Makes the connection heavy, because a long answer follows. Otherwise a hundred connections
    /// that have only just connected would all be light for their first millisecond.
    pub fn spend(&self) {
        lock(&self.credit).spend();
    }

    /// Sets whether a request is being carried out: a connection earns nothing while, for example,
    /// the disk works for it.
    pub fn set_busy(&self, busy: bool) {
        self.is_busy.store(busy, Ordering::Relaxed);
    }

    /// Polls `serving`, the connection's task, so that it gets no more than its share while others
    /// want theirs.
    pub fn serve<'a, F: Future>(
        self: &Arc<Self>,
        serving: Pin<&'a mut F>,
    ) -> Sharing<Pin<&'a mut F>> {
        self.sharing(serving, true)
    }

    /// The same for another task that works for the connection.
    pub fn work<F: Future>(self: &Arc<Self>, work: F) -> Sharing<Pin<Box<F>>> {
        self.sharing(Box::pin(work), false)
    }

    fn sharing<F>(self: &Arc<Self>, polled: F, earns: bool) -> Sharing<F> {
        Sharing {
            share: Arc::clone(self),
            polled,
            wake_up: earns.then(WakeUp::new),
            waiting: None,
        }
    }

    /// Whether tasks of other connections wait for a turn of the same lot.
    fn do_others_wait(&self) -> bool {
        let own = self.waiting.load(Ordering::Relaxed);
        self.turns().queue.load(Ordering::Relaxed) > own
    }

    /// The lot whose turns it takes.
    fn turns(&self) -> &Turns {
        let turns = self.shared.turns.get_or_init(|| {
            let workers = Handle::current().metrics().num_workers();
            [(); 2].map(|()| Turns::new(workers.saturating_sub(1).max(1)))
        });
        &turns[usize::from(self.is_privileged())]
    }
}

/// A future that shares the processor with the futures of other connections.
pub struct Sharing<F> {
    share: Arc<ProcessorShare>,
    polled: F,
    /// Only for the connection's own task; its other tasks earn nothing.
    wake_up: Option<Arc<WakeUp>>,
    waiting: Option<Waiting>,
}

/// A place in the queue for a turn.
struct Waiting {
    is_privileged: bool,
    /// Boxed, because almost no connection ever waits.
    turn: Pin<Box<dyn Future<Output = Turn> + Send>>,
}

/// Counts one task that waits.
struct Queued(Arc<AtomicUsize>);

impl Queued {
    fn new(queue: &Arc<AtomicUsize>) -> Self {
        queue.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(queue))
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F> fmt::Debug for Sharing<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sharing")
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

impl<F> Sharing<F> {
    /// Waits until this task may be polled. Returns the turn to hold during the poll, if it needs
    /// one.
    fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Option<OwnedSemaphorePermit>> {
        let is_privileged = self.share.is_privileged();
        self.waiting
            .take_if(|waiting| waiting.is_privileged != is_privileged);
        let turns = self.share.turns();
        if self.waiting.is_none() {
            let mut credit = lock(&self.share.credit);
            if let Some(wake_up) = &self.wake_up {
                let woken = wake_up.take();
                if !self.share.is_busy.load(Ordering::Relaxed) {
                    credit.refill(woken.unwrap_or(now), now);
                }
            }
            if credit.is_positive() || self.is_alone(turns, now) {
                return Poll::Ready(None);
            }
            if let Ok(turn) = Arc::clone(&turns.free).try_acquire_owned() {
                return Poll::Ready(Some(turn));
            }
        }
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            is_privileged,
            turn: Box::pin(turns.wait(&self.share.waiting)),
        });
        // Nobody closes the semaphore; if somebody did, there would be no turns to wait for.
        let turn = ready!(waiting.turn.as_mut().poll(cx)).ok();
        self.waiting = None;
        // The poll that follows sees whatever has woken the task during the wait.
        if let Some(wake_up) = &self.wake_up {
            wake_up.take();
        }
        Poll::Ready(turn)
    }

    /// Whether it needs no turn, because no other connection is active or waits.
    fn is_alone(&self, turns: &Turns, now: Instant) -> bool {
        let activity = self.share.shared.activity;
        turns.queue.load(Ordering::Relaxed) == 0 && activity.is_one_alone(now.into_std())
    }

    /// Notes that the connection is served, or waits to be served.
    fn note(&self, now: Instant) {
        let own = Arc::as_ptr(&self.share).addr();
        self.share.shared.activity.note(own, now.into_std());
    }

    fn poll_now(&mut self, cx: &mut Context<'_>) -> Poll<F::Output>
    where
        F: Future + Unpin,
    {
        let polled = Pin::new(&mut self.polled);
        match &self.wake_up {
            Some(wake_up) => {
                wake_up.task.register(cx.waker());
                let waker = Waker::from(Arc::clone(wake_up));
                polled.poll(&mut Context::from_waker(&waker))
            }
            None => polled.poll(cx),
        }
    }
}

impl<F: Future + Unpin> Future for Sharing<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let started = Instant::now();
        // If the poll panics, the turn is dropped with it.
        let turn = self.poll_turn(cx, started);
        self.note(started);
        let turn = ready!(turn);
        let makes_others_wait = turn.is_some() && self.share.do_others_wait();
        if makes_others_wait {
            withhold_budget(cx);
        }
        let user = DiskUser::new(&self.share.disk_use, makes_others_wait);
        let polled = user.scope(|| self.poll_now(cx));
        lock(&self.share.credit).charge(started);
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

/// Gives a turn back after the other tasks that are ready have run.
async fn give_back(turn: OwnedSemaphorePermit) {
    yield_now().await;
    drop(turn);
}

#[cfg(test)]
mod tests;
