//! The draft of a connection.

use std::sync::Arc;

use crate::application::ports::DraftStore;
use crate::domain::{Draft, PullRequestId};

/// A pull request that a connection is putting together; dropped unfinished, its files go.
pub struct OpenDraft {
    pub(crate) id: PullRequestId,
    pub(crate) draft: Draft,
    store: Arc<dyn DraftStore>,
    finished: bool,
}

impl OpenDraft {
    pub(crate) fn new(id: PullRequestId, draft: Draft, store: Arc<dyn DraftStore>) -> Self {
        Self {
            id,
            draft,
            store,
            finished: false,
        }
    }

    /// The draft has become a pull request: its files stay.
    pub(crate) fn mark_finished(mut self) {
        self.finished = true;
    }
}

impl Drop for OpenDraft {
    fn drop(&mut self) {
        if !self.finished {
            self.store.discard(self.id);
        }
    }
}
