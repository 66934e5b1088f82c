//! The stores of one adapter, and shorthands for what the cases do with them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::adapters::outbound::filesystem::{self, Durability};
use crate::adapters::outbound::memory;
use crate::adapters::outbound::nats::{self, NatsSettings};
use crate::application::ports::{
    FilesBelow, FinishError, GuestStore, ModerationStore, OpenFile, Presence, ProjectStore,
    PullRequestStore, StagedUpload, StagingId, StoreError, StoreResources, Stores, UploadStore,
};
use crate::application::{FileContent, FileKey};
use crate::domain::{
    ContentHash, FilePath, ProjectEntry, ProjectId, ProjectName, ProjectQuota, PullRequest,
    PullRequestId, Revision, Timestamp, Usage, UserName, Version,
};

/// Room for everything.
pub(in crate::adapters::outbound) const AMPLE: ProjectQuota = ProjectQuota {
    max_files: 1_000_000,
    max_bytes: 1 << 40,
    ..ProjectQuota::UNLIMITED
};

/// The stores of one adapter. The cases use the project `ana/demo` in them.
#[derive(Clone)]
pub(in crate::adapters::outbound) struct World {
    pub projects: Arc<dyn ProjectStore>,
    pub pull_requests: Arc<dyn PullRequestStore>,
    pub uploads: Arc<dyn UploadStore>,
    pub guests: Arc<dyn GuestStore>,
    pub moderation: Arc<dyn ModerationStore>,
    pub presence: Option<Arc<dyn Presence>>,
    /// The folder in which the stores lie, if any; removed with the last of them.
    pub place: Option<Arc<tempfile::TempDir>>,
}

impl World {
    pub fn in_memory() -> Self {
        Self::of(memory::open_stores())
    }

    pub fn on_disk(durability: Durability) -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        Self::at(Arc::new(place), durability)
    }

    pub fn at(place: Arc<tempfile::TempDir>, durability: Durability) -> Self {
        Self::with(place, durability, StoreResources::default())
    }

    pub fn with(
        place: Arc<tempfile::TempDir>,
        durability: Durability,
        resources: StoreResources,
    ) -> Self {
        let stores = filesystem::open_stores(place.path(), durability, resources).expect("opens");
        Self {
            place: Some(place),
            ..Self::of(stores)
        }
    }

    /// On the engine that all tests share, with streams of its own.
    pub async fn on_nats() -> Self {
        let settings = super::nats_server::settings();
        Self::on_engine(&settings).await
    }

    /// Two nodes of one engine: what is changed at one is read at the other.
    pub async fn on_two_nodes() -> Self {
        let settings = super::nats_server::settings();
        let (write, read) = (
            Self::on_engine(&settings).await,
            Self::on_engine(&settings).await,
        );
        Self {
            projects: Arc::new(super::two_nodes::Projects(write.projects, read.projects)),
            pull_requests: Arc::new(super::two_nodes::PullRequests(
                write.pull_requests,
                read.pull_requests,
            )),
            guests: Arc::new(super::two_nodes::Guests(write.guests, read.guests)),
            moderation: Arc::new(super::two_nodes::Moderations(
                write.moderation,
                read.moderation,
            )),
            ..write
        }
    }

    /// A node on an engine that other nodes may use, too.
    pub async fn on_engine(settings: &NatsSettings) -> Self {
        Self::on_engine_with(settings, StoreResources::default()).await
    }

    pub async fn on_engine_with(settings: &NatsSettings, resources: StoreResources) -> Self {
        let files = memory::open_stores().uploads;
        let stores = nats::open_stores(settings, files, resources).await;
        Self::of(stores.expect("opens"))
    }

    pub fn of(stores: Stores) -> Self {
        Self {
            projects: stores.projects,
            pull_requests: stores.pull_requests,
            uploads: stores.uploads,
            guests: stores.guests,
            moderation: stores.moderation,
            presence: stores.presence,
            place: None,
        }
    }

    /// With `ana/demo` registered.
    pub async fn with_demo(self) -> Self {
        self.projects.register(&demo()).await.expect("registers");
        self
    }

    pub async fn put(&self, name: &str, content: &[u8]) -> Result<Version, StoreError> {
        self.put_as(name, memory(content), AMPLE).await
    }

    pub async fn put_as(
        &self,
        name: &str,
        content: FileContent,
        quota: ProjectQuota,
    ) -> Result<Version, StoreError> {
        let in_turn = Box::new(|_| {});
        self.projects
            .put_file(
                &demo_file(name),
                Instant::now(),
                content,
                None,
                quota,
                in_turn,
            )
            .await
    }

    /// Puts a file with this executable bit (`None`: as before). Returns the bit that it has now.
    pub async fn put_executable(&self, name: &str, executable: Option<bool>) -> bool {
        let (tell, told) = std::sync::mpsc::channel();
        let in_turn =
            Box::new(move |entry: ProjectEntry| tell.send(entry.executable).expect("heard"));
        let (file, content) = (demo_file(name), memory(b"x"));
        self.projects
            .put_file(&file, Instant::now(), content, executable, AMPLE, in_turn)
            .await
            .expect("is written");
        told.recv().expect("is told")
    }

    /// Writes a file of a project other than `ana/demo`.
    pub async fn put_in(&self, project: &ProjectId, name: &str, content: &[u8]) {
        let file = FileKey {
            project: project.clone(),
            path: path(name),
        };
        let content = memory(content);
        let told = Box::new(|_| {});
        let put = self
            .projects
            .put_file(&file, Instant::now(), content, None, AMPLE, told);
        put.await.expect("is written");
    }

    pub async fn put_all(&self, names: &[&str]) {
        for name in names {
            self.put(name, b"x").await.expect("is written");
        }
    }

    pub async fn delete(&self, name: &str) -> Result<Version, StoreError> {
        self.projects
            .delete_file(
                &demo_file(name),
                Instant::now(),
                Box::new(|| true),
                Box::new(|_| {}),
            )
            .await
    }

    pub async fn open(&self, name: &str) -> Result<OpenFile, StoreError> {
        self.projects.open_file(&demo(), &path(name)).await
    }

    /// The content of a file of `ana/demo`.
    pub async fn read(&self, name: &str) -> Result<Bytes, StoreError> {
        content(&self.open(name).await?).await
    }

    /// The files below a folder (`/` for all), a few at a time.
    pub async fn walk(&self, folder: &str, recursively: bool) -> Result<Vec<String>, StoreError> {
        let mut files = below(folder, recursively);
        let mut all = Vec::new();
        loop {
            let next = self.next(&mut files, 3).await?;
            if next.is_empty() {
                return Ok(all);
            }
            assert!(next.len() <= 3);
            all.extend(next.iter().map(ToString::to_string));
        }
    }

    /// The next files of a walk, at most `most`.
    pub async fn next(
        &self,
        files: &mut FilesBelow,
        most: usize,
    ) -> Result<Vec<FilePath>, StoreError> {
        let next = self.projects.files_below(&demo(), files, most).await?;
        let next: Vec<_> = next.into_iter().map(|(path, _)| path).collect();
        files.after = next.last().cloned().or(files.after.take());
        Ok(next)
    }

    /// What is known of a file without opening it.
    pub async fn find(&self, name: &str) -> Result<ProjectEntry, StoreError> {
        self.projects.find_file(&demo(), &path(name)).await
    }

    /// Everything in the project, in order.
    pub async fn tree(&self) -> Vec<String> {
        self.walk("/", true).await.expect("walks")
    }

    pub async fn revision(&self) -> Revision {
        let revision = self.projects.revision(&demo()).await;
        revision.expect("is known")
    }

    pub async fn usage(&self) -> Result<Usage, StoreError> {
        self.projects.usage(&demo()).await
    }

    pub async fn stage(&self, id: u64, chunks: &[&[u8]]) -> StagingId {
        for chunk in chunks {
            let chunk = Bytes::copy_from_slice(chunk);
            self.uploads
                .append(StagingId(id), chunk)
                .await
                .expect("is staged");
        }
        StagingId(id)
    }

    /// The staged upload of that id, which is there until it is discarded.
    pub fn staged(&self, id: StagingId) -> Arc<dyn StagedUpload> {
        Arc::new(Staged(id, Arc::clone(&self.uploads)))
    }

    /// Finishes a draft, with no limit on open pull requests.
    pub async fn finish(&self, finished: PullRequest) -> Result<(), FinishError> {
        self.pull_requests
            .finish(finished, usize::MAX, Box::new(|_| {}))
            .await
    }

    pub async fn put_draft(&self, id: u128, name: &str, content: &[u8]) {
        self.uploads
            .put_draft_file(PullRequestId::from_u128(id), &path(name), memory(content))
            .await
            .expect("is written");
    }
}

struct Staged(StagingId, Arc<dyn UploadStore>);

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl StagedUpload for Staged {
    fn id(&self) -> StagingId {
        self.0
    }

    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        self.1.read(self.0, offset, length).await
    }
}

/// A walk of a folder (`/` for all) that has not begun.
pub(in crate::adapters::outbound) fn below(folder: &str, recursively: bool) -> FilesBelow {
    FilesBelow {
        folder: (folder != "/").then(|| path(folder)),
        recursively,
        after: None,
    }
}

/// The whole content of an open file.
pub(in crate::adapters::outbound) async fn content(file: &OpenFile) -> Result<Bytes, StoreError> {
    let length = usize::try_from(file.bytes).expect("fits");
    file.source.read(0, length).await
}

pub(in crate::adapters::outbound) fn memory(content: &[u8]) -> FileContent {
    FileContent::Memory(Bytes::copy_from_slice(content))
}

pub(in crate::adapters::outbound) fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("valid")
}

pub(in crate::adapters::outbound) fn project(streamer: &str, name: &str) -> ProjectId {
    ProjectId {
        streamer: UserName::parse(streamer).expect("valid"),
        name: ProjectName::parse(name).expect("valid"),
    }
}

/// A file of `ana/demo`.
pub(in crate::adapters::outbound) fn demo_file(name: &str) -> FileKey {
    FileKey {
        project: demo(),
        path: path(name),
    }
}

pub(in crate::adapters::outbound) fn demo() -> ProjectId {
    project("ana", "demo")
}

/// The hash that is this hexadecimal digit 64 times.
pub(in crate::adapters::outbound) fn hash(digit: char) -> ContentHash {
    ContentHash::parse(&digit.to_string().repeat(64)).expect("valid")
}

/// A pull request of bob's for `ana/demo`.
pub(in crate::adapters::outbound) fn pull_request(
    id: u128,
    date: u64,
    files: &[&str],
    deleted: &[&str],
) -> PullRequest {
    let paths = |names: &[&str]| names.iter().map(|name| path(name)).collect();
    PullRequest {
        id: PullRequestId::from_u128(id),
        project: demo(),
        owner: UserName::parse("bob").expect("valid"),
        title: "A title \u{1f600} \"quoted\"".into(),
        description: "".into(),
        date: Timestamp::from_millis(date),
        files: paths(files),
        deleted: paths(deleted),
        bases: BTreeMap::new(),
        executable: BTreeMap::new(),
        deleted_bases: BTreeMap::new(),
    }
}

/// Asserts that a store gives this error and no other.
macro_rules! assert_says {
    ($result:expr, $error:pat) => {
        assert_says!($result, $error, "")
    };
    ($result:expr, $error:pat, $($context:tt)+) => {{
        let result = $result;
        assert!(
            matches!(result, Err($error)),
            "{} instead of {}: {:?}",
            match &result {
                Ok(_) => "success".to_owned(),
                Err(error) => format!("{error:?}"),
            },
            stringify!($error),
            format_args!($($context)+)
        );
    }};
}
pub(in crate::adapters::outbound) use assert_says;
