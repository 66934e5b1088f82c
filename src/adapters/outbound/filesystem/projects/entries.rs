//! What the server remembers of each project while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::projects::counter::Counter;
use crate::adapters::outbound::filesystem::projects::file_locks::FileLocks;
use crate::adapters::outbound::filesystem::projects::new_folders::NewFolders;
use crate::adapters::outbound::filesystem::projects::shared_reads::SharedReads;
use crate::adapters::outbound::filesystem::projects::versions::Versions;
use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::locks::lock;
use crate::application::ports::StoreError;
use crate::domain::ProjectId;

/// The projects that somebody has asked for and that exist. Nothing is remembered of names that
/// are no projects, or anybody could make the server grow.
#[derive(Debug)]
pub(crate) struct Entries {
    layout: Arc<Layout>,
    known: Mutex<HashMap<ProjectId, Arc<Entry>>>,
    /// Where projects wait that are not known yet.
    strangers: BlockingPool,
}

/// One project. All of it can be made anew.
#[derive(Debug)]
pub(crate) struct Entry {
    pub gate: BlockingPool,
    pub versions: Arc<Versions>,
    pub locks: Arc<FileLocks>,
    pub new_folders: NewFolders,
    pub reads: Arc<SharedReads>,
    counter: OnceCell<Arc<Counter>>,
}

impl Entries {
    pub fn new(layout: Arc<Layout>) -> Self {
        Self {
            layout,
            known: Mutex::default(),
            strangers: BlockingPool::new(),
        }
    }

    /// The gate for work that belongs to no known project.
    pub fn strangers(&self) -> &BlockingPool {
        &self.strangers
    }

    /// The entry of a project, if it exists.
    pub async fn of(&self, project: &ProjectId) -> Result<Arc<Entry>, StoreError> {
        if let Some(entry) = lock(&self.known).get(project) {
            return Ok(Arc::clone(entry));
        }
        let (layout, asked) = (Arc::clone(&self.layout), project.clone());
        let exists = move || layout.project(&asked).map(drop);
        self.strangers.run(exists).await?;
        let mut known = lock(&self.known);
        let entry = known.entry(project.clone());
        Ok(Arc::clone(entry.or_insert_with(|| {
            Arc::new(Entry::new(Arc::new(Versions::from_now())))
        })))
    }

    /// The project's folder is another from now on: what it holds is to be counted anew. Its
    /// versions go on.
    pub fn forget(&self, project: &ProjectId) {
        if let Some(entry) = lock(&self.known).get_mut(project) {
            *entry = Arc::new(Entry::new(Arc::clone(&entry.versions)));
        }
    }
}

impl Entry {
    fn new(versions: Arc<Versions>) -> Self {
        Self {
            gate: BlockingPool::new(),
            versions,
            locks: Arc::default(),
            new_folders: NewFolders::default(),
            reads: Arc::default(),
            counter: OnceCell::new(),
        }
    }

    /// What the project holds; counted once, and while that lasts nobody changes it.
    pub async fn counter(
        &self,
        layout: &Arc<Layout>,
        project: &ProjectId,
    ) -> Result<Arc<Counter>, StoreError> {
        let counting = || {
            let (layout, project) = (Arc::clone(layout), project.clone());
            self.gate.run(move || {
                let root = layout.project(&project)?;
                let counted = Counter::scan(&root).during("count a project's files")?;
                Ok(Arc::new(counted))
            })
        };
        let counter = self.counter.get_or_try_init(counting).await?;
        Ok(Arc::clone(counter))
    }
}
