//! `file`/`delete`: a file or folder of the project, or of the open draft.

use crate::application::command::DeleteFile;
use crate::application::file_key::FileKey;
use crate::application::files::change_outlives_connection::{Change, Commit};
use crate::application::outcome::CommandOutcome;
use crate::application::ports::{FilesBelow, StoreError};
use crate::application::reply::Reply;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{FilePath, ProjectId, Timestamp, WriteTarget};

pub(crate) async fn delete_file(
    app: &Application,
    session: &mut Session,
    request: Checked<DeleteFile>,
    now: Timestamp,
) -> Result<CommandOutcome, RequestError> {
    let target = session.rights().may_write(now)?;
    let request = request?;
    if app.policy.ignores_folder_deletions && matches!(target, WriteTarget::Project(_)) {
        session.uploads.end(&target, &request.path);
    } else {
        session.uploads.end_at_or_below(&target, &request.path);
    }
    match target {
        WriteTarget::Project(project) => Ok(CommandOutcome::Commit(Commit {
            asker: session.asker(),
            file: FileKey {
                project,
                path: request.path,
            },
            change: Change::Delete {
                means_folder: request.means_folder,
            },
        })),
        WriteTarget::Draft(_) => {
            delete_in_draft(app, session, request).await?;
            Ok(Reply::FileDeleted.into())
        }
    }
}

/// Removes the name from the draft or, if the draft does not have it, proposes to delete the
/// project's.
async fn delete_in_draft(
    app: &Application,
    session: &mut Session,
    request: DeleteFile,
) -> Result<(), RequestError> {
    let DeleteFile {
        path,
        means_folder,
        base,
    } = request;
    let Some(project) = session.rights().role_project().cloned() else {
        return Err(RequestError::Internal);
    };
    let Some(open) = &mut session.draft else {
        return Err(RequestError::Internal);
    };
    let mut own = open.draft().files_at(&path);
    own.retain(|file| !means_folder || *file != path);
    if own.is_empty() {
        let limits = &app.limits.pull_request;
        if !means_folder && is_file(app, &project, &path).await? {
            return Ok(open.propose_deletion(path, base, limits)?);
        }
        let files = files_below(app, &project, path).await?;
        return Ok(open.propose_deletions(files, limits)?);
    }
    for file in own {
        let removed = app.ports.uploads.remove_draft_file(open.id, &file).await;
        removed.map_err(|error| RequestError::writing_file(&error))?;
        open.forget(&file);
    }
    Ok(())
}

async fn is_file(
    app: &Application,
    project: &ProjectId,
    path: &FilePath,
) -> Result<bool, RequestError> {
    match app.ports.projects.find_file(project, path).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(RequestError::reading_file(&error)),
    }
}

/// All files of the project's folder; never empty.
async fn files_below(
    app: &Application,
    project: &ProjectId,
    folder: FilePath,
) -> Result<Vec<FilePath>, RequestError> {
    let store = &app.ports.projects;
    let mut asked = FilesBelow {
        folder: Some(folder),
        recursively: true,
        after: None,
    };
    // One more than a pull request may name is enough to detect that there are too many.
    let most = app.limits.pull_request.max_files + 1;
    let mut files = Vec::new();
    while files.len() < most {
        let more = store.files_below(project, &asked, most - files.len()).await;
        let more = more.map_err(|error| RequestError::reading_file(&error))?;
        if more.is_empty() {
            break;
        }
        files.extend(more.into_iter().map(|(file, _)| file));
        asked.after = files.last().cloned();
    }
    if files.is_empty() {
        Err(RequestError::UnreadableFile)
    } else {
        Ok(files)
    }
}

#[cfg(test)]
mod tests;
