//! How the stores list a project that they hold in memory.

use crate::application::ports::{FilesBelow, LISTED_NAME_BYTES, StoreError};
use crate::domain::{FilePath, Project, ProjectEntry};

/// The next files of `project`; see [`ProjectStore::files_below`].
///
/// [`ProjectStore::files_below`]: crate::application::ports::ProjectStore::files_below
pub(crate) fn list(
    project: &Project,
    files: &FilesBelow,
    most: usize,
) -> Result<Vec<(FilePath, ProjectEntry)>, StoreError> {
    let (folder, after) = (files.folder.as_ref(), files.after.as_ref());
    // Only at the start of a walk: a folder that is emptied during the walk just has no more files.
    if after.is_none() && folder.is_some_and(|folder| !project.is_folder(folder)) {
        return Err(StoreError::NotFound);
    }
    let mut name_bytes = 0;
    let listed = project.below(folder, after, files.recursively);
    let listed = listed.take(most).take_while(|(path, _)| {
        let has_room = name_bytes < LISTED_NAME_BYTES;
        name_bytes += path.as_str().len();
        has_room
    });
    Ok(listed.map(|(path, entry)| (path.clone(), *entry)).collect())
}
