//! Walks through the files in memory.

use async_trait::async_trait;

use crate::adapters::outbound::memory::projects::Projects;
use crate::application::locks::lock;
use crate::application::ports::{FileWalk, StoreError};
use crate::domain::{FilePath, ProjectId};

/// A walk under way: it remembers the last file met.
pub(crate) struct Walk {
    projects: Projects,
    project: ProjectId,
    folder: Option<FilePath>,
    recursively: bool,
    last: Option<FilePath>,
}

impl Walk {
    pub fn new(
        projects: Projects,
        project: ProjectId,
        folder: Option<FilePath>,
        recursively: bool,
    ) -> Self {
        Self {
            projects,
            project,
            folder,
            recursively,
            last: None,
        }
    }
}

#[async_trait]
impl FileWalk for Walk {
    async fn next(&mut self, most: usize) -> Result<Vec<FilePath>, StoreError> {
        let projects = lock(&self.projects);
        let Some(project) = projects.get(&self.project) else {
            return Ok(Vec::new());
        };
        let above = self
            .folder
            .as_ref()
            .map_or(0, |folder| folder.as_str().len());
        let found: Vec<_> = project
            .below(self.folder.as_ref(), self.last.as_ref())
            .filter(|path| self.recursively || !path.as_str()[above + 1..].contains('/'))
            .take(most)
            .cloned()
            .collect();
        self.last = found.last().cloned().or(self.last.take());
        Ok(found)
    }
}
