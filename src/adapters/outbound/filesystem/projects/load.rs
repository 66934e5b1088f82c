//! Loading a project: a walk of its folder.

use std::sync::Arc;
use std::vec;

use rustix::io::{Errno, Result as SystemResult};

use crate::adapters::outbound::filesystem::projects::versions::LastVersion;
use crate::adapters::outbound::filesystem::sandbox::error::{During, is_absent};
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::adapters::outbound::loaded_project::{LoadedProject, Share};
use crate::application::ports::StoreError;
use crate::domain::{FilePath, Project, ProjectEntry};

/// How many folders are held open at once while a project is loaded.
const MAX_OPEN: usize = 8;

/// A folder between the project's own and the current position of the walk.
struct Level {
    /// Closed while the walk is far below, and reopened if there is more to do here.
    folder: Option<Folder>,
    path: Option<FilePath>,
    /// The entries still to come, and whether each is a folder.
    entries: vec::IntoIter<(String, bool)>,
}

/// A walk of a project's folder, which can pause between any two entries.
pub(crate) struct Walk {
    root: Folder,
    versions: Arc<LastVersion>,
    share: Share,
    levels: Vec<Level>,
    found: Vec<(FilePath, ProjectEntry)>,
}

/// How far a walk has come.
pub(crate) enum Progress {
    /// There is no memory at the moment.
    Paused(Walk),
    Done(LoadedProject),
}

impl Walk {
    /// A walk of the project whose folder is `root`. Its memory is reserved in `share` along the
    /// way.
    pub fn new(root: Folder, versions: Arc<LastVersion>, share: Share) -> Self {
        Self {
            root,
            versions,
            share,
            levels: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Walks on, to the end or until memory is short.
    ///
    /// # Errors
    /// `Unavailable` if there is no memory for the project; `Failed`.
    pub fn go_on(mut self) -> Result<Progress, StoreError> {
        if self.levels.is_empty() {
            self.enter(self.root.clone(), None)
                .during("list a project's folder")?;
        }
        while let Some(level) = self.levels.last_mut() {
            if self.share.is_short() {
                self.close_folders();
                return Ok(Progress::Paused(self));
            }
            let Some((name, is_folder)) = level.entries.next() else {
                self.levels.pop();
                continue;
            };
            // Skips names that break the rules, such as one that lies too deep.
            let Ok(path) = FilePath::join(level.path.as_ref(), &name) else {
                continue;
            };
            self.share.grow(Project::entry_memory_bytes(&path))?;
            if is_folder {
                let entered = self.folder().and_then(|folder| folder.folder(&name));
                let entered = entered.and_then(|folder| self.enter(folder, Some(path.clone())));
                entered.or_else(|error| skip(error, &path))?;
            } else {
                self.add(path, &name)?;
            }
        }
        let project = self.found.into_iter().collect();
        Ok(Progress::Done(LoadedProject::new(project, self.share)))
    }

    /// Holds no folder open. They are opened again when the walk goes on.
    fn close_folders(&mut self) {
        for level in &mut self.levels {
            level.folder = None;
        }
    }

    /// The innermost folder.
    fn folder(&mut self) -> SystemResult<Folder> {
        let Some(level) = self.levels.last_mut() else {
            return Err(Errno::NOENT);
        };
        let folder = match (&level.folder, &level.path) {
            (Some(folder), _) => folder.clone(),
            (None, Some(path)) => self.root.descend(path.segments())?,
            (None, None) => self.root.clone(),
        };
        level.folder = Some(folder.clone());
        Ok(folder)
    }

    /// Continues in `folder`.
    fn enter(&mut self, folder: Folder, path: Option<FilePath>) -> SystemResult<()> {
        let entries = folder.list()?.into_iter();
        self.levels.push(Level {
            folder: Some(folder),
            path,
            entries,
        });
        if let Some(far) = self.levels.len().checked_sub(MAX_OPEN + 1) {
            self.levels[far].folder = None;
        }
        Ok(())
    }

    /// Adds the file `name` of the innermost folder.
    fn add(&mut self, path: FilePath, name: &str) -> Result<(), StoreError> {
        match self.folder().and_then(|folder| folder.file_state(name)) {
            Ok(Some(file)) => self.found.push((path, self.versions.entry(file))),
            Ok(None) => {}
            Err(error) => {
                // The folder's other files cannot be read either.
                let folder = self.levels.pop().and_then(|level| level.path);
                match folder {
                    Some(folder) => skip(error, &folder)?,
                    None => Err(error).during("list a project's folder")?,
                }
            }
        }
        Ok(())
    }
}

/// Continues without a folder that is gone or unreadable: its files cannot be read or replaced, so
/// they need no room either, and must not keep the streamer out of all the others.
fn skip(error: Errno, path: &FilePath) -> Result<(), StoreError> {
    match error {
        Errno::ACCESS | Errno::PERM => {
            tracing::warn!(?path, "a folder cannot be read and does not count");
            Ok(())
        }
        error if is_absent(error) => Ok(()),
        error => Err(error).during("load a project"),
    }
}
