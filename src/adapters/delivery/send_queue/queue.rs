//! What waits to be sent to one connection (protocol, section 5).
//!
//! Frames that are ready wait in order. Changes of files are *state*: if the connection lags, they
//! wait as names, at most one entry per file, and are read back when there is room. Three rules
//! make sure that no connection sees a file go backwards:
//!
//! 1. a change of a file is delivered here before the next change of that file is committed;
//! 2. the sender of a file (a `get`, or the sender of what waits) holds the [`FileTransferGuard`]
//!    from before it opens the file until its last part has been pushed;
//! 3. after opening the file at some version, the sender calls [`SendQueue::supersede`], which
//!    drops a waiting entry that is not newer. Storing a change that this connection has made
//!    itself does the same, and its answer comes in the same order ([`SendQueue::answer_change`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::limits::{SendQueueClosed, SendQueueLimits};
use super::transfer::Transfer;
use super::waiting_changes::WaitingChanges;
use crate::application::locks;
use crate::application::memory::{Account, Reservation};

/// How many frames a queue that was empty has room for at first. Growing for each frame of a burst
/// would cost as much as queueing the frame.
const FIRST_ROOM: usize = 16;

/// A message encoded for the wire, cheap to clone.
pub trait Frame: Clone + Send + Sync + 'static {
    /// Its length in bytes.
    fn bytes(&self) -> usize;

    /// How many of these bytes are reserved for all receivers together, and not on this
    /// connection's account.
    fn shared_bytes(&self) -> usize;

    /// Which lane it takes.
    fn lane(&self) -> Lane;
}

/// How soon a queue is emptied: frames for many receivers, and long frames, must not hold up frames
/// for few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// For answers and events that have few receivers.
    Few,
    /// For events that have many receivers, and for files, asked for or read back.
    Many,
}

/// Asks for a queue to be emptied.
pub trait FlushCall: Send + Sync {
    /// Called when frames wait that no call has announced, or when the queue has closed. The callee
    /// must call [`SendQueue::take`] until nothing is left. Until then, further frames cause no
    /// call.
    ///
    /// Called under the queue's lock: it must neither wait nor call the queue.
    fn call(&self, lane: Lane);
}

/// What waits to be sent to one connection.
pub struct SendQueue<F> {
    pub(crate) limits: SendQueueLimits,
    pub(crate) account: Arc<Account>,
    pub(crate) state: Mutex<State<F>>,
    flush: Box<dyn FlushCall>,
    /// Notified when there is room, the turn is free or a change waits.
    pub(crate) changed: Notify,
}

pub(crate) struct State<F> {
    pub(crate) frames: VecDeque<F>,
    pub(crate) frame_bytes: usize,
    /// How many of `frame_bytes` are shared with other connections.
    shared_bytes: usize,
    /// Whether a flush has been called for since the queue was last empty.
    called: bool,
    pub(crate) pending: WaitingChanges<F>,
    /// The memory that `pending` takes.
    pending_held: Reservation,
    pub(crate) turn: Transfer,
    /// Answers to changes of the file that is being sent: they are sent after it.
    pub(crate) behind_turn: Vec<F>,
    pub(crate) closed: Option<SendQueueClosed>,
}

impl<F> State<F> {
    /// Reserves memory for the waiting names. Must be called whenever they change.
    pub(crate) fn count_pending(&mut self) {
        self.pending_held.set(self.pending.bytes());
    }
}

/// Whether what a caller waits for in a queue has happened.
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
    /// An empty queue; `flush` is called to have it emptied. What waits in it as names is reserved
    /// on `account`.
    pub fn new(
        limits: SendQueueLimits,
        account: Arc<Account>,
        flush: impl FlushCall + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            limits,
            state: Mutex::new(State {
                frames: VecDeque::new(),
                frame_bytes: 0,
                shared_bytes: 0,
                called: false,
                pending: WaitingChanges::default(),
                pending_held: account.reserve(0),
                turn: Transfer::Free,
                behind_turn: Vec::new(),
                closed: None,
            }),
            account,
            flush: Box::new(flush),
            changed: Notify::new(),
        })
    }

    /// Queues an answer. Never refused: the caller has waited for [`SendQueue::room`].
    pub fn push(&self, frame: F) {
        self.push_locked(&mut self.lock(), frame);
    }

    /// Waits until the waiting frames are below the window and the connection may hold more, or
    /// until the queue has closed.
    pub async fn room(&self) {
        self.until(|state, has_memory| match self.has_room(state) {
            _ if state.closed.is_some() => Step::Done(()),
            true if has_memory => Step::Done(()),
            true => Step::AwaitsMemory,
            false => Step::AwaitsChange,
        })
        .await;
    }

    /// Moves waiting frames into `into`: at least one, if there is one, and no more than fit into
    /// `max_bytes`. Returns how many bytes they are.
    pub fn take(&self, into: &mut VecDeque<F>, max_bytes: usize) -> usize {
        let mut state = self.lock();
        let (taken, shared) = if state.frame_bytes <= max_bytes && into.is_empty() {
            std::mem::swap(&mut state.frames, into);
            (state.frame_bytes, state.shared_bytes)
        } else {
            move_some(&mut state.frames, into, max_bytes)
        };
        if state.frames.is_empty() {
            // An idle connection keeps no capacity for a burst that is over.
            state.frames = VecDeque::new();
            state.called = false;
        }
        let was_full = state.frame_bytes >= self.limits.window_bytes;
        state.frame_bytes -= taken;
        let shared = state.shared_bytes - shared;
        self.set_shared(&mut state, shared);
        if was_full || !state.pending.is_empty() {
            self.changed.notify_waiters();
        }
        taken
    }

    /// Closes the queue because nothing can be sent to the connection any more. Drops what waits.
    /// What still comes is treated as sent.
    pub fn close(&self) {
        self.close_locked(&mut self.lock(), SendQueueClosed::Gone);
    }

    /// Closes the queue because a waiting change cannot be read back. Drops what waits and takes
    /// nothing more, so that the client connects again and gets the present state.
    pub fn miss(&self) {
        self.close_locked(&mut self.lock(), SendQueueClosed::Missed);
    }

    /// Why the queue has closed, if it has.
    pub fn closed(&self) -> Option<SendQueueClosed> {
        self.lock().closed
    }

    /// Waits until the queue has closed.
    pub async fn until_closed(&self) -> SendQueueClosed {
        self.until(|state, _| state.closed.into()).await
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.frames.is_empty() && state.pending.is_empty()
    }

    /// How many changes wait as names, and how many bytes of frames wait.
    pub(crate) fn backlog(&self) -> (usize, usize) {
        let state = self.lock();
        (state.pending.len(), state.frame_bytes)
    }

    /// Whether the waiting frames are below the window.
    pub(crate) fn has_room(&self, state: &State<F>) -> bool {
        state.frame_bytes < self.limits.window_bytes
    }

    pub(crate) fn push_locked(&self, state: &mut State<F>, frame: F) {
        if state.closed.is_none() {
            state.frame_bytes += frame.bytes();
            let shared = state.shared_bytes + frame.shared_bytes();
            self.set_shared(state, shared);
            if state.frames.capacity() == 0 {
                state.frames.reserve(FIRST_ROOM);
            }
            let lane = if state.turn.is_free() {
                frame.lane()
            } else {
                Lane::Many
            };
            state.frames.push_back(frame);
            if !std::mem::replace(&mut state.called, true) {
                self.flush.call(lane);
            }
        }
    }

    /// Sets how many of the waiting bytes are shared. The choice of the connection that holds the
    /// most depends on it.
    fn set_shared(&self, state: &mut State<F>, bytes: usize) {
        if std::mem::replace(&mut state.shared_bytes, bytes) != bytes {
            self.account.set_shared(bytes);
        }
    }

    pub(crate) fn close_locked(&self, state: &mut State<F>, reason: SendQueueClosed) {
        state.closed.get_or_insert(reason);
        state.frames = VecDeque::new();
        state.frame_bytes = 0;
        state.pending = WaitingChanges::default();
        state.count_pending();
        self.set_shared(state, 0);
        state.behind_turn = Vec::new();
        self.flush.call(Lane::Few);
        self.changed.notify_waiters();
    }

    /// Waits until `step` is done. `step` is told whether the connection may hold more memory. It
    /// is called again whenever the queue has changed, and if it awaits memory, also when there is
    /// some.
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

/// Moves at least one frame, if there is one. Returns how many bytes were moved, and how many of
/// them are shared.
fn move_some<F: Frame>(
    from: &mut VecDeque<F>,
    into: &mut VecDeque<F>,
    max_bytes: usize,
) -> (usize, usize) {
    let (mut moved, mut shared) = (0, 0);
    while let Some(frame) = from.front() {
        if moved > 0 && moved + frame.bytes() > max_bytes {
            break;
        }
        moved += frame.bytes();
        shared += frame.shared_bytes();
        into.extend(from.pop_front());
    }
    (moved, shared)
}

/// For tests that look into the queue themselves.
#[cfg(test)]
impl FlushCall for () {
    fn call(&self, _: Lane) {}
}
