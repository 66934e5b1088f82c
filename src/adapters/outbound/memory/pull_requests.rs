//! Open pull requests in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;

use crate::adapters::outbound::memory::drafts::Files;
use crate::adapters::outbound::memory::source::StoredFile;
use crate::application::locks::lock;
use crate::application::ports::{OpenFile, PullRequestStore, StoreError};
use crate::domain::{FilePath, ProjectId, PullRequest, PullRequestId, UserName};

/// Keeps open pull requests for as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryPullRequests(Mutex<HashMap<(ProjectId, PullRequestId), Open>>);

#[derive(Debug)]
struct Open {
    pull_request: PullRequest,
    files: Files,
}

impl MemoryPullRequests {
    pub(crate) fn insert(&self, pull_request: PullRequest, files: Files) {
        let key = (pull_request.project.clone(), pull_request.id);
        let open = Open {
            pull_request,
            files,
        };
        lock(&self.0).insert(key, open);
    }
}

#[async_trait]
impl PullRequestStore for MemoryPullRequests {
    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        let all = lock(&self.0);
        let mut open: Vec<_> = all
            .values()
            .map(|open| &open.pull_request)
            .filter(|open| open.project == *project)
            .filter(|open| owner.as_ref().is_none_or(|owner| *owner == open.owner))
            .map(|open| (open.date, open.id))
            .collect();
        open.sort_unstable();
        Ok(open.into_iter().map(|(_, id)| id).collect())
    }

    async fn find(
        &self,
        project: &ProjectId,
        id: PullRequestId,
    ) -> Result<PullRequest, StoreError> {
        let all = lock(&self.0);
        let open = all.get(&(project.clone(), id));
        open.map(|open| open.pull_request.clone())
            .ok_or(StoreError::NotFound)
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let all = lock(&self.0);
        let open = all.get(&(project.clone(), id));
        let file = open.and_then(|open| open.files.get(path));
        file.map(StoredFile::open).ok_or(StoreError::NotFound)
    }

    async fn delete(&self, project: &ProjectId, id: PullRequestId) -> Result<(), StoreError> {
        let gone = lock(&self.0).remove(&(project.clone(), id));
        gone.map(drop).ok_or(StoreError::NotFound)
    }
}
