//! Copies all projects from the stores of one engine to those of another (docs/how-to/nats.md).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::time::Instant;

use crate::application::file_content::FileContent;
use crate::application::file_key::FileKey;
use crate::application::files::upload_log::{SPILL_BYTES, UploadLog};
use crate::application::ports::{
    FilesBelow, FinishError, HELD_FILE_BYTES, OpenFile, StagingId, StoreError, Stores,
};
use crate::domain::{FilePath, Moderation, ProjectEntry, ProjectId, ProjectQuota, PullRequestId};

/// How many files are listed at a time.
const PAGE: usize = 512;

/// Copies all projects with their files, open pull requests and moderation. It changes nothing that
/// the target already has: what is equal is not copied again, so an interrupted transfer can go on,
/// and what differs is named and left. Guests' names are not copied.
pub struct Transfer<'a> {
    /// The stores to copy from.
    pub from: &'a Stores,
    /// The stores to copy to.
    pub to: &'a Stores,
    /// Told of each step, for people who wait.
    pub tell: &'a mut (dyn FnMut(Step<'_>) + Send),
}

/// What is told while projects are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// How many of a project's files have been dealt with.
    Files {
        /// Which project.
        project: &'a ProjectId,
        /// How many.
        done: u64,
        /// Of how many.
        of: u64,
    },
    /// The target has something else, which stays.
    Differs {
        /// In which project.
        project: &'a ProjectId,
        /// What differs.
        what: Differs<'a>,
    },
}

/// What the target has that is not the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs<'a> {
    /// Something that the server did not create has the project's name.
    Project,
    /// A file has other content or another executable bit, or something else is in its way.
    File(&'a FilePath),
    /// Moderators have decided something else.
    Moderation,
}

/// What has been copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transferred {
    /// How many projects were looked at.
    pub projects: u64,
    /// How many files were copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many open pull requests were copied.
    pub pull_requests: u64,
    /// How many files and pull requests the target already had.
    pub same: u64,
    /// How many things differ, and were left.
    pub differs: u64,
}

/// Why a transfer ended early, and where. It can be begun again.
#[derive(Debug, Clone)]
pub struct TransferError {
    place: String,
    error: StoreError,
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.error)
    }
}

impl std::error::Error for TransferError {}

impl Transfer<'_> {
    /// Copies all projects.
    ///
    /// # Errors
    /// What could not be read or written. What was copied until then stays.
    pub async fn run(mut self) -> Result<Transferred, TransferError> {
        let projects = self.from.projects.projects().await;
        let mut projects = projects.map_err(at("the projects"))?;
        projects.sort();
        let (mut done, last_staging_id) = (Transferred::default(), AtomicU64::new(0));
        let next_id = || StagingId(last_staging_id.fetch_add(1, Ordering::Relaxed) + 1);
        for project in projects {
            self.project(&project, &mut done, &next_id).await?;
        }
        Ok(done)
    }

    async fn project(
        &mut self,
        project: &ProjectId,
        done: &mut Transferred,
        next_id: &(impl Fn() -> StagingId + Sync),
    ) -> Result<(), TransferError> {
        let (from, to) = (self.from, self.to);
        done.projects += 1;
        match to.projects.register(project).await {
            Err(StoreError::PathConflict) => {
                self.differs(project, Differs::Project, done);
                return Ok(());
            }
            registered => registered.map_err(at(project))?,
        }
        let of = from.projects.usage(project).await.map_err(at(project))?;
        let (mut below, mut seen) = (FilesBelow::all(), 0);
        loop {
            let page = from.projects.files_below(project, &below, PAGE).await;
            let page = page.map_err(at(project))?;
            let Some((last, _)) = page.last() else { break };
            below.after = Some(last.clone());
            for (path, _) in &page {
                let copied = self.file(project, path, done, next_id).await;
                copied.map_err(at(format_args!("{project}: {path}")))?;
            }
            seen += page.len() as u64;
            (self.tell)(Step::Files {
                project,
                done: seen,
                of: of.files.max(seen),
            });
        }
        let open = from.pull_requests.open(project, None).await;
        for id in open.map_err(at(project))? {
            let copied = self.pull_request(project, id, done, next_id).await;
            copied.map_err(at(format_args!("{project}: pull request {id}")))?;
        }
        let moderation = self.moderation(project, done).await;
        moderation.map_err(at(format_args!("{project}: its moderation")))
    }

    async fn file(
        &mut self,
        project: &ProjectId,
        path: &FilePath,
        done: &mut Transferred,
        next_id: &(impl Fn() -> StagingId + Sync),
    ) -> Result<(), StoreError> {
        let file = match self.from.projects.open_file(project, path).await {
            // It has been deleted in the meantime.
            Err(StoreError::NotFound) => return Ok(()),
            file => file?,
        };
        let target = &self.to.projects;
        match target.find_file(project, path).await {
            Ok(there) if self.is_same(project, path, &file, there).await? => done.same += 1,
            Ok(_) => self.differs(project, Differs::File(path), done),
            Err(StoreError::NotFound) => {
                let content = self.content(&file, next_id).await?;
                let executable = Some(file.executable);
                // The source has allowed it.
                let quota = ProjectQuota::UNLIMITED;
                let key = FileKey {
                    project: project.clone(),
                    path: path.clone(),
                };
                let now = Instant::now();
                let put = target.put_file(&key, now, content, executable, quota, Box::new(drop));
                match put.await {
                    Err(StoreError::PathConflict) => {
                        self.differs(project, Differs::File(path), done);
                        return Ok(());
                    }
                    put => drop(put?),
                }
                let there = target.find_file(project, path).await?;
                if !self.is_same(project, path, &file, there).await? {
                    let why = "what has been written is not what was read; is it being changed?";
                    return Err(StoreError::failed(why));
                }
                done.files += 1;
                done.bytes += file.bytes;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Whether the target has the same file, `there`.
    async fn is_same(
        &self,
        project: &ProjectId,
        path: &FilePath,
        file: &OpenFile,
        there: ProjectEntry,
    ) -> Result<bool, StoreError> {
        if there.bytes != file.bytes || there.executable != file.executable {
            return Ok(false);
        }
        let hash = if let Some(hash) = there.sha256 {
            hash
        } else {
            let written = self.to.projects.open_file(project, path).await?;
            written.sha256().await?
        };
        Ok(file.sha256().await? == hash)
    }

    /// What a file holds, staged if it is long.
    async fn content(
        &self,
        file: &OpenFile,
        next_id: &(impl Fn() -> StagingId + Sync),
    ) -> Result<FileContent, StoreError> {
        let (mut log, mut at) = (UploadLog::default(), 0);
        while at < file.bytes {
            let length = (file.bytes - at).min(SPILL_BYTES as u64);
            let length = usize::try_from(length).map_err(StoreError::failed)?;
            let read: Bytes = file.source.read(at, length).await?;
            if file.bytes <= HELD_FILE_BYTES as u64 {
                log.append(&read);
            } else {
                log.stage(read, &self.to.uploads, next_id).await?;
            }
            at += length as u64;
        }
        let whole = 0..file.bytes;
        Ok(log.content(vec![whole], true))
    }

    async fn pull_request(
        &self,
        project: &ProjectId,
        id: PullRequestId,
        done: &mut Transferred,
        next_id: &(impl Fn() -> StagingId + Sync),
    ) -> Result<(), StoreError> {
        let (from, to) = (&self.from.pull_requests, &self.to.pull_requests);
        match to.find(project, id).await {
            Ok(_) => {
                done.same += 1;
                return Ok(());
            }
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error),
        }
        let pull_request = from.find(project, id).await?;
        for path in &pull_request.files {
            let file = from.open_file(project, id, path).await?;
            let content = self.content(&file, next_id).await?;
            self.to.uploads.put_draft_file(id, path, content).await?;
        }
        let finished = to.finish(pull_request, usize::MAX, Box::new(|_| {})).await;
        finished.map_err(|error| match error {
            FinishError::Store(error) => error,
            FinishError::TooManyOpen => StoreError::failed(error),
        })?;
        done.pull_requests += 1;
        Ok(())
    }

    async fn moderation(
        &mut self,
        project: &ProjectId,
        done: &mut Transferred,
    ) -> Result<(), StoreError> {
        let decided = self.from.moderation.load(project).await?;
        let there = self.to.moderation.load(project).await?;
        if there == decided {
            return Ok(());
        }
        if there == Moderation::default() {
            let kept = self.to.moderation.save(project, Arc::new(decided));
            if kept.await? {
                return Ok(());
            }
        }
        self.differs(project, Differs::Moderation, done);
        Ok(())
    }

    fn differs(&mut self, project: &ProjectId, what: Differs<'_>, done: &mut Transferred) {
        done.differs += 1;
        (self.tell)(Step::Differs { project, what });
    }
}

fn at(place: impl fmt::Display) -> impl FnOnce(StoreError) -> TransferError {
    let place = place.to_string();
    |error| TransferError { place, error }
}
