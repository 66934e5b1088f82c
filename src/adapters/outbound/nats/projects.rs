//! Projects and their files in the engine.

use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep, timeout};

use crate::adapters::outbound::listing::list;
use crate::adapters::outbound::loaded_project::User;
use crate::adapters::outbound::nats::engine::AGAIN;
use crate::adapters::outbound::nats::entry::{Content, Entry, Head, INLINE_BYTES, Put, What};
use crate::adapters::outbound::nats::logged::Logged;
use crate::adapters::outbound::nats::overtaken::waited_since;
use crate::adapters::outbound::nats::pending_changes::{Done, Told, Wish};
use crate::adapters::outbound::nats::publish::{Outgoing, PublishError};
use crate::adapters::outbound::nats::replicas::{Node, PATIENCE, head_of, place};
use crate::adapters::outbound::nats::silence::{ELECTION, SILENT};
use crate::adapters::outbound::system::SystemClock;
use crate::application::ports::{
    Clock as _, FilesBelow, InTurn, OpenFile, ProjectState, ProjectStore, PutInTurn, StoreError,
    TellRemoved, TellRescanned, Wanted,
};
use crate::application::{FileContent, FileKey};
use crate::domain::{
    ContentHash, FilePath, ProjectEntry, ProjectId, ProjectQuota, Revision, Timestamp, Usage,
    UserName, Version,
};

/// How many small files are opened at a time.
const AT_ONCE: usize = 16;

/// Keeps projects in the engine. It contains only what servers created, so nothing is foreign.
pub(crate) struct NatsProjects(pub(crate) Arc<Node>);

impl NatsProjects {
    /// The head of a project that exists, or has existed. Waits for an election of the engine.
    async fn head(&self, project: &ProjectId) -> Result<Option<(Logged, Head)>, StoreError> {
        let subject = self.0.engine.subjects.head(project);
        let engine = &self.0.engine;
        let asking = engine.once_answered(ELECTION, || engine.last_soon(&subject));
        let Some(found) = asking.await? else {
            return Ok(None);
        };
        let head = head_of(&place(&found)?).cloned();
        Ok(head.map(|head| (found, head)))
    }

    /// Whether this node knows the project, and nobody can say more just now.
    fn is_known_in_silence(&self, project: &ProjectId) -> bool {
        let Self(node) = self;
        let known = node.known(project);
        let is_known = known.is_some_and(|replica| replica.with(|_| ()).is_ok());
        is_known && node.engine.silence() >= SILENT
    }

    async fn must_exist(&self, project: &ProjectId) -> Result<(), StoreError> {
        match self.state(project).await? {
            ProjectState::Registered => Ok(()),
            ProjectState::Absent | ProjectState::Foreign => Err(StoreError::NotFound),
        }
    }
}

#[async_trait]
impl ProjectStore for NatsProjects {
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        let mut asking = pin!(self.head(project));
        let head = loop {
            match timeout(PATIENCE, &mut asking).await {
                Ok(Ok(head)) => break head,
                _ if self.is_known_in_silence(project) => return Ok(ProjectState::Registered),
                Ok(Err(error)) => return Err(error),
                Err(_) => {}
            }
        };
        Ok(match head {
            Some((_, head)) if head.is_registered => ProjectState::Registered,
            Some(_) | None => ProjectState::Absent,
        })
    }

    async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        let Self(node) = self;
        let subject = node.engine.subjects.head(project);
        loop {
            let (before, before_at) = match self.head(project).await? {
                Some((_, head)) if head.is_registered => return Ok(()),
                Some((removed, _)) => (removed.sequence, removed.at),
                None => (0, Timestamp::default()),
            };
            let head = Head {
                is_registered: true,
                since: before,
                since_at: before_at,
                earlier: Vec::new(),
            };
            let entry = Entry {
                project: project.clone(),
                change: node.names.next(),
                asked: 0,
                what: What::Head(head),
            };
            let message = Outgoing {
                subject: subject.clone(),
                payload: entry.encode()?,
            };
            match node.engine.publish(message, Some(before)).await {
                Ok(sequence) => return node.position.reaches(sequence).await,
                Err(PublishError::Conflict) => {}
                // Whether it is kept, the head will tell.
                Err(PublishError::Unknown(_)) => sleep(AGAIN).await,
                Err(refused @ PublishError::Refused(_)) => return Err(refused.into()),
            }
        }
    }

    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.must_exist(project).await
    }

    async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError> {
        let all = self.projects().await?;
        let theirs = all.iter().find(|project| project.streamer == *user);
        theirs.map(drop).ok_or(StoreError::NotFound)
    }

    async fn remove(&self, project: &ProjectId, tell: TellRemoved) -> Result<(), StoreError> {
        let (node, project) = (Arc::clone(&self.0), project.clone());
        // A task of its own: what has been removed must be told, even if nobody waits any more.
        let work = tokio::spawn(async move {
            let (replica, _loaded) = node.project(&project, User::Streamer).await?;
            let told = Told::Removed(tell);
            let removed = node
                .submit(&replica, Wish::Remove, told, Instant::now())
                .await?;
            // Only cleanup: a project of that name that is created again begins later in the log.
            let subjects = &node.engine.subjects;
            let (stream, files) = (subjects.log().name, subjects.files(&project));
            let purged = node
                .engine
                .purge(&stream, &files, Some(removed.version().number()));
            if let Err(error) = purged.await {
                tracing::warn!(%error, "the files of a removed project stay in the engine");
            }
            Ok(())
        });
        work.await.map_err(StoreError::failed)?
    }

    async fn rescan(&self, project: &ProjectId, _: TellRescanned) -> Result<(), StoreError> {
        // Nobody but servers can change it, and the log tells of everything.
        self.must_exist(project).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        let engine = &self.0.engine;
        let subjects = &engine.subjects;
        let (mut at, mut all) = (0, Vec::new());
        loop {
            let page = engine
                .page(&subjects.log(), at + 1, &subjects.heads())
                .await?;
            let Some(last) = page.last() else {
                return Ok(all);
            };
            at = last.sequence;
            for message in &page {
                let placed = place(message)?;
                if head_of(&placed).is_some_and(|head| head.is_registered) {
                    all.push(placed.entry.project);
                }
            }
        }
    }

    fn loaded(&self) -> usize {
        self.0.loaded()
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
        let node = Arc::clone(&self.0);
        let FileKey { project, path } = file;
        node.presence.is_told(project).await;
        let (replica, loaded) = node.project(project, User::Streamer).await?;
        let alone = replica.locks.lock(path).await;
        let path = path.clone();
        let work = tokio::spawn(async move {
            let bytes = content.bytes();
            let has_waited = waited_since(asked, SystemClock.now()).is_some();
            if bytes > INLINE_BYTES && !has_waited {
                // A content that would be refused anyway need not be sent first. One that may have
                // been overtaken is not refused.
                let put = loaded.with(|project| {
                    let put = project.begin_put(&path, bytes, &quota)?;
                    project.abandon_put(put);
                    Ok::<_, StoreError>(())
                });
                put?;
            }
            let entry = node.engine.subjects.file(&replica.project, &path);
            let (sha256, content) = node.blobs.take(content).await?;
            let blob = match &content {
                Content::Blob(blob) => Some(blob.clone()),
                Content::Inline(_) => None,
            };
            let wish = Wish::Put {
                path,
                put: Put {
                    bytes,
                    sha256,
                    executable: false,
                    content,
                },
                executable,
                quota,
            };
            let told = Told::Put(in_turn);
            let put = node.submit(&replica, wish, told, asked).await;
            match (&put, blob) {
                (_, None) => {}
                (Ok(Done::Overtaken(_)), Some(blob)) => node.blobs.remove(&blob).await,
                // After a failure the log may still name it. Who looks for orphans asks the log.
                (Ok(Done::Made(_)) | Err(_), Some(blob)) => node.blobs.note_owner(&blob, entry),
            }
            drop((alone, loaded));
            put.map(Done::version)
        });
        work.await.map_err(StoreError::failed)?
    }

    async fn delete_file(
        &self,
        file: &FileKey,
        asked: Instant,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        let node = Arc::clone(&self.0);
        let FileKey { project, path } = file;
        let (replica, loaded) = node.project(project, User::Streamer).await?;
        let alone = replica.locks.lock(path).await;
        let path = path.clone();
        let work = tokio::spawn(async move {
            let wish = Wish::Delete { path, wanted };
            let told = Told::Gone(in_turn);
            let deleted = node.submit(&replica, wish, told, asked).await;
            drop((alone, loaded));
            deleted.map(Done::version)
        });
        work.await.map_err(StoreError::failed)?
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let in_use = self.0.latest(project).await?;
        self.0.open(&in_use, path).await
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        let in_use = self.0.latest(project).await?;
        let mut left = bytes;
        let of_small = |path: &&FilePath| {
            let known = in_use.0.with(|ready| ready.entry(path));
            let bytes = known.ok().flatten().map_or(0, |entry| entry.bytes);
            let fits = bytes <= left.min(INLINE_BYTES);
            left = left.saturating_sub(bytes);
            fits
        };
        let Some((first, others)) = paths.split_first() else {
            return Ok(Vec::new());
        };
        let first = self.0.open(&in_use, first).await;
        let first_bytes = first.as_ref().map_or(0, |file| file.bytes);
        if first_bytes > bytes {
            return Ok(vec![first]);
        }
        let others: Vec<_> = others.iter().take_while(of_small).collect();
        let opening: Vec<_> = others
            .into_iter()
            .map(|path| self.0.open(&in_use, path))
            .collect();
        let opening = futures_util::stream::iter(opening).buffered(AT_ONCE);
        let others: Vec<_> = opening.collect().await;
        Ok(std::iter::once(first).chain(others).collect())
    }

    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError> {
        let (_, loaded) = self.0.latest(project).await?;
        let found = loaded.with(|project| project.get(path).copied());
        found.ok_or(StoreError::NotFound)
    }

    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        let (_, loaded) = self.0.latest(project).await?;
        loaded.with(|project| list(project, files, most))
    }

    fn note_hash(&self, _: &ProjectId, _: &FilePath, _: Version, _: ContentHash) {
        // The log has the hash already.
    }

    async fn revision(&self, project: &ProjectId) -> Result<Revision, StoreError> {
        let (_, loaded) = self.0.latest(project).await?;
        Ok(loaded.revision())
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        let (_, loaded) = self.0.latest(project).await?;
        Ok(loaded.with(|project| project.usage()))
    }
}
