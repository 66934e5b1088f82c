//! Open pull requests on disk.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::pool::blocking_threads::soon;
use crate::adapters::outbound::filesystem::pool::in_flight::InFlight;
use crate::adapters::outbound::filesystem::projects::open_file;
use crate::adapters::outbound::filesystem::pull_requests::finish::finish;
use crate::adapters::outbound::filesystem::pull_requests::load::read;
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking};
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::uploads::names::stored_name;
use crate::adapters::outbound::open_pull_requests::OpenPullRequests;
use crate::application::DiskWork;
use crate::application::ports::{
    FinishError, OpenFile, PullRequestStore, StoreError, TellFinished, Turn,
};
use crate::domain::{
    FilePath, Outcome, ProjectId, PullRequest, PullRequestId, Timestamp, UserName, Version,
};

/// Keeps open pull requests in `.twicecast/pulls/<user>/<project>/<id>`, and their ids in memory.
pub(crate) struct FilesystemPullRequests {
    layout: Arc<Layout>,
    drafts: Arc<InFlight<PullRequestId>>,
    open: Arc<OpenPullRequests>,
    pool: BlockingPool,
}

impl FilesystemPullRequests {
    pub(crate) fn new(
        layout: Arc<Layout>,
        drafts: Arc<InFlight<PullRequestId>>,
        open: OpenPullRequests,
    ) -> Self {
        Self {
            pool: BlockingPool::changes_of_all(DiskWork::PullRequests, &layout.disk),
            layout,
            drafts,
            open: Arc::new(open),
        }
    }

    /// Runs `work` on the folder of the project's pull requests, if this one is open.
    async fn at_home<T: Send + 'static>(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        work: impl FnOnce(&Layout, &Folder) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // An unknown id causes no disk access.
        if !self.open.contains(project, id) {
            return Err(StoreError::NotFound);
        }
        let (layout, project) = (Arc::clone(&self.layout), project.clone());
        let at_home = move || {
            let path = [project.streamer.as_str(), &project.name.file_name()];
            let home = layout.pulls.descend(path);
            work(&layout, &home.looking("open the pull requests")?)
        };
        self.pool.run(at_home).await
    }
}

#[async_trait]
impl PullRequestStore for FilesystemPullRequests {
    async fn finish(
        &self,
        mut pull_request: PullRequest,
        max_open: usize,
        in_turn: TellFinished,
    ) -> Result<(), FinishError> {
        let finishing = self.open.begin(pull_request.project.clone()).await;
        finishing.check(&pull_request.owner, max_open)?;
        let (layout, drafts) = (Arc::clone(&self.layout), Arc::clone(&self.drafts));
        let draft = drafts.join(pull_request.id);
        let work = move || {
            draft.complete(|| {
                pull_request.date = finishing.date(pull_request.date);
                finish(&layout, &pull_request)?;
                drafts.take(&pull_request.id);
                Ok(())
            })?;
            finishing.keep(&pull_request, in_turn);
            Ok(())
        };
        Ok(self.pool.run(work).await?)
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
        let find = move |_: &Layout, home: &Folder| {
            let folder = home.folder(&id.to_string());
            let folder = folder.looking("open a pull request")?;
            read(&folder).during("read a pull request")
        };
        self.at_home(project, id, find).await
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let (name, pool) = (stored_name(path), self.pool.clone());
        let permit = self.layout.may_keep_open().await?;
        let open = move |_: &Layout, home: &Folder| {
            let folder = home.folder(&id.to_string());
            let file = folder.and_then(|folder| folder.file_and_metadata(&name));
            let file = file.looking("open a pull request's file")?;
            // It has no versions: it is never replaced.
            let opened = open_file::open(file, pool, Some(permit), |_| Version::UNKNOWN)?;
            opened.ok_or(StoreError::NotFound)
        };
        self.at_home(project, id, open).await
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
        const WHAT: &str = "delete a pull request";
        let (open, asked) = (Arc::clone(&self.open), project.clone());
        let delete = move |layout: &Layout, home: &Folder| {
            let (name, hidden) = (id.to_string(), layout.temporary_name());
            // The move returns at once even if there are many files: the rest is only cleanup.
            let moved = home.rename(&name, &layout.staging, &hidden);
            moved.looking(WHAT)?;
            if let Err(error) = home.sync() {
                if let Err(error) = layout.staging.rename_new(&hidden, home, &name) {
                    tracing::warn!(%error, "a delete failed and could not be undone");
                }
                return Err(error).during(WHAT);
            }
            open.remove(&asked, id, in_turn);
            let staging = layout.staging.clone();
            soon(move || {
                if let Err(error) = staging.remove_tree(&hidden) {
                    tracing::warn!(%error, "cannot remove a deleted pull request");
                }
            });
            Ok(())
        };
        self.at_home(project, id, delete).await
    }
}
