//! The turn to send a file: nothing of another file may come between its parts.

use std::sync::Arc;

use super::queue::{Frame, SendQueue, Step};
use super::transfer::Transfer;
use super::waiting_changes::{Change, Key};
use crate::application::FileKey;

/// The turn to send the parts of one file. While it is held, no part of another file or version
/// comes in between.
pub struct FileTransferGuard<F: Frame>(Arc<SendQueue<F>>);

impl<F: Frame> FileTransferGuard<F> {
    /// Only for a caller that has just taken the queue's turn.
    pub(crate) fn new(queue: Arc<SendQueue<F>>) -> Self {
        Self(queue)
    }

    /// Whether the change must still be sent. Check this after opening its file, which may have
    /// taken long.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.0.lock().turn, Transfer::Withdrawn(_))
    }
}

impl<F: Frame> Drop for FileTransferGuard<F> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.turn = Transfer::Free;
        for answer in std::mem::take(&mut state.behind_turn) {
            self.0.push_locked(&mut state, answer);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }
}

impl<F: Frame> SendQueue<F> {
    /// Waits for the turn to send one file.
    pub async fn begin_file(self: &Arc<Self>) -> FileTransferGuard<F> {
        self.until(|state, _| {
            let taken = state.turn.is_free().then(|| state.turn = Transfer::Taken);
            taken.into()
        })
        .await;
        FileTransferGuard::new(Arc::clone(self))
    }

    /// Waits for a file whose newest version must be read back and sent, and for room and the turn
    /// to do so. Waiting deletions and presences are queued on the way.
    pub async fn next_pending(self: &Arc<Self>) -> (FileTransferGuard<F>, Arc<FileKey>) {
        let file = self
            .until(|state, has_memory| {
                while state.turn.is_free() && self.has_room(state) {
                    if !has_memory && !state.pending.is_empty() {
                        return Step::AwaitsMemory;
                    }
                    let Some(oldest) = state.pending.pop() else {
                        break;
                    };
                    state.count_pending();
                    match oldest {
                        (Key::File(file), Change::Updated(_)) => {
                            state.turn = Transfer::Update(Arc::clone(&file));
                            return Step::Done(file);
                        }
                        (_, Change::Told(_, frame) | Change::Latest(frame)) => {
                            self.push_locked(state, frame);
                        }
                        (Key::Latest(..), Change::Updated(_)) => {}
                    }
                }
                Step::AwaitsChange
            })
            .await;
        (FileTransferGuard::new(Arc::clone(self)), file)
    }

    /// Queues the answer to a change of `file` that this connection has made. If parts of an older
    /// version are being sent, the answer comes after them.
    pub fn answer_change(&self, file: &FileKey, frame: F) {
        let mut state = self.lock();
        match &state.turn {
            // Once the queue is closed, nobody may be left to end the turn.
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
}
