//! The files of projects on disk.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::adapters::outbound::filesystem::pool::blocking_pool::{Batch, BlockingPool};
use crate::adapters::outbound::filesystem::projects::delete::delete;
use crate::adapters::outbound::filesystem::projects::entries::{Entries, Entry};
use crate::adapters::outbound::filesystem::projects::loaded::User;
use crate::adapters::outbound::filesystem::projects::read::Reading;
use crate::adapters::outbound::filesystem::projects::registry::Registry;
use crate::adapters::outbound::filesystem::projects::replace::Replacing;
use crate::adapters::outbound::filesystem::sandbox::durability::Durability;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::listing::list;
use crate::application::FileContent;
use crate::application::memory::MemoryBudget;
use crate::application::ports::{
    FilesBelow, InTurn, OpenFile, ProjectState, ProjectStore, StoreError, Wanted,
};
use crate::domain::{ContentHash, FilePath, ProjectEntry, ProjectId, ProjectQuota, Usage, Version};

/// Keeps each project in a folder of its own, `base/<user>/<project>`, with every file as it is;
/// and knows which of the folders there are projects.
///
/// What a project holds is in memory while it is in use: loaded by a walk of its folder,
/// and kept up to date with every write.
#[derive(Debug)]
pub struct FilesystemProjects {
    layout: Arc<Layout>,
    pub(crate) entries: Arc<Entries>,
    registry: Registry,
}

impl FilesystemProjects {
    pub(crate) fn new(layout: Arc<Layout>, budget: Arc<MemoryBudget>) -> Self {
        let entries = Entries::new(Arc::clone(&layout), budget);
        Self {
            registry: Registry::new(Arc::clone(&layout), Arc::clone(&entries)),
            layout,
            entries,
        }
    }

    /// Syncs of different files are best done in parallel; without syncs a change is quick.
    async fn run_change<T: Send + 'static>(
        &self,
        pool: &BlockingPool,
        change: impl FnOnce(&mut Batch) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.layout.durability {
            Durability::Fsync => pool.run(|| change(&mut Batch::default())).await,
            Durability::Rename => pool.run_quick(change).await,
        }
    }

    fn reading(&self, entry: Arc<Entry>, project: &ProjectId) -> Reading {
        Reading {
            layout: Arc::clone(&self.layout),
            entries: Arc::clone(&self.entries),
            entry,
            project: project.clone(),
        }
    }
}

#[async_trait]
impl ProjectStore for FilesystemProjects {
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        self.registry.state(project).await
    }

    async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.registry.register(project).await
    }

    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.registry.adopt(project).await
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        self.registry.projects().await
    }

    async fn put_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        content: FileContent,
        quota: ProjectQuota,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        let entry = self.entries.of(project).await?;
        let file = entry.locks.lock(path).await;
        let loaded = self.entries.load(&entry, project, User::Streamer).await?;
        let (layout, entries) = (Arc::clone(&self.layout), Arc::clone(&self.entries));
        let (project, path, pool) = (project.clone(), path.clone(), entry.writes.clone());
        let change = move |batch: &mut Batch| {
            let root = batch.root(|| entries.root(&project))?;
            let replacing = Replacing {
                layout: &layout,
                project: &loaded,
                versions: &entry.versions,
                new_folders: &entry.new_folders,
            };
            let version = replacing.run(&root, &path, &content, &quota)?;
            in_turn(version);
            drop(file);
            Ok(version)
        };
        self.run_change(&pool, change).await
    }

    async fn delete_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        let entry = self.entries.of(project).await?;
        let file = entry.locks.lock(path).await;
        let loaded = self.entries.load(&entry, project, User::Streamer).await?;
        let (layout, entries) = (Arc::clone(&self.layout), Arc::clone(&self.entries));
        let (project, path, pool) = (project.clone(), path.clone(), entry.writes.clone());
        let change = move |batch: &mut Batch| {
            if !wanted() {
                return Err(StoreError::NotFound);
            }
            let root = batch.root(|| entries.root(&project))?;
            let deleted = delete(&layout, &root, &path);
            if matches!(deleted, Ok(()) | Err(StoreError::NotFound)) {
                loaded.change(|project| project.remove(&path));
            }
            deleted?;
            let version = loaded.with(|project| entry.versions.next(project));
            in_turn(version);
            drop(file);
            Ok(version)
        };
        self.run_change(&pool, change).await
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let entry = self.entries.of(project).await?;
        let reading = self.reading(entry, project);
        let opened = reading.run(Arc::from([path.clone()]), 0, None).await?;
        opened.first().cloned().unwrap_or(Err(StoreError::NotFound))
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        let entry = self.entries.of(project).await?;
        let shared = Arc::clone(&entry.shared_reads);
        let reading = self.reading(entry, project);
        let opening = shared.join(paths, bytes, |paths, joinable| {
            async move { reading.run(paths, bytes, Some(joinable)).await }.boxed()
        });
        Ok(opening.await?.to_vec())
    }

    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError> {
        let entry = self.entries.of(project).await?;
        let loaded = self.entries.load(&entry, project, User::Reader).await?;
        let found = loaded.with(|project| project.get(path).copied());
        found.ok_or(StoreError::NotFound)
    }

    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        let entry = self.entries.of(project).await?;
        let loaded = self.entries.load(&entry, project, User::Reader).await?;
        loaded.with(|project| list(project, files, most))
    }

    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash) {
        let entry = self.entries.known(project);
        if let Some(loaded) = entry.and_then(|entry| entry.loaded(User::Reader)) {
            loaded.with(|project| project.note_hash(path, version, hash));
        }
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        let entry = self.entries.of(project).await?;
        let loaded = self.entries.load(&entry, project, User::Reader).await?;
        Ok(loaded.with(|project| project.usage()))
    }
}
