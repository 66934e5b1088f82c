//! The draft of a connection.

use std::sync::Arc;

use crate::application::memory::{Account, Reservation};
use crate::application::ports::UploadStore;
use crate::domain::{
    ContentHash, Draft, DraftError, DraftFile, FilePath, PullRequestId, PullRequestLimits,
};

/// A pull request that a connection is still putting together; dropping it unfinished discards its
/// files. Its names and texts are reserved on the connection's account.
pub struct OpenDraft {
    pub(crate) id: PullRequestId,
    draft: Draft,
    store: Arc<dyn UploadStore>,
    reservation: Reservation,
    finished: bool,
}

impl OpenDraft {
    pub(crate) fn new(
        id: PullRequestId,
        draft: Draft,
        store: Arc<dyn UploadStore>,
        account: &Arc<Account>,
    ) -> Self {
        Self {
            id,
            reservation: account.reserve(draft.memory_bytes()),
            draft,
            store,
            finished: false,
        }
    }

    pub(crate) fn draft(&self) -> &Draft {
        &self.draft
    }

    pub(crate) fn note_written(&mut self, path: FilePath, file: DraftFile) {
        self.draft.note_written(path, file);
        self.count();
    }

    pub(crate) fn forget(&mut self, path: &FilePath) {
        self.draft.forget(path);
        self.count();
    }

    pub(crate) fn propose_deletion(
        &mut self,
        path: FilePath,
        base: Option<ContentHash>,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        self.draft.propose_deletion(path, base, limits)?;
        self.count();
        Ok(())
    }

    pub(crate) fn propose_deletions(
        &mut self,
        paths: Vec<FilePath>,
        limits: &PullRequestLimits,
    ) -> Result<(), DraftError> {
        self.draft.propose_deletions(paths, limits)?;
        self.count();
        Ok(())
    }

    /// Marks the draft as finished: its files stay.
    pub(crate) fn mark_finished(mut self) {
        self.finished = true;
    }

    fn count(&mut self) {
        self.reservation.set(self.draft.memory_bytes());
    }
}

impl Drop for OpenDraft {
    fn drop(&mut self) {
        if !self.finished {
            self.store.discard_draft(self.id);
        }
    }
}
