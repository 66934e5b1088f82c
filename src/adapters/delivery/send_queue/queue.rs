//! What waits to be sent to one connection (protocol, section 5).
//!
//! Frames that are ready wait in order. Changes of files are *state*: if the connection lags they
//! wait as names, at most one entry per file, and are read back when there is room. Three rules
//! make sure that no connection sees a file go backwards:
//!
//! 1. a change of a file is delivered here before the next change of that file is committed;
//! 2. the sender of a file (a `get`, or the sender of what waits) holds the [`FileTransferGuard`]
//!    from before it opens the file until its last part has been pushed;
//! 3. after opening it at some version the sender calls [`SendQueue::supersede`], which drops a
//!    waiting entry that is not newer; storing a change that this connection has made itself does
//!    the same, and its answer comes in the same order ([`SendQueue::answer_change`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::turn::Transfer;
use super::waiting_changes::WaitingChanges;
use crate::application::FileKey;
use crate::application::locks;
use crate::application::memory::{Account, Reservation};

/// How many frames a queue that was empty has room for at first: to grow for each of a burst would
/// cost as much as queueing it.
const FIRST_ROOM: usize = 16;

/// A message encoded for the wire, cheap to clone.
pub trait Frame: Clone + Send + Sync + 'static {
    /// Its length in bytes.
    fn bytes(&self) -> usize;
}

/// Notified that a queue needs to be emptied.
pub trait Bell: Send + Sync {
    /// Called when frames wait that were not announced yet, or when the queue has closed. The
    /// callee must call [`SendQueue::take`] until nothing is left; until then there is no call for
    /// further frames.
    ///
    /// Called under the queue's lock: it must neither wait nor call the queue.
    fn ring(&self);
}

/// The bounds of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendQueueLimits {
    /// `maxQueueBytes`: frames and waiting names together.
    pub max_bytes: usize,
    /// How much may wait in frames before files are held back; less than `max_bytes`, so that chat
    /// messages still find room behind them.
    pub window_bytes: usize,
}

/// Why a queue takes nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendQueueClosed {
    /// More waits than is allowed: the connection is closed with 1013.
    Overflow,
    /// A change could not be read back to be sent: the connection is closed with 1013, for it would
    /// not learn of the change any more.
    Missed,
    /// Nothing can be sent to the connection any more.
    Gone,
}

/// What waits to be sent to one connection.
pub struct SendQueue<F> {
    pub(crate) limits: SendQueueLimits,
    pub(crate) account: Arc<Account>,
    pub(crate) state: Mutex<State<F>>,
    bell: Box<dyn Bell>,
    /// Notified when there is room, the turn is free or a change waits.
    pub(crate) changed: Notify,
}

pub(crate) struct State<F> {
    pub(crate) frames: VecDeque<F>,
    pub(crate) frame_bytes: usize,
    /// Whether the bell has been rung since nothing was left.
    rung: bool,
    pub(crate) pending: WaitingChanges<F>,
    /// The memory that `pending` takes.
    pending_held: Reservation,
    pub(crate) turn: Transfer,
    /// Answers to changes of the file that is being sent: they are sent after it.
    pub(crate) behind_turn: Vec<F>,
    pub(crate) closed: Option<SendQueueClosed>,
}

impl<F> State<F> {
    /// Reserves memory for the waiting names. Must be called after each change of them.
    pub(crate) fn count_pending(&mut self) {
        self.pending_held.set(self.pending.bytes());
    }
}

/// The state of somebody who waits for something in a queue.
pub(crate) enum Step<T> {
    Done(T),
    /// Nothing can happen before the queue changes.
    AwaitsChange,
    /// Only memory is missing.
    AwaitsMemory,
}

impl<T> From<Option<T>> for Step<T> {
    fn from(done: Option<T>) -> Self {
        done.map_or(Self::AwaitsChange, Self::Done)
    }
}

impl<F: Frame> SendQueue<F> {
    /// An empty queue, which rings `bell`. What waits in it as names is reserved on `account`.
    pub fn new(
        limits: SendQueueLimits,
        account: Arc<Account>,
        bell: impl Bell + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits,
            state: Mutex::new(State {
                frames: VecDeque::new(),
                frame_bytes: 0,
                rung: false,
                pending: WaitingChanges::default(),
                pending_held: account.reserve(0),
                turn: Transfer::Free,
                behind_turn: Vec::new(),
                closed: None,
            }),
            account,
            bell: Box::new(bell),
            changed: Notify::new(),
        })
    }

    /// Queues an answer. Never refused: the caller has waited for [`SendQueue::room`].
    pub fn push(&self, frame: F) {
        self.push_locked(&mut self.lock(), frame);
    }

    /// Waits until the waiting frames are below the window and the connection may hold more.
    pub async fn room(&self) {
        self.until(|state, has_memory| match self.has_room(state) {
            true if has_memory => Step::Done(()),
            true => Step::AwaitsMemory,
            false => Step::AwaitsChange,
        })
        .await;
    }

    /// Queues the answer to a change of `file` that this connection has made: after the parts of an
    /// older version, if these are being sent.
    pub fn answer_change(&self, file: &FileKey, frame: F) {
        let mut state = self.lock();
        match &state.turn {
            // If nothing is sent any more, there may be nobody left to end the turn.
            Transfer::Update(sent) | Transfer::Withdrawn(sent)
                if **sent == *file && state.closed.is_none() =>
            {
                state.behind_turn.push(frame);
            }
            _ => self.push_locked(&mut state, frame),
        }
    }

    /// Waits until every answer given so far is queued.
    pub async fn changes_answered(&self) {
        self.until(|state, _| state.behind_turn.is_empty().then_some(()).into())
            .await;
    }

    /// Moves waiting frames into `into`: at least one, if there is one, and no more than fit into
    /// `max_bytes`. Returns how many bytes they are.
    pub fn take(&self, into: &mut VecDeque<F>, max_bytes: usize) -> usize {
        let mut state = self.lock();
        let taken = if state.frame_bytes <= max_bytes && into.is_empty() {
            std::mem::swap(&mut state.frames, into);
            state.frame_bytes
        } else {
            move_some(&mut state.frames, into, max_bytes)
        };
        if state.frames.is_empty() {
            // An idle connection keeps no capacity for a burst that is over.
            state.frames = VecDeque::new();
            state.rung = false;
        }
        let was_full = state.frame_bytes >= self.limits.window_bytes;
        state.frame_bytes -= taken;
        self.account.set_queued(state.frame_bytes);
        if was_full || !state.pending.is_empty() {
            self.changed.notify_waiters();
        }
        taken
    }

    /// Nothing can be sent to the connection any more: what waits is dropped, and what still comes
    /// is treated as sent.
    pub fn close(&self) {
        self.close_locked(&mut self.lock(), SendQueueClosed::Gone);
    }

    /// A change that waits cannot be read back: what waits is dropped and nothing more taken, so that
    /// the client connects anew and is in step again.
    pub fn miss(&self) {
        self.close_locked(&mut self.lock(), SendQueueClosed::Missed);
    }

    /// Why it takes nothing any more, if that is so.
    pub fn closed(&self) -> Option<SendQueueClosed> {
        self.lock().closed
    }

    /// Waits until it takes nothing any more.
    pub async fn until_closed(&self) -> SendQueueClosed {
        self.until(|state, _| state.closed.into()).await
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.frames.is_empty() && state.pending.is_empty()
    }

    /// Whether the waiting frames are below the window.
    pub(crate) fn has_room(&self, state: &State<F>) -> bool {
        state.frame_bytes < self.limits.window_bytes
    }

    pub(crate) fn push_locked(&self, state: &mut State<F>, frame: F) {
        if state.closed.is_none() {
            state.frame_bytes += frame.bytes();
            self.account.set_queued(state.frame_bytes);
            if state.frames.capacity() == 0 {
                state.frames.reserve(FIRST_ROOM);
            }
            state.frames.push_back(frame);
            if !std::mem::replace(&mut state.rung, true) {
                self.bell.ring();
            }
        }
    }

    pub(crate) fn close_locked(&self, state: &mut State<F>, reason: SendQueueClosed) {
        state.closed.get_or_insert(reason);
        state.frames = VecDeque::new();
        state.frame_bytes = 0;
        state.pending = WaitingChanges::default();
        state.count_pending();
        self.account.set_queued(0);
        state.behind_turn = Vec::new();
        self.bell.ring();
        self.changed.notify_waiters();
    }

    /// Waits until `step`, which is told whether the connection may hold more memory, is done; it
    /// is called again whenever something has changed, or there is memory if it waits for that.
    pub(crate) async fn until<T>(&self, mut step: impl FnMut(&mut State<F>, bool) -> Step<T>) -> T {
        loop {
            // Receives every notification from here on, though it is awaited only below.
            let changed = self.changed.notified();
            let has_memory = self.account.has_room(0);
            let next = step(&mut self.lock(), has_memory);
            match next {
                Step::Done(result) => return result,
                Step::AwaitsChange => changed.await,
                Step::AwaitsMemory => tokio::select! {
                    biased;
                    () = changed => {}
                    () = self.account.room(0) => {}
                },
            }
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State<F>> {
        locks::lock(&self.state)
    }
}

/// Moves at least one frame, if there is one, and returns how many bytes were moved.
fn move_some<F: Frame>(from: &mut VecDeque<F>, into: &mut VecDeque<F>, max_bytes: usize) -> usize {
    let mut moved = 0;
    while let Some(frame) = from.front() {
        if moved > 0 && moved + frame.bytes() > max_bytes {
            break;
        }
        moved += frame.bytes();
        into.extend(from.pop_front());
    }
    moved
}

/// For callers that check for themselves.
#[cfg(test)]
impl Bell for () {
    fn ring(&self) {}
}
