//! Loading a project: a walk of its folder.

use rustix::io::{Errno, Result as SystemResult};

use crate::adapters::outbound::filesystem::projects::loaded::Share;
use crate::adapters::outbound::filesystem::projects::versions::LastVersion;
use crate::adapters::outbound::filesystem::sandbox::error::{During, is_absent};
use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::application::ports::StoreError;
use crate::domain::{FilePath, Project, ProjectEntry};

/// How many folders are held open at once while a project is loaded.
const MAX_OPEN: usize = 8;

/// A folder between the project's own and the current position of the walk.
struct Level {
    /// Closed while the walk is far below, and reopened if there is more to do here.
    folder: Option<Folder>,
    path: Option<FilePath>,
    /// The sub-folders that are still to come.
    folders: Vec<String>,
}

/// A walk of a project's folder.
struct Walk<'a> {
    root: &'a Folder,
    versions: &'a LastVersion,
    share: &'a mut Share,
    levels: Vec<Level>,
    found: Vec<(FilePath, ProjectEntry)>,
}

/// Loads the project whose folder is `root`. Its memory is reserved in `share` along the way.
///
/// # Errors
/// `Unavailable` if there is no memory for it; `Failed`.
pub(crate) fn load(
    root: &Folder,
    versions: &LastVersion,
    share: &mut Share,
) -> Result<Project, StoreError> {
    let mut walk = Walk {
        root,
        versions,
        share,
        levels: Vec::new(),
        found: Vec::new(),
    };
    walk.enter(root.clone(), None)?;
    while let Some(level) = walk.levels.last_mut() {
        let Some(name) = level.folders.pop() else {
            walk.levels.pop();
            continue;
        };
        // As deep as a name may be, and no deeper.
        let Ok(path) = FilePath::join(level.path.as_ref(), &name) else {
            continue;
        };
        match walk.open(&name) {
            Ok(folder) => walk.enter(folder, Some(path))?,
            Err(error) => skip(error, &path)?,
        }
    }
    Ok(walk.found.into_iter().collect())
}

impl Walk<'_> {
    /// Opens the sub-folder of the innermost folder.
    fn open(&mut self, name: &str) -> SystemResult<Folder> {
        let Some(level) = self.levels.last_mut() else {
            return Err(Errno::NOENT);
        };
        let folder = match (&level.folder, &level.path) {
            (Some(folder), _) => folder.clone(),
            (None, Some(path)) => self.root.descend(path.segments())?,
            (None, None) => self.root.clone(),
        };
        level.folder = Some(folder.clone());
        folder.folder(name)
    }

    /// Adds the files of `folder`, and notes its sub-folders.
    fn enter(&mut self, folder: Folder, path: Option<FilePath>) -> Result<(), StoreError> {
        match self.look(&folder, path.as_ref()) {
            Ok(Ok(folders)) => {
                self.levels.push(Level {
                    folder: Some(folder),
                    path,
                    folders,
                });
                if let Some(far) = self.levels.len().checked_sub(MAX_OPEN + 1) {
                    self.levels[far].folder = None;
                }
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(error) => match path {
                Some(path) => skip(error, &path),
                None => Err(error).during("list a project's folder"),
            },
        }
    }

    fn look(
        &mut self,
        folder: &Folder,
        at: Option<&FilePath>,
    ) -> SystemResult<Result<Vec<String>, StoreError>> {
        let mut folders = Vec::new();
        for (name, is_folder) in folder.list()? {
            let Ok(path) = FilePath::join(at, &name) else {
                continue;
            };
            if let Err(error) = self.share.grow(Project::entry_memory_bytes(&path)) {
                return Ok(Err(error));
            }
            if is_folder {
                folders.push(name);
            } else if let Some(file) = folder.file_state(&name)? {
                self.found.push((path, self.versions.entry(file)));
            }
        }
        Ok(Ok(folders))
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
