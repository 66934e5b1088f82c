//! `file`/`get` and `file`/`list`: which files are asked for, and whether they may be read.

use crate::application::auth::read_permission::{permit_by_token, permit_to_read};
use crate::application::command::{FilesQuery, ReadFiles};
use crate::application::files::file_stream::{FileStream, NAMES_AHEAD};
use crate::application::memory::Reservation;
use crate::application::outcome::LongAnswer;
use crate::application::ports::{FilesBelow, HELD_FILE_BYTES, ProjectState, StoreError};
use crate::application::pull_requests::find::find_pull_request;
use crate::application::request_error::{Checked, RequestError};
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{FilePath, PathQuery, ProjectId, PullRequest, PullRequestId, Timestamp};

pub(crate) async fn get_files(
    app: &Application,
    session: &Session,
    request: Checked<ReadFiles>,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let files = read_files(app, session, request, Purpose::Get, now).await;
    files.map(LongAnswer::Files)
}

pub(crate) async fn list_files(
    app: &Application,
    session: &Session,
    request: Checked<ReadFiles>,
    now: Timestamp,
) -> Result<LongAnswer, RequestError> {
    let query = request
        .as_ref()
        .ok()
        .and_then(|list| list.files.as_ref().ok());
    let hashes = query.is_none_or(|query| query.hashes);
    let files = read_files(app, session, request, Purpose::List, now).await;
    let files = files?;
    let files = if hashes {
        files
    } else {
        files.without_hashes()
    };
    Ok(LongAnswer::Listing(files))
}

/// What the files are wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Get,
    List,
}

/// The files that a `get` or `list` asks for.
async fn read_files(
    app: &Application,
    session: &Session,
    request: Checked<ReadFiles>,
    purpose: Purpose,
    now: Timestamp,
) -> Result<FileStream, RequestError> {
    let public = app.policy.public.read;
    session.rights().may_read_something(public, now)?;
    let ReadFiles { project, files } = request?;
    session.rights().may_read(&project, public, now)?;
    let FilesQuery {
        path: query,
        recursively,
        hashes: _,
    } = files?;
    if let Some((found, rest)) = in_pull_request(app, session, &project, &query, now).await? {
        return read_pull_request(app, session, found, rest.as_ref(), &query, recursively);
    }
    let missing = missing(&query, recursively);
    match app.ports.projects.state(&project).await {
        Ok(ProjectState::Registered) => {}
        Ok(ProjectState::Absent | ProjectState::Foreign) => return Err(missing),
        Err(error) => {
            RequestError::reading_path(&error);
            return Err(missing);
        }
    }
    let (store, permit) = (
        &app.ports.projects,
        permit_to_read(app, session.identity.as_ref()),
    );
    if let Some(path) = query.path.clone().filter(|_| !query.means_folder) {
        let found = match purpose {
            Purpose::Get => {
                // Opening a small file may read it.
                let _held = session.account.reserve(HELD_FILE_BYTES);
                let opened = store.open_file(&project, &path).await;
                opened.map(|file| file.entry())
            }
            Purpose::List => store.find_file(&project, &path).await,
        };
        match found {
            Ok(entry) => {
                let account = &session.account;
                return Ok(FileStream::file(project, app, path, entry, permit, account));
            }
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(RequestError::reading_file(&error)),
        }
    }
    let asked = query.name().to_owned();
    let position = FilesBelow {
        folder: query.path,
        recursively,
        after: None,
    };
    match store.files_below(&project, &position, NAMES_AHEAD).await {
        Ok(first) => Ok(FileStream::folder(
            project,
            app,
            first,
            position,
            asked,
            permit,
            &session.account,
        )),
        Err(StoreError::NotFound) => Err(missing),
        Err(error) => {
            RequestError::reading_path(&error);
            Err(missing)
        }
    }
}

/// A pull request and its memory.
type Found = (PullRequest, Reservation);

/// The open pull request that the first segment of the name means, if its streamer asks, and which
/// of its files are asked for.
async fn in_pull_request(
    app: &Application,
    session: &Session,
    project: &ProjectId,
    query: &PathQuery,
    now: Timestamp,
) -> Result<Option<(Found, Option<FilePath>)>, RequestError> {
    let Some(path) = query.path.as_ref().filter(|_| {
        session
            .rights()
            .may_review(now)
            .is_ok_and(|own| own == project)
    }) else {
        return Ok(None);
    };
    let (first, rest) = path.split_first();
    let Some(id) = PullRequestId::parse(first) else {
        return Ok(None);
    };
    match find_pull_request(app, &session.account, project, id).await {
        Ok(found) => Ok(Some((found, rest))),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(RequestError::reading_path(&error)),
    }
}

fn read_pull_request(
    app: &Application,
    session: &Session,
    (mut found, held): Found,
    rest: Option<&FilePath>,
    query: &PathQuery,
    recursively: bool,
) -> Result<FileStream, RequestError> {
    let wanted = |file: &FilePath| match rest {
        Some(path) if file == path => !query.means_folder,
        folder => is_within(file, folder, recursively),
    };
    let is_there = rest.is_none_or(|path| {
        let file = !query.means_folder && found.files.contains(path);
        file || found.files.iter().any(|other| other.is_below(path))
    });
    if !is_there {
        return Err(missing(query, recursively));
    }
    found.files.retain(wanted);
    Ok(FileStream::pull_request(
        found,
        held,
        app,
        rest.map_or("/", FilePath::as_str).to_owned(),
        permit_by_token(app, session),
        &session.account,
    ))
}

/// Whether `file` is in `folder` (`None`: the top), at any depth if `recursively`.
fn is_within(file: &FilePath, folder: Option<&FilePath>, recursively: bool) -> bool {
    let name = file.as_str();
    let below = match folder {
        None => name,
        Some(folder) if file.is_below(folder) => &name[folder.as_str().len()..],
        Some(_) => return false,
    };
    recursively || !below[1..].contains('/')
}

/// The error when nothing has that name.
fn missing(query: &PathQuery, recursively: bool) -> RequestError {
    if query.means_folder || recursively {
        RequestError::UnreadablePath
    } else {
        RequestError::UnreadableFile
    }
}

#[cfg(test)]
mod hash_tests;
#[cfg(test)]
mod tests;
