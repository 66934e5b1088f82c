//! Whose turn it is to send a file: its parts must not be torn apart.

use std::sync::Arc;

use super::{FileKey, Frame, Mailbox};

/// Who may send a file.
#[derive(Debug)]
pub(super) enum Turn {
    Free,
    /// An answer to a `get`.
    Taken,
    /// A change that has waited.
    Update(Arc<FileKey>),
    /// One that the connection is not to be told of any more.
    Withdrawn(Arc<FileKey>),
}

impl Turn {
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }
}

/// The turn to send the parts of one file: while it is held no part of another file or version
/// comes between.
pub struct FileTurn<F: Frame>(Arc<Mailbox<F>>);

impl<F: Frame> FileTurn<F> {
    /// For whoever has set the mailbox's turn to his own.
    pub(super) fn new(mailbox: Arc<Mailbox<F>>) -> Self {
        Self(mailbox)
    }

    /// Whether the change is still to be sent. To be asked once its file has been opened, which may
    /// have taken long.
    pub fn is_wanted(&self) -> bool {
        !matches!(self.0.lock().turn, Turn::Withdrawn(_))
    }
}

impl<F: Frame> Drop for FileTurn<F> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.turn = Turn::Free;
        for answer in std::mem::take(&mut state.behind_turn) {
            self.0.push_locked(&mut state, answer);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }
}
