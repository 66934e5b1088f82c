//! The files of projects on disk.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::adapters::outbound::filesystem::Durability;
use crate::adapters::outbound::filesystem::pool::blocking_pool::{Batch, BlockingPool};
use crate::adapters::outbound::filesystem::projects::delete::delete;
use crate::adapters::outbound::filesystem::projects::entries::{Entries, Entry};
use crate::adapters::outbound::filesystem::projects::open_file;
use crate::adapters::outbound::filesystem::projects::replace::{Replacing, split};
use crate::adapters::outbound::filesystem::projects::walk::Walk;
use crate::adapters::outbound::filesystem::sandbox::error::Looking;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::FileContent;
use crate::application::ports::{FileWalk, OpenFile, ProjectStore, StoreError};
use crate::domain::{FilePath, ProjectId, ProjectQuota, Usage, Version};

/// Keeps each project in a folder of its own, `base/<user>/<project>`, file by file as it is; and
/// knows which of the folders there are projects.
#[derive(Debug)]
pub struct FilesystemProjects {
    pub(crate) layout: Arc<Layout>,
    pub(crate) entries: Entries,
    /// Held while a project is made, so that two who make the same one do not take each other's
    /// folder for a stranger's.
    pub(crate) registering: Arc<std::sync::Mutex<()>>,
}

impl FilesystemProjects {
    pub(crate) fn new(layout: Arc<Layout>) -> Self {
        Self {
            entries: Entries::new(Arc::clone(&layout)),
            layout,
            registering: Arc::default(),
        }
    }

    /// Syncs of different files are best waited for side by side; without them a change is quick.
    async fn run_change<T: Send + 'static>(
        &self,
        gate: &BlockingPool,
        change: impl FnOnce(&mut Batch) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.layout.durability {
            Durability::Fsync => gate.run(|| change(&mut Batch::default())).await,
            Durability::Rename => gate.run_quick(change).await,
        }
    }
}

#[async_trait]
impl ProjectStore for FilesystemProjects {
    async fn put_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        content: FileContent,
        quota: ProjectQuota,
    ) -> Result<Version, StoreError> {
        let entry = self.entries.of(project).await?;
        let counter = entry.counter(&self.layout, project).await?;
        let file = entry.locks.lock(path).await;
        let (layout, project, path) = (Arc::clone(&self.layout), project.clone(), path.clone());
        let gate = entry.gate.clone();
        let change = move |burst: &mut Batch| {
            let root = burst.root(|| layout.project(&project))?;
            let replacing = Replacing {
                layout: &layout,
                counter: &counter,
                versions: &entry.versions,
                new_folders: &entry.new_folders,
            };
            let replaced = replacing.run(&root, &path, &content, quota);
            drop(file);
            replaced
        };
        self.run_change(&gate, change).await
    }

    async fn delete_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<Version, StoreError> {
        let entry = self.entries.of(project).await?;
        let counter = entry.counter(&self.layout, project).await?;
        let file = entry.locks.lock(path).await;
        let (layout, project, path) = (Arc::clone(&self.layout), project.clone(), path.clone());
        let gate = entry.gate.clone();
        let change = move |burst: &mut Batch| {
            let root = burst.root(|| layout.project(&project))?;
            let deleted = delete(&layout, &counter, &root, &path);
            let version = deleted.map(|()| entry.versions.next());
            drop(file);
            version
        };
        self.run_change(&gate, change).await
    }

    async fn open_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
    ) -> Result<OpenFile, StoreError> {
        let entry = self.entries.of(project).await?;
        let (layout, project, path) = (Arc::clone(&self.layout), project.clone(), path.clone());
        let gate = entry.gate.clone();
        gate.run_quick(move |burst| {
            let root = burst.root(|| layout.project(&project))?;
            open(&root, &path, &entry)
        })
        .await
    }

    async fn open_files(
        &self,
        project: &ProjectId,
        paths: &[FilePath],
        bytes: u64,
    ) -> Result<Vec<Result<OpenFile, StoreError>>, StoreError> {
        let entry = self.entries.of(project).await?;
        let (layout, project) = (Arc::clone(&self.layout), project.clone());
        let opening = entry.reads.join(paths, bytes, |paths, joinable| {
            let entry = Arc::clone(&entry);
            let read = async move {
                let gate = entry.gate.clone();
                let read = move |burst: &mut Batch| {
                    drop(joinable);
                    let root = burst.root(|| layout.project(&project))?;
                    Ok(open_some(&root, &paths, bytes, &entry))
                };
                gate.run_quick(read).await
            };
            read.boxed()
        });
        Ok(opening.await?.to_vec())
    }

    async fn walk(
        &self,
        project: &ProjectId,
        folder: Option<FilePath>,
        recursively: bool,
    ) -> Result<Box<dyn FileWalk>, StoreError> {
        let entry = self.entries.of(project).await?;
        let (layout, project) = (Arc::clone(&self.layout), project.clone());
        let gate = entry.gate.clone();
        gate.run(move || {
            let walk = Walk::start(&layout, &entry.gate, project, folder, recursively)?;
            Ok(Box::new(walk) as Box<dyn FileWalk>)
        })
        .await
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        let entry = self.entries.of(project).await?;
        let counter = entry.counter(&self.layout, project).await?;
        let (layout, project) = (Arc::clone(&self.layout), project.clone());
        // The counter may outlive the project.
        let exists = move || layout.project(&project).map(drop);
        entry.gate.run(exists).await?;
        Ok(counter.usage())
    }
}

/// Opens the first of `paths` until they make so many bytes.
fn open_some(
    root: &Folder,
    paths: &[FilePath],
    bytes: u64,
    entry: &Entry,
) -> Arc<[Result<OpenFile, StoreError>]> {
    let (mut opened, mut sum) = (Vec::new(), 0);
    for path in paths {
        let file = open(root, path, entry);
        sum += file.as_ref().map_or(0, |file| file.bytes);
        opened.push(file);
        if sum >= bytes {
            break;
        }
    }
    opened.into()
}

/// Opens a file of the project whose folder is `root`.
fn open(root: &Folder, path: &FilePath, entry: &Entry) -> Result<OpenFile, StoreError> {
    let (parents, name) = split(path);
    let file = root
        .descend(parents)
        .and_then(|folder| folder.file_and_metadata(name));
    let file = file.looking("open a file")?;
    open_file::open(file, entry.gate.clone(), |file| entry.versions.of(file))
}
