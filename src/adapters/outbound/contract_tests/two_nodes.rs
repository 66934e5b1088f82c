//! Two nodes that look like one: changes are made at the first and read at the second.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::application::ports::{
    Decided, FilesBelow, FinishError, GuestKey, GuestStore, InTurn, ModerationStore, OpenFile,
    ProjectState, ProjectStore, PullRequestStore, PutInTurn, StoreError, TakeNameError,
    TellFinished, TellRemoved, TellRescanned, Turn, Wanted,
};
use crate::application::{FileContent, FileKey};
use crate::domain::{
    ClientAddress, ContentHash, FilePath, GuestEntry, Moderation, Outcome, ProjectEntry, ProjectId,
    ProjectQuota, PullRequest, PullRequestId, Revision, Timestamp, Usage, UserName, Version,
};

pub(super) struct Projects(pub Arc<dyn ProjectStore>, pub Arc<dyn ProjectStore>);

#[async_trait]
impl ProjectStore for Projects {
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        self.1.state(project).await
    }

    async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.0.register(project).await
    }

    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.1.adopt(project).await
    }

    async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError> {
        self.1.adopt_user(user).await
    }

    async fn remove(&self, project: &ProjectId, tell: TellRemoved) -> Result<(), StoreError> {
        self.0.remove(project, tell).await
    }

    async fn rescan(&self, project: &ProjectId, tell: TellRescanned) -> Result<(), StoreError> {
        self.1.rescan(project, tell).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        self.1.projects().await
    }

    fn loaded(&self) -> usize {
        self.1.loaded()
    }

    async fn put_file(
        &self,
        file: &FileKey,
        asked: Instant,
        content: FileContent,
        executable: Option<bool>,
        quota: ProjectQuota,
        in_turn: PutInTurn,
    ) -> Result<Version, StoreError> {
        self.0
            .put_file(file, asked, content, executable, quota, in_turn)
            .await
    }

    async fn delete_file(
        &self,
        file: &FileKey,
        asked: Instant,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        self.0.delete_file(file, asked, wanted, in_turn).await
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        self.1.open_file(project, path).await
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        self.1.open_files(project, paths, bytes).await
    }

    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError> {
        self.1.find_file(project, path).await
    }

    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        self.1.files_below(project, files, most).await
    }

    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash) {
        self.1.note_hash(project, path, version, hash);
    }

    async fn revision(&self, project: &ProjectId) -> Result<Revision, StoreError> {
        self.1.revision(project).await
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        self.1.usage(project).await
    }
}

pub(super) struct PullRequests(pub Arc<dyn PullRequestStore>, pub Arc<dyn PullRequestStore>);

/// Connections enter and leave at the first node, which tells them; the second is asked everything
/// else. An answer that does not wait may lag behind. So each change is followed by a call to the
/// other node that waits until that node knows of it.
#[async_trait]
impl PullRequestStore for PullRequests {
    async fn finish(
        &self,
        pull_request: PullRequest,
        max_open: usize,
        in_turn: TellFinished,
    ) -> Result<(), FinishError> {
        let project = pull_request.project.clone();
        self.0.finish(pull_request, max_open, in_turn).await?;
        Ok(self.1.open(&project, None).await.map(drop)?)
    }

    async fn open_since(
        &self,
        project: &ProjectId,
        after: Option<Timestamp>,
        enter: Turn,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        self.0.open_since(project, after, enter).await
    }

    fn leave(&self, project: &ProjectId, leave: Turn) -> Option<Timestamp> {
        self.0.leave(project, leave)
    }

    async fn open(
        &self,
        project: &ProjectId,
        owner: Option<UserName>,
    ) -> Result<Vec<PullRequestId>, StoreError> {
        self.1.open(project, owner).await
    }

    fn count(&self) -> usize {
        self.1.count()
    }

    async fn authors(&self, project: &ProjectId) -> Result<BTreeSet<UserName>, StoreError> {
        self.1.authors(project).await
    }

    async fn find(
        &self,
        project: &ProjectId,
        id: PullRequestId,
    ) -> Result<PullRequest, StoreError> {
        self.1.find(project, id).await
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        self.1.open_file(project, id, path).await
    }

    fn tell_if_open(&self, pull_request: &PullRequest, tell: Turn) {
        self.0.tell_if_open(pull_request, tell);
    }

    async fn delete(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        outcome: Outcome,
        in_turn: Turn,
    ) -> Result<(), StoreError> {
        self.1.delete(project, id, outcome, in_turn).await?;
        self.0.open(project, None).await.map(drop)
    }
}

pub(super) struct Guests(pub Arc<dyn GuestStore>, pub Arc<dyn GuestStore>);

/// The length of a name decides which of the nodes takes it.
#[async_trait]
impl GuestStore for Guests {
    async fn key(&self) -> Result<GuestKey, StoreError> {
        let (one, other) = tokio::join!(self.0.key(), self.1.key());
        let (one, other) = (one?, other?);
        assert!(one.0 == other.0, "both nodes have one key");
        Ok(one)
    }

    async fn take(&self, project: &ProjectId, entry: GuestEntry) -> Result<(), TakeNameError> {
        let node = if entry.guest.name.as_str().len().is_multiple_of(2) {
            &self.0
        } else {
            &self.1
        };
        node.take(project, entry).await
    }

    async fn address_of(
        &self,
        project: &ProjectId,
        user: &UserName,
        now: Timestamp,
    ) -> Result<Option<ClientAddress>, StoreError> {
        self.1.address_of(project, user, now).await
    }

    async fn is_kept(&self, project: &ProjectId) -> Result<bool, StoreError> {
        self.1.is_kept(project).await
    }

    async fn free(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.0.free(project).await
    }
}

pub(super) struct Moderations(pub Arc<dyn ModerationStore>, pub Arc<dyn ModerationStore>);

#[async_trait]
impl ModerationStore for Moderations {
    async fn load(&self, project: &ProjectId) -> Result<Moderation, StoreError> {
        self.1.load(project).await
    }

    async fn save(
        &self,
        project: &ProjectId,
        moderation: Arc<Moderation>,
    ) -> Result<bool, StoreError> {
        self.0.save(project, moderation).await
    }

    fn follow(&self, decided: Decided) {
        self.1.follow(decided);
    }

    async fn remove(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.0.remove(project).await
    }
}
