//! What the server remembers about each project while it is in use.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use crate::adapters::outbound::change_order::FileLocks;
use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::pool::quick::Batch;
use crate::adapters::outbound::filesystem::projects::load::{Progress, Walk};
use crate::adapters::outbound::filesystem::projects::new_folders::NewFolders;
use crate::adapters::outbound::filesystem::projects::shared_reads::SharedReads;
use crate::adapters::outbound::filesystem::projects::versions::LastVersion;
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::loaded_project::{LoadedProject, ProjectMemory, Share, User};
use crate::application::locks::lock;
use crate::application::memory::MemoryBudget;
use crate::application::ports::StoreError;
use crate::application::{DiskCounts, DiskWork};
use crate::domain::ProjectId;

/// How long an unused project stays in memory.
const UNUSED: Duration = Duration::from_secs(5 * 60);

/// How long a reader's load waits for memory. A streamer may wait behind it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The existing projects that are in use. Nothing is remembered about names that are not projects;
/// otherwise anybody could make the server's memory grow.
pub(crate) struct Entries {
    layout: Arc<Layout>,
    known: Mutex<HashMap<ProjectId, Arc<Entry>>>,
    memory: Arc<ProjectMemory>,
    versions: Arc<LastVersion>,
    /// For work that belongs to no known project.
    pub common: BlockingPool,
}

/// One project. All of it can be rebuilt.
pub(crate) struct Entry {
    /// A streamer's writes never wait behind others' reads, so each has its own threads.
    pub writes: BlockingPool,
    pub reads: BlockingPool,
    pub versions: Arc<LastVersion>,
    pub locks: Arc<FileLocks>,
    /// Held shared by all changes under way, and alone while the project is removed.
    pub is_removed: Arc<tokio::sync::RwLock<bool>>,
    pub new_folders: NewFolders,
    pub shared_reads: Arc<SharedReads>,
    loaded: Mutex<Option<Arc<LoadedProject>>>,
    /// Held while the project is loaded.
    loading: Arc<tokio::sync::Mutex<()>>,
}

impl Entries {
    pub fn new(layout: Arc<Layout>, budget: Arc<MemoryBudget>) -> Arc<Self> {
        Arc::new_cyclic(|own: &Weak<Self>| {
            let own = Weak::clone(own);
            budget.add_reclaim(move || own.upgrade().is_some_and(|entries| entries.make_room()));
            Self {
                common: BlockingPool::shared(DiskWork::Projects, &layout.disk),
                layout,
                known: Mutex::default(),
                memory: Arc::new(ProjectMemory {
                    budget,
                    readers: AtomicUsize::new(0),
                }),
                versions: Arc::new(LastVersion::from_now()),
            }
        })
    }

    /// The entry of a project, if it exists.
    pub async fn of(&self, project: &ProjectId) -> Result<Arc<Entry>, StoreError> {
        if let Some(entry) = lock(&self.known).get(project) {
            return Ok(Arc::clone(entry));
        }
        let (layout, asked) = (Arc::clone(&self.layout), project.clone());
        let exists = move |_: &mut Batch| layout.project(&asked).map(drop);
        self.common.run_quick(exists).await?;
        let mut known = lock(&self.known);
        let entry = known.entry(project.clone());
        Ok(Arc::clone(entry.or_insert_with(|| {
            Arc::new(Entry::new(Arc::clone(&self.versions), &self.layout.disk))
        })))
    }

    /// The entry of a project that is known already.
    pub fn known(&self, project: &ProjectId) -> Option<Arc<Entry>> {
        lock(&self.known).get(project).cloned()
    }

    /// How many projects are in memory.
    pub fn loaded(&self) -> usize {
        let known = lock(&self.known);
        let entries = known.values();
        entries
            .filter(|entry| lock(&entry.loaded).is_some())
            .count()
    }

    /// Opens the folder of a project. If it is gone, what is known about it is discarded.
    pub fn root(&self, project: &ProjectId) -> Result<Folder, StoreError> {
        let root = self.layout.project(project);
        if matches!(root, Err(StoreError::NotFound))
            || (root.is_err() && self.layout.must_be_there().is_err())
        {
            self.forget(project);
        }
        root
    }

    /// Notes that the project's folder was replaced or removed: it must be loaded again.
    pub fn forget(&self, project: &ProjectId) {
        lock(&self.known).remove(project);
    }

    /// The project in memory; loaded once, for all callers.
    ///
    /// # Errors
    /// `NotFound` if the project is gone; `Unavailable` if a reader finds no room for it; `Failed`.
    pub async fn load(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        project: &ProjectId,
        user: User,
    ) -> Result<Arc<LoadedProject>, StoreError> {
        if let Some(loaded) = entry.loaded(user) {
            return Ok(loaded);
        }
        let alone = Arc::clone(&entry.loading).lock_owned().await;
        if let Some(loaded) = entry.loaded(user) {
            return Ok(loaded);
        }
        // The load runs in its own task: a streamer may be waiting for it as well, even if a reader
        // started it.
        let loaded = {
            let (own, entry, project) = (Arc::clone(self), Arc::clone(entry), project.clone());
            let loading = async move {
                let _alone = alone;
                own.load_now(&entry, &project, user).await
            };
            tokio::spawn(loading).await.map_err(StoreError::failed)??
        };
        loaded.touch(user);
        let own = Arc::downgrade(self);
        tokio::spawn(let_go(own, project.clone(), Arc::downgrade(&loaded)));
        Ok(loaded)
    }

    /// Loads a project for a reader that needs nothing else of its entry.
    ///
    /// # Errors
    /// Those of [`of`](Self::of) and [`load`](Self::load).
    pub async fn for_reader(
        self: &Arc<Self>,
        project: &ProjectId,
    ) -> Result<Arc<LoadedProject>, StoreError> {
        let entry = self.of(project).await?;
        self.load(&entry, project, User::Reader).await
    }

    /// Loads the project anew. The caller must keep all changes away meanwhile. Returns the project
    /// that was in memory before, if any, and the new one.
    ///
    /// # Errors
    /// `NotFound` if the project is gone; `Failed`.
    pub async fn reload(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        project: &ProjectId,
    ) -> Result<(Option<Arc<LoadedProject>>, Arc<LoadedProject>), StoreError> {
        let before = lock(&entry.loaded).take();
        let now = self.load(entry, project, User::Streamer).await?;
        Ok((before, now))
    }

    /// Loads the project, unloading the least recently used ones if necessary.
    async fn load_now(
        self: &Arc<Self>,
        entry: &Entry,
        project: &ProjectId,
        user: User,
    ) -> Result<Arc<LoadedProject>, StoreError> {
        loop {
            match self.walk(entry, project, user).await {
                Ok(Some(loaded)) => {
                    let loaded = Arc::new(loaded);
                    *lock(&entry.loaded) = Some(Arc::clone(&loaded));
                    return Ok(loaded);
                }
                Ok(None) => return Err(StoreError::Unavailable),
                Err(StoreError::Unavailable) if self.make_room() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Walks the project's folder. A reader's walk waits for memory when there is none, so that
    /// what it loads does not come on top of what connections hold. Returns `None` if no memory
    /// comes free.
    async fn walk(
        self: &Arc<Self>,
        entry: &Entry,
        project: &ProjectId,
        user: User,
    ) -> Result<Option<LoadedProject>, StoreError> {
        let start = {
            let (own, project) = (Arc::clone(self), project.clone());
            move || {
                let share = Share::new(&own.memory, user);
                Walk::new(own.root(&project)?, Arc::clone(&own.versions), share).go_on()
            }
        };
        let mut progress = entry.writes.run(start).await?;
        loop {
            match progress {
                Progress::Done(loaded) => return Ok(Some(loaded)),
                Progress::Paused(walk) => {
                    if timeout(PATIENCE, self.memory.room()).await.is_err() {
                        return Ok(None);
                    }
                    progress = entry.writes.run(|| walk.go_on()).await?;
                }
            }
        }
    }

    /// Unloads the least recently used project, except those that are in use or that their
    /// streamers have written to lately. Returns whether there was one.
    fn make_room(&self) -> bool {
        let recently = Instant::now().checked_sub(UNUSED);
        let known = lock(&self.known);
        let mut unused: Vec<_> = known
            .values()
            .filter_map(|entry| {
                let loaded = lock(&entry.loaded);
                let loaded = loaded.as_ref()?;
                let is_written = recently.is_none_or(|since| loaded.is_written_since(since));
                (!is_written).then(|| (loaded.last_used(), Arc::clone(entry)))
            })
            .collect();
        drop(known);
        unused.sort_unstable_by_key(|(used, _)| *used);
        unused.iter().any(|(_, entry)| entry.unload())
    }

    /// Forgets everything about a project that is no longer in use.
    fn drop_unused(&self, project: &ProjectId) {
        let mut known = lock(&self.known);
        // The count is exact: others take a reference only under the lock that we hold.
        if known
            .get(project)
            .is_some_and(|entry| Arc::strong_count(entry) == 1 && lock(&entry.loaded).is_none())
        {
            known.remove(project);
        }
    }
}

/// Unloads a project once it has not been used for long enough.
async fn let_go(entries: Weak<Entries>, project: ProjectId, loaded: Weak<LoadedProject>) {
    while let Some(until) = loaded.upgrade().map(|loaded| loaded.last_used() + UNUSED) {
        // At least a second: if somebody uses the project for longer than that, this tries again.
        sleep_until(until.max(Instant::now() + Duration::from_secs(1))).await;
        let Some(entries) = entries.upgrade() else {
            return;
        };
        let unused = loaded.upgrade().map(|loaded| loaded.last_used().elapsed());
        if unused.is_some_and(|unused| unused >= UNUSED)
            && let Some(entry) = entries.known(&project)
        {
            entry.unload();
        }
    }
    if let Some(entries) = entries.upgrade() {
        entries.drop_unused(&project);
    }
}

impl Entry {
    fn new(versions: Arc<LastVersion>, disk: &Arc<DiskCounts>) -> Self {
        Self {
            writes: BlockingPool::changes(DiskWork::Writes, disk),
            reads: BlockingPool::reads(DiskWork::Reads, disk),
            versions,
            locks: Arc::default(),
            is_removed: Arc::default(),
            new_folders: NewFolders::default(),
            shared_reads: Arc::default(),
            loaded: Mutex::default(),
            loading: Arc::default(),
        }
    }

    /// The project, if it is in memory; notes that it is used.
    pub fn loaded(&self, user: User) -> Option<Arc<LoadedProject>> {
        let loaded = lock(&self.loaded).clone()?;
        loaded.touch(user);
        Some(loaded)
    }

    /// Unloads the project, unless it is in use. Returns whether it did.
    fn unload(&self) -> bool {
        let mut slot = lock(&self.loaded);
        // The count is exact: others take a reference only under the lock that we hold.
        let is_free = slot
            .as_ref()
            .is_some_and(|loaded| Arc::strong_count(loaded) == 1);
        if is_free {
            *slot = None;
        }
        is_free
    }
}
