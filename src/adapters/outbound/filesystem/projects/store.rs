//! The files of projects on disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::adapters::outbound::filesystem::pool::quick::Batch;
use crate::adapters::outbound::filesystem::projects::delete::delete;
use crate::adapters::outbound::filesystem::projects::entries::{Entries, Entry};
use crate::adapters::outbound::filesystem::projects::read::Reading;
use crate::adapters::outbound::filesystem::projects::registry;
use crate::adapters::outbound::filesystem::projects::replace::Replacing;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::{Durability, Layout};
use crate::adapters::outbound::listing::list;
use crate::adapters::outbound::loaded_project::{LoadedProject, User};
use crate::application::locks::lock;
use crate::application::memory::MemoryBudget;
use crate::application::ports::{
    FilesBelow, InTurn, OpenFile, ProjectState, ProjectStore, PutInTurn, Rescanned, StoreError,
    TellRemoved, TellRescanned, Wanted,
};
use crate::application::{FileContent, FileKey};
use crate::domain::{
    ContentHash, FilePath, Project, ProjectEntry, ProjectId, ProjectQuota, Revision, Usage,
    UserName, Version,
};

/// Keeps each project in a folder of its own, `base/<user>/<project>`, with every file as it is;
/// and knows which of the folders there are projects.
///
/// What a project holds is in memory while it is in use: loaded by a walk of its folder,
/// and kept up to date with every write.
pub(crate) struct FilesystemProjects {
    layout: Arc<Layout>,
    pub(crate) entries: Arc<Entries>,
    /// Held while a project is created or adopted.
    registering: Arc<Mutex<()>>,
}

/// What a change of a file works with.
struct Changing<'a> {
    layout: &'a Layout,
    entry: &'a Entry,
    loaded: &'a LoadedProject,
    path: &'a FilePath,
    /// The project's folder.
    root: Folder,
}

impl FilesystemProjects {
    pub(crate) fn new(layout: Arc<Layout>, budget: Arc<MemoryBudget>) -> Self {
        let entries = Entries::new(Arc::clone(&layout), budget);
        Self {
            layout,
            entries,
            registering: Arc::default(),
        }
    }

    /// Carries out a change of a file in its turn. Syncs of different files are best done in
    /// parallel; without syncs a change is quick.
    async fn change_file(
        &self,
        project: &ProjectId,
        path: &FilePath,
        change: impl FnOnce(Changing<'_>) -> Result<Version, StoreError> + Send + 'static,
    ) -> Result<Version, StoreError> {
        let entry = self.entries.of(project).await?;
        let shared = Arc::clone(&entry.is_removed).read_owned().await;
        if *shared {
            return Err(StoreError::NotFound);
        }
        let file = entry.locks.lock(path).await;
        let loaded = self.entries.load(&entry, project, User::Streamer).await?;
        let (layout, entries) = (Arc::clone(&self.layout), Arc::clone(&self.entries));
        let (project, path, pool) = (project.clone(), path.clone(), entry.writes.clone());
        let work = move |batch: &mut Batch| {
            let changed = change(Changing {
                layout: &layout,
                entry: &entry,
                loaded: &loaded,
                path: &path,
                root: batch.root(|| entries.root(&project))?,
            });
            drop((file, shared));
            changed
        };
        match self.layout.durability {
            Durability::Fsync => pool.run(|| work(&mut Batch::default())).await,
            Durability::Rename => pool.run_quick(work).await,
        }
    }

    /// Runs `change`, which changes the set of projects, while no other such change runs.
    async fn change_projects<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Layout) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (layout, registering) = (Arc::clone(&self.layout), Arc::clone(&self.registering));
        let work = move || {
            let _alone = lock(&registering);
            change(&layout)
        };
        self.entries.common.run(work).await
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

/// What differs between a project as it was known and as it is.
fn differences(before: Option<&LoadedProject>, now: &LoadedProject) -> Vec<(FilePath, Rescanned)> {
    let all = |project: &mut Project| {
        let files = project.below(None, None, true);
        let files = files.map(|(path, entry)| (path.clone(), *entry));
        files.collect::<BTreeMap<_, _>>()
    };
    let before = before.map(|before| before.with(all)).unwrap_or_default();
    let now = now.with(all);
    let gone = before.keys().filter(|path| !now.contains_key(*path));
    let gone = gone.map(|path| (path.clone(), Rescanned::Gone));
    let is_known = |path: &FilePath, entry: &ProjectEntry| {
        let known = before.get(path);
        known.is_some_and(|known| known.is_same_state(entry))
    };
    let changed = now.iter().filter(|(path, entry)| !is_known(path, entry));
    let changed = changed.map(|(path, entry)| (path.clone(), Rescanned::Changed(*entry)));
    // First what is gone: a file may be where a folder was.
    gone.chain(changed).collect()
}

#[async_trait]
impl ProjectStore for FilesystemProjects {
    async fn state(&self, project: &ProjectId) -> Result<ProjectState, StoreError> {
        let (layout, asked) = (Arc::clone(&self.layout), project.clone());
        let look = move |_: &mut Batch| registry::state(&layout, &asked);
        let found = self.entries.common.run_quick(look).await?;
        if found != ProjectState::Registered {
            // An operator has removed it: nothing that is known about it is true any more.
            self.entries.forget(project);
        }
        Ok(found)
    }

    async fn register(&self, project: &ProjectId) -> Result<(), StoreError> {
        let asked = project.clone();
        let register = move |layout: &Layout| registry::register(layout, &asked);
        if self.change_projects(register).await? {
            self.entries.forget(project);
        }
        Ok(())
    }

    async fn adopt(&self, project: &ProjectId) -> Result<(), StoreError> {
        let asked = project.clone();
        let adopt = move |layout: &Layout| registry::adopt(layout, &asked);
        self.change_projects(adopt).await?;
        self.entries.forget(project);
        Ok(())
    }

    async fn adopt_user(&self, user: &UserName) -> Result<(), StoreError> {
        let user = user.clone();
        let adopt = move |layout: &Layout| registry::adopt_user(layout, &user);
        self.change_projects(adopt).await
    }

    async fn remove(&self, project: &ProjectId, mut tell: TellRemoved) -> Result<(), StoreError> {
        let entry = self.entries.of(project).await?;
        let mut alone = Arc::clone(&entry.is_removed).write_owned().await;
        let loaded = self.entries.load(&entry, project, User::Streamer).await?;
        let (layout, entries) = (Arc::clone(&self.layout), Arc::clone(&self.entries));
        let (registering, project) = (Arc::clone(&self.registering), project.clone());
        let (versions, pool) = (Arc::clone(&entry.versions), entry.writes.clone());
        let remove = move || {
            let registering = lock(&registering);
            registry::remove(&layout, &project)?;
            *alone = true;
            entries.forget(&project);
            drop(registering);
            let mut files = FilesBelow::all();
            loop {
                let next = loaded.with(|project| list(project, &files, usize::MAX))?;
                let Some((last, _)) = next.last() else {
                    break;
                };
                files.after = Some(last.clone());
                for (path, _) in next {
                    tell(path, loaded.with(|project| versions.next(project)));
                }
            }
            drop(alone);
            Ok(())
        };
        pool.run(remove).await
    }

    async fn rescan(&self, project: &ProjectId, mut tell: TellRescanned) -> Result<(), StoreError> {
        let (entries, project) = (Arc::clone(&self.entries), project.clone());
        // A task of its own: what has been found out must be told, even if nobody waits any more.
        let work = tokio::spawn(async move {
            let entry = entries.of(&project).await?;
            let alone = Arc::clone(&entry.is_removed).write_owned().await;
            if *alone {
                return Err(StoreError::NotFound);
            }
            entry.versions.reach_now();
            let (before, now) = entries.reload(&entry, &project).await?;
            for (path, rescanned) in differences(before.as_deref(), &now) {
                let version = now.with(|project| entry.versions.next(project));
                tell(path, version, rescanned);
            }
            Ok(())
        });
        work.await.map_err(StoreError::failed)?
    }

    async fn projects(&self) -> Result<Vec<ProjectId>, StoreError> {
        let layout = Arc::clone(&self.layout);
        let list = move || registry::projects(&layout);
        self.entries.common.run(list).await
    }

    fn loaded(&self) -> usize {
        self.entries.loaded()
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
        let put = move |changing: Changing<'_>| {
            let replacing = Replacing {
                layout: changing.layout,
                project: changing.loaded,
                versions: &changing.entry.versions,
                new_folders: &changing.entry.new_folders,
            };
            let put = replacing.run(&changing.root, changing.path, &content, executable, &quota)?;
            in_turn(put);
            Ok(put.version)
        };
        self.change_file(&file.project, &file.path, put).await
    }

    async fn delete_file(
        &self,
        file: &FileKey,
        _: Instant,
        wanted: Wanted,
        in_turn: InTurn,
    ) -> Result<Version, StoreError> {
        let delete = move |changing: Changing<'_>| {
            if !wanted() {
                return Err(StoreError::NotFound);
            }
            let (path, loaded) = (changing.path, changing.loaded);
            let deleted = delete(changing.layout, &changing.root, path);
            if matches!(deleted, Ok(()) | Err(StoreError::NotFound)) {
                loaded.change(|project| project.remove(path));
            }
            deleted?;
            let version = loaded.with(|project| changing.entry.versions.next(project));
            in_turn(version);
            Ok(version)
        };
        self.change_file(&file.project, &file.path, delete).await
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
        let loaded = self.entries.for_reader(project).await?;
        let found = loaded.with(|project| project.get(path).copied());
        found.ok_or(StoreError::NotFound)
    }

    async fn files_below(
        &self,
        project: &ProjectId,
        files: &FilesBelow,
        most: usize,
    ) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
        let loaded = self.entries.for_reader(project).await?;
        loaded.with(|project| list(project, files, most))
    }

    fn note_hash(&self, project: &ProjectId, path: &FilePath, version: Version, hash: ContentHash) {
        let entry = self.entries.known(project);
        if let Some(loaded) = entry.and_then(|entry| entry.loaded(User::Reader)) {
            loaded.with(|project| project.note_hash(path, version, hash));
        }
    }

    async fn revision(&self, project: &ProjectId) -> Result<Revision, StoreError> {
        let loaded = self.entries.for_reader(project).await?;
        Ok(loaded.revision())
    }

    async fn usage(&self, project: &ProjectId) -> Result<Usage, StoreError> {
        let loaded = self.entries.for_reader(project).await?;
        Ok(loaded.with(|project| project.usage()))
    }
}
