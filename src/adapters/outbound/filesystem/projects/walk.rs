//! Walks through the files of a folder.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::projects::listing::{Entry, list, sort};
use crate::adapters::outbound::filesystem::sandbox::error::{During, Looking, is_absent};
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::application::locks::lock;
use crate::application::ports::{FileWalk, StoreError};
use crate::domain::{FilePath, ProjectId};

/// A walk under way. It keeps the listings of the folders on its path, one per level, and no open
/// file: each folder is found anew from the top when the walk gets there.
pub(crate) struct Walk {
    layout: Arc<Layout>,
    gate: BlockingPool,
    project: ProjectId,
    steps: Arc<Mutex<Steps>>,
}

struct Steps {
    recursively: bool,
    /// The folders that the walk is in, the innermost last.
    levels: Vec<Level>,
    /// Found for a caller who did not wait for it.
    found: Vec<FilePath>,
}

struct Level {
    at: Option<FilePath>,
    /// What is still to come, the next one last.
    entries: Vec<Entry>,
}

impl Walk {
    /// Starts at the folder `at`; on a blocking thread.
    pub fn start(
        layout: &Arc<Layout>,
        gate: &BlockingPool,
        project: ProjectId,
        at: Option<FilePath>,
        recursively: bool,
    ) -> Result<Self, StoreError> {
        let root = layout.project(&project)?;
        let entries = entries(&root, at.as_ref()).looking("list a folder")?;
        Ok(Self {
            layout: Arc::clone(layout),
            gate: gate.clone(),
            project,
            steps: Arc::new(Mutex::new(Steps {
                recursively,
                levels: vec![Level { at, entries }],
                found: Vec::new(),
            })),
        })
    }
}

#[async_trait]
impl FileWalk for Walk {
    async fn next(&mut self, most: usize) -> Result<Vec<FilePath>, StoreError> {
        let (layout, project) = (Arc::clone(&self.layout), self.project.clone());
        let steps = Arc::clone(&self.steps);
        let walking = move || {
            let mut steps = lock(&steps);
            if steps.levels.is_empty() || steps.found.len() >= most {
                return Ok(());
            }
            match layout.project(&project) {
                Ok(root) => steps.walk(&root, most),
                // It has gone meanwhile, and its files with it.
                Err(StoreError::NotFound) => {
                    steps.levels.clear();
                    Ok(())
                }
                Err(error) => Err(error),
            }
        };
        self.gate.run(walking).await?;
        let mut steps = lock(&self.steps);
        let count = most.min(steps.found.len());
        Ok(steps.found.drain(..count).collect())
    }
}

impl Steps {
    fn walk(&mut self, root: &Folder, most: usize) -> Result<(), StoreError> {
        while self.found.len() < most
            && let Some(level) = self.levels.last_mut()
        {
            let Some(Entry { name, is_folder }) = level.entries.pop() else {
                self.levels.pop();
                continue;
            };
            let Ok(path) = FilePath::join(level.at.as_ref(), &name) else {
                continue;
            };
            if !is_folder {
                self.found.push(path);
            } else if self.recursively {
                match entries(root, Some(&path)) {
                    Ok(entries) => self.levels.push(Level {
                        at: Some(path),
                        entries,
                    }),
                    Err(error) if is_absent(error) => {}
                    // Asked again, the walk goes on behind it.
                    Err(error) => return Err(error).during("list a folder"),
                }
            }
        }
        Ok(())
    }
}

/// What the folder `at` holds, the first entry last.
fn entries(root: &Folder, at: Option<&FilePath>) -> rustix::io::Result<Vec<Entry>> {
    let folder = match at {
        Some(path) => root.descend(path.segments())?,
        None => root.clone(),
    };
    let mut entries = list(&folder)?;
    sort(&mut entries);
    entries.reverse();
    Ok(entries)
}
