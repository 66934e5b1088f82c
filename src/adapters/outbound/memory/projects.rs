//! Projects and their files in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::time::Instant;

use crate::adapters::outbound::listing::list;
use crate::adapters::outbound::system::{now_nanos, random_number};
use crate::application::locks::lock;
use crate::application::ports::{
    FilesBelow, InTurn, OpenFile, ProjectState, ProjectStore, PutInTurn, StoreError, TellRemoved,
    TellRescanned, Wanted,
};
use crate::application::{FileContent, FileKey};
use crate::domain::{
    ContentHash, FilePath, Project, ProjectEntry, ProjectId, ProjectQuota, Revision, Timestamp,
    Usage, UserName, Version,
};

/// Keeps projects as long as it lives. It contains only what it created itself, so nothing is
/// foreign.
#[derive(Debug, Default)]
pub(crate) struct MemoryProjects {
    projects: Mutex<HashMap<ProjectId, Arc<Mutex<Stored>>>>,
}

/// A project and the contents of its files.
#[derive(Debug)]
struct Stored {
    project: Project,
    /// Differs from that of every other project.
    origin: u64,
    /// A removed project has no files any more, though somebody may still hold it.
    is_removed: bool,
    files: HashMap<FilePath, OpenFile>,
}

impl MemoryProjects {
    /// Does `work` alone with the project, so that the consequences of one change come before the
    /// next.
    fn with<T>(
        &self,
        project: &ProjectId,
        work: impl FnOnce(&mut Stored) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let stored = lock(&self.projects).get(project).cloned();
        let stored = stored.ok_or(StoreError::NotFound)?;
        let mut stored = lock(&*stored);
        if stored.is_removed {
            return Err(StoreError::NotFound);
        }
        work(&mut stored)
    }
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            project: Project::default(),
            origin: random_number(),
            is_removed: false,
            files: HashMap::new(),
        }
    }
}

impl Stored {
    fn put(
        &mut self,
        path: &FilePath,
        content: Bytes,
        executable: Option<bool>,
        quota: &ProjectQuota,
    ) -> Result<ProjectEntry, StoreError> {
        let bytes = content.len() as u64;
        let put = self.project.begin_put(path, bytes, quota)?;
        let now = now_nanos();
        let version = self.project.next_version(now);
        let modified = Timestamp::from_millis(now / 1_000_000);
        let executable = executable.unwrap_or_else(|| self.project.is_executable(path));
        self.project
            .complete_put(put, version, modified, executable);
        let source = Arc::new(content);
        let file = OpenFile {
            version,
            bytes,
            modified,
            executable,
            source,
        };
        let entry = file.entry();
        self.files.insert(path.clone(), file);
        Ok(entry)
    }

    fn open(&self, path: &FilePath) -> Result<OpenFile, StoreError> {
        self.files.get(path).cloned().ok_or(StoreError::NotFound)
    }
}

#[async_trait]
impl ProjectStore for MemoryProjects {
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        if lock(&self.projects).contains_key(project) {
            Ok(ProjectState::Registered)
        } else {
            Ok(ProjectState::Absent)
        }
    }

    async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        lock(&self.projects).entry(project.clone()).or_default();
        Ok(())
    }

    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        self.with(project, |_| Ok(()))
    }

    async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError> {
        let projects = lock(&self.projects);
        let theirs = projects.keys().find(|project| project.streamer == *user);
        theirs.map(drop).ok_or(StoreError::NotFound)
    }

    async fn remove(&self, project: &ProjectId, mut tell: TellRemoved) -> Result<(), StoreError> {
        let stored = lock(&self.projects).remove(project);
        let stored = stored.ok_or(StoreError::NotFound)?;
        let mut stored = lock(&*stored);
        stored.is_removed = true;
        for (path, _) in std::mem::take(&mut stored.files) {
            let version = stored.project.next_version(now_nanos());
            tell(path, version);
        }
        Ok(())
    }

    async fn rescan(&self, project: &ProjectId, _: TellRescanned) -> Result<(), StoreError> {
        // Nobody else can change it.
        self.with(project, |_| Ok(()))
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        Ok(lock(&self.projects).keys().cloned().collect())
    }

    fn loaded(&self) -> usize {
        lock(&self.projects).len()
    }

    async fn put_file(
        &self,
        file: &FileKey,
        _: Instant,
        content: FileContent,
        executable: Option<bool>,
        quota: ProjectQuota,
        in_turn: PutInTurn,
    ) -> Result<Version, StoreError> {
        let content = content.read().await?;
        self.with(&file.project, |stored| {
            let entry = stored.put(&file.path, content, executable, &quota)?;
            in_turn(entry);
            Ok(entry.version)
        })
    }

    async fn delete_file(
        &self,
        file: &FileKey,
        _: Instant,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        self.with(&file.project, |stored| {
            if stored.project.get(&file.path).is_none() || !wanted() {
                return Err(StoreError::NotFound);
            }
            stored.project.remove(&file.path);
            stored.files.remove(&file.path);
            let version = stored.project.next_version(now_nanos());
            in_turn(version);
            Ok(version)
        })
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        self.with(project, |stored| stored.open(path))
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        _: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        // Opening a file takes no memory here beyond what the file takes already.
        self.with(project, |stored| {
            Ok(paths.iter().map(|path| stored.open(path)).collect())
        })
    }

    async fn find_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<ProjectEntry, StoreError> {
        self.with(project, |stored| {
            let entry = stored.project.get(path);
            entry.copied().ok_or(StoreError::NotFound)
        })
    }

    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        self.with(project, |stored| list(&stored.project, files, most))
    }

    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash) {
        // If the project is gone, there is nothing to remember.
        let _ = self.with(project, |stored| {
            stored.project.note_hash(path, version, hash);
            Ok(())
        });
    }

    async fn revision(&self, project: &ProjectId) -> Result<Revision, StoreError> {
        self.with(project, |stored| {
            Ok(Revision {
                origin: stored.origin,
                changes: stored.project.changes(),
            })
        })
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        self.with(project, |stored| Ok(stored.project.usage()))
    }
}
