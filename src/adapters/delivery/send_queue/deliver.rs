//! Puts events into a queue, at once if nothing prevents it. Otherwise a change of a file waits as
//! a name, and a message that must not be skipped closes a full queue.

use std::sync::Arc;

use super::limits::SendQueueClosed;
use super::queue::{Frame, SendQueue, State};
use super::transfer::Transfer;
use super::waiting_changes::{Change, Key, Latest};
use crate::application::FileKey;
use crate::application::counting::closed_set;
use crate::domain::{ProjectId, Version};

/// How far a connection may be behind while memory is exhausted, in bytes.
const EXHAUSTED_BYTES: usize = 64 * 1_024;

closed_set! {
    /// How an event was delivered to a connection.
    pub enum Delivered {
        /// Its message waits to be written.
        Queued = "queued",
        /// It waits as a name.
        Waiting = "waiting",
        /// It waits as a name, in place of an earlier one that is skipped.
        Skipping = "skipping",
        /// It is dropped: the connection is being closed.
        Dropped = "dropped",
    }
}

impl<F: Frame> SendQueue<F> {
    /// Queues a chat message or a notice. These are never skipped: if there is no room, the queue
    /// closes.
    pub fn deliver(&self, frame: F) -> Delivered {
        let mut state = self.lock();
        let behind = state.frame_bytes + state.pending.bytes();
        let full = behind + frame.bytes() > self.limits.max_bytes;
        if full || (behind > EXHAUSTED_BYTES && self.account.is_exhausted()) {
            self.close_locked(&mut state, SendQueueClosed::Overflow);
        } else {
            self.push_locked(&mut state, frame);
        }
        state.queued()
    }

    /// Delivers a file's new content: at once if nothing prevents it, otherwise as a name. `frames`
    /// is empty if the content has to be read back in any case.
    pub fn deliver_update(&self, file: &Arc<FileKey>, version: Version, frames: &[F]) -> Delivered {
        let mut state = self.lock();
        if !frames.is_empty() && self.takes_at_once(&state, frames) {
            for frame in frames {
                self.push_locked(&mut state, frame.clone());
            }
            state.queued()
        } else {
            self.note(
                &mut state,
                Key::File(Arc::clone(file)),
                Change::Updated(version),
            )
        }
    }

    /// Delivers the deletion of a file, or a change whose content the connection does not want.
    pub fn deliver_told(&self, file: &Arc<FileKey>, version: Version, frame: &F) -> Delivered {
        let mut state = self.lock();
        if self.takes_at_once(&state, std::slice::from_ref(frame)) {
            self.push_locked(&mut state, frame.clone());
            state.queued()
        } else {
            let change = Change::Told(version, frame.clone());
            self.note(&mut state, Key::File(Arc::clone(file)), change)
        }
    }

    /// Delivers a fact about a project. If the connection lags, only the latest waits.
    pub fn deliver_latest(&self, what: Latest, project: &ProjectId, frame: &F) -> Delivered {
        let mut state = self.lock();
        if self.takes_at_once(&state, std::slice::from_ref(frame)) {
            self.push_locked(&mut state, frame.clone());
            state.queued()
        } else {
            let change = Change::Latest(frame.clone());
            let key = Key::Latest(what, Arc::new(project.clone()));
            self.note(&mut state, key, change)
        }
    }

    /// Drops a waiting entry that is not newer than `version`, at which the file is about to be
    /// sent.
    pub fn supersede(&self, file: &FileKey, version: Version) {
        let mut state = self.lock();
        state.pending.supersede(file, version);
        state.count_pending();
    }

    /// Drops the waiting changes of a project that the connection no longer follows. A file whose
    /// sending has begun is sent to its end.
    pub fn forget(&self, project: &ProjectId) {
        let mut state = self.lock();
        state.pending.forget(project);
        state.count_pending();
        if let Transfer::Update(file) = &state.turn
            && file.project == *project
        {
            state.turn = Transfer::Withdrawn(Arc::clone(file));
        }
    }

    /// Whether a change may be queued at once: nothing waits before it, no file is being sent, and
    /// there is room.
    fn takes_at_once(&self, state: &State<F>, frames: &[F]) -> bool {
        let bytes: usize = frames.iter().map(Frame::bytes).sum();
        state.pending.is_empty()
            && state.turn.is_free()
            && state.frame_bytes + bytes <= self.limits.window_bytes
            && (state.frames.is_empty() || !self.account.is_exhausted())
    }

    fn note(&self, state: &mut State<F>, key: Key, change: Change<F>) -> Delivered {
        if state.closed.is_some() {
            return Delivered::Dropped;
        }
        let skips = state.pending.note(key, change);
        state.count_pending();
        if state.frame_bytes + state.pending.bytes() > self.limits.max_bytes {
            self.close_locked(state, SendQueueClosed::Overflow);
            return Delivered::Dropped;
        }
        if state.turn.is_free() && self.has_room(state) {
            // Otherwise the holder of the turn, or whatever makes room, notifies. Waking up every
            // viewer that has stopped reading would slow down the others.
            self.changed.notify_waiters();
        }
        if skips {
            Delivered::Skipping
        } else {
            Delivered::Waiting
        }
    }
}

impl<F> State<F> {
    /// How the message that was just pushed was delivered.
    fn queued(&self) -> Delivered {
        if self.closed.is_none() {
            Delivered::Queued
        } else {
            Delivered::Dropped
        }
    }
}
