//! Pull requests being put together, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::adapters::outbound::memory::pull_requests::MemoryPullRequests;
use crate::adapters::outbound::memory::source::StoredFile;
use crate::adapters::outbound::memory::staging::MemoryStaging;
use crate::application::FileContent;
use crate::application::locks::lock;
use crate::application::ports::{DraftStore, StoreError};
use crate::domain::{FilePath, PullRequest, PullRequestId, Version};

/// The files of a pull request.
pub(crate) type Files = BTreeMap<FilePath, StoredFile>;

/// Keeps drafts until they are finished or discarded.
#[derive(Debug)]
pub struct MemoryDrafts {
    drafts: Mutex<HashMap<PullRequestId, Files>>,
    staging: Arc<MemoryStaging>,
    pull_requests: Arc<MemoryPullRequests>,
}

impl MemoryDrafts {
    pub(crate) fn new(staging: Arc<MemoryStaging>, pull_requests: Arc<MemoryPullRequests>) -> Self {
        Self {
            drafts: Mutex::default(),
            staging,
            pull_requests,
        }
    }
}

#[async_trait]
impl DraftStore for MemoryDrafts {
    async fn put_file(
        &self,
        draft: PullRequestId,
        path: &FilePath,
        content: FileContent,
    ) -> Result<(), StoreError> {
        let content = self.staging.resolve(content)?;
        // It has no versions: once finished it is never replaced.
        let file = StoredFile::new(Version::UNKNOWN, content);
        let mut drafts = lock(&self.drafts);
        drafts.entry(draft).or_default().insert(path.clone(), file);
        Ok(())
    }

    async fn remove_file(&self, draft: PullRequestId, path: &FilePath) -> Result<(), StoreError> {
        if let Some(files) = lock(&self.drafts).get_mut(&draft) {
            files.remove(path);
        }
        Ok(())
    }

    async fn finish(&self, finished: PullRequest) -> Result<(), StoreError> {
        let mut drafts = lock(&self.drafts);
        let files = drafts.get(&finished.id);
        let written = |path| files.is_some_and(|files| files.contains_key(path));
        if !finished.files.iter().all(written) {
            return Err(StoreError::NotFound);
        }
        let files = drafts.remove(&finished.id).unwrap_or_default();
        self.pull_requests.insert(finished, files);
        Ok(())
    }

    fn discard(&self, draft: PullRequestId) {
        lock(&self.drafts).remove(&draft);
    }
}
