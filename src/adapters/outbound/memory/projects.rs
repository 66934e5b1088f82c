//! Projects and their files in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::adapters::outbound::memory::source::StoredFile;
use crate::adapters::outbound::memory::walk::Walk;
use crate::application::FileContent;
use crate::application::locks::lock;
use crate::application::ports::{
    FileWalk, OpenFile, ProjectRegistry, ProjectState, ProjectStore, StoreError,
};
use crate::domain::{FilePath, ProjectId, ProjectQuota, Usage, Version};

/// Keeps projects for as long as it lives. Nothing lies there that it did not make, so nothing is
/// foreign.
#[derive(Debug, Default)]
pub struct MemoryProjects {
    projects: Projects,
}

pub(crate) type Projects = Arc<Mutex<HashMap<ProjectId, Project>>>;

/// A project; folders are where files are below them.
#[derive(Debug, Default)]
pub(crate) struct Project {
    pub files: BTreeMap<FilePath, StoredFile>,
    usage: Usage,
    last: u64,
}

impl MemoryProjects {
    fn with<T>(
        &self,
        project: &ProjectId,
        work: impl FnOnce(&mut Project) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut projects = lock(&self.projects);
        work(projects.get_mut(project).ok_or(StoreError::NotFound)?)
    }
}

impl Project {
    /// The files below `folder` (the project's own where there is none), those up to and including
    /// `after` left out.
    pub fn below(
        &self,
        folder: Option<&FilePath>,
        after: Option<&FilePath>,
    ) -> impl Iterator<Item = &FilePath> {
        let prefix = format!("{}/", folder.map_or("", FilePath::as_str));
        let start = after.map_or(prefix.clone(), ToString::to_string);
        self.files
            .range::<str, _>((Bound::Excluded(start.as_str()), Bound::Unbounded))
            .map(|(path, _)| path)
            .take_while(move |path| path.as_str().starts_with(&prefix))
    }

    fn is_blocked(&self, path: &FilePath) -> bool {
        let name = path.as_str();
        let file_on_the_way = name
            .match_indices('/')
            .skip(1)
            .any(|(end, _)| self.files.contains_key(&name[..end]));
        file_on_the_way || self.below(Some(path), None).next().is_some()
    }

    fn next_version(&mut self) -> Version {
        self.last += 1;
        Version::new(self.last)
    }
}

#[async_trait]
impl ProjectRegistry for MemoryProjects {
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

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        Ok(lock(&self.projects).keys().cloned().collect())
    }
}

#[async_trait]
impl ProjectStore for MemoryProjects {
    async fn put_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        content: FileContent,
        quota: ProjectQuota,
    ) -> Result<Version, StoreError> {
        let content = content.read().await?;
        self.with(project, |project| {
            let old = project.files.get(path);
            let old = old.map(|file| file.content.len() as u64);
            let usage = quota.replace(project.usage, old, content.len() as u64)?;
            if project.is_blocked(path) {
                return Err(StoreError::PathConflict);
            }
            project.usage = usage;
            let version = project.next_version();
            let file = StoredFile::new(version, content);
            project.files.insert(path.clone(), file);
            Ok(version)
        })
    }

    async fn delete_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<Version, StoreError> {
        self.with(project, |project| {
            let gone = project.files.remove(path).ok_or(StoreError::NotFound)?;
            project.usage.files -= 1;
            project.usage.bytes -= gone.content.len() as u64;
            Ok(project.next_version())
        })
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        self.with(project, |project| {
            let file = project.files.get(path);
            file.map(StoredFile::open).ok_or(StoreError::NotFound)
        })
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        _: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        // What is opened takes no memory here that it does not take already.
        self.with(project, |project| {
            let open = |path| {
                let file = project.files.get(path);
                file.map(StoredFile::open).ok_or(StoreError::NotFound)
            };
            Ok(paths.iter().map(open).collect())
        })
    }

    async fn walk(
        &self,
        project: &ProjectId,
        folder: Option<FilePath>,
        recursively: bool,
    ) -> Result<Box<dyn FileWalk>, StoreError> {
        self.with(project, |project| {
            if folder.is_some() && project.below(folder.as_ref(), None).next().is_none() {
                return Err(StoreError::NotFound);
            }
            Ok(())
        })?;
        let projects = Arc::clone(&self.projects);
        let walk = Walk::new(projects, project.clone(), folder, recursively);
        Ok(Box::new(walk))
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        self.with(project, |project| Ok(project.usage))
    }
}
