//! Open pull requests in memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::adapters::outbound::memory::uploads::{Files, MemoryUploads};
use crate::adapters::outbound::open_pull_requests::OpenPullRequests;
use crate::application::locks::lock;
use crate::application::ports::{
    FinishError, OpenFile, PullRequestStore, StoreError, TellFinished, Turn,
};
use crate::domain::{
    FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName,
};

/// Keeps open pull requests as long as it lives.
#[derive(Debug)]
pub(crate) struct MemoryPullRequests {
    open: Arc<OpenPullRequests>,
    contents: Mutex<HashMap<(ProjectId, PullRequestId), Content>>,
    uploads: Arc<MemoryUploads>,
}

#[derive(Debug)]
struct Content {
    pull_request: PullRequest,
    files: Files,
}

impl MemoryPullRequests {
    pub(crate) fn new(uploads: Arc<MemoryUploads>) -> Self {
        Self {
            open: Arc::default(),
            contents: Mutex::default(),
            uploads,
        }
    }
}

#[async_trait]
impl PullRequestStore for MemoryPullRequests {
    async fn finish(
        &self,
        mut pull_request: PullRequest,
        max_open: usize,
        in_turn: TellFinished,
    ) -> Result<(), FinishError> {
        let finishing = self.open.begin(pull_request.project.clone()).await;
        finishing.check(&pull_request.owner, max_open)?;
        let files = self
            .uploads
            .take_draft(pull_request.id, &pull_request.files)?;
        pull_request.date = finishing.date(pull_request.date);
        let key = (pull_request.project.clone(), pull_request.id);
        let content = Content {
            pull_request: pull_request.clone(),
            files,
        };
        lock(&self.contents).insert(key, content);
        finishing.keep(&pull_request, in_turn);
        Ok(())
    }

    async fn open_since(
        &self,
        project: &ProjectId,
        after: Option<Timestamp>,
        enter: Turn,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        Ok(self.open.open_since(project, after, enter))
    }

    fn leave(&self, project: &ProjectId, leave: Turn) -> Option<Timestamp> {
        self.open.leave(project, leave)
    }

    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        Ok(self.open.open(project, owner.as_ref()))
    }

    fn count(&self) -> usize {
        self.open.count()
    }

    async fn authors(&self, project: &ProjectId) -> Result<BTreeSet<UserName>, StoreError> {
        Ok(self.open.authors(project))
    }

    async fn find(
        &self,
        project: &ProjectId,
        id: PullRequestId,
    ) -> Result<PullRequest, StoreError> {
        let all = lock(&self.contents);
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
        let all = lock(&self.contents);
        let open = all.get(&(project.clone(), id));
        let file = open.and_then(|open| open.files.get(path));
        file.cloned().ok_or(StoreError::NotFound)
    }

    fn tell_if_open(&self, pull_request: &PullRequest, tell: Turn) {
        self.open.tell_if_open(pull_request, tell);
    }

    async fn delete(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        _outcome: Outcome,
        in_turn: Turn,
    ) -> Result<(), StoreError> {
        let gone = lock(&self.contents).remove(&(project.clone(), id));
        gone.ok_or(StoreError::NotFound)?;
        self.open.remove(project, id, in_turn);
        Ok(())
    }
}
