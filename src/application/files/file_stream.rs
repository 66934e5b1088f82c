//! Files on their way to a connection, opened one after the other as it has room.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::application::auth::read_permission::ReadPermission;
use crate::application::ports::{FileWalk, OpenFile, ProjectStore, PullRequestStore, StoreError};
use crate::application::request_error::RequestError;
use crate::domain::{ContentHash, FilePath, ProjectId, PullRequest, PullRequestId};

/// How many names are looked up ahead of the file that is being sent.
const NAMES_AHEAD: usize = 256;

/// How many files are opened at once at the most, and about how many bytes they may have together:
/// enough that looking for them costs little beside sending them, and no more than may wait for a
/// connection anyway.
const FILES_AT_ONCE: usize = 128;
const BYTES_AT_ONCE: u64 = 256 * 1_024;

/// The files that a `get` or `list` asked for, in byte order of their names.
pub struct FileStream {
    source: Source,
    /// Where more names come from, if they do.
    walk: Option<Box<dyn FileWalk>>,
    /// Names that are to come before the source is asked for more.
    names: VecDeque<FilePath>,
    /// Files that have been opened together with the one that came last.
    opened: VecDeque<(FilePath, Result<OpenFile, StoreError>)>,
    /// The one file that was asked for by its name.
    single: Option<FilePath>,
    /// The normalised name that was asked for.
    asked: String,
    permit: ReadPermission,
}

enum Source {
    Project {
        project: ProjectId,
        store: Arc<dyn ProjectStore>,
    },
    PullRequest {
        project: ProjectId,
        id: PullRequestId,
        bases: BTreeMap<FilePath, ContentHash>,
        store: Arc<dyn PullRequestStore>,
    },
}

/// One step of a [`FileStream`].
#[derive(Debug)]
pub enum NextFile {
    /// A file, in its newest version.
    File(FilePath, OpenFile),
    /// A file that cannot be read; others follow.
    Unreadable(FilePath),
    /// The folder cannot be read further, or the one file not at all; nothing follows.
    Broken(RequestError),
}

impl FileStream {
    /// One file that is there. It is opened only when it is its turn to be sent: whatever was
    /// opened before may be older by then than what the connection has been told meanwhile.
    pub(crate) fn file(
        project: ProjectId,
        store: Arc<dyn ProjectStore>,
        path: FilePath,
        permit: ReadPermission,
    ) -> Self {
        let asked = path.as_str().to_owned();
        let source = Source::Project { project, store };
        Self {
            source,
            walk: None,
            names: VecDeque::new(),
            opened: VecDeque::new(),
            single: Some(path),
            asked,
            permit,
        }
    }

    /// The files of a folder.
    pub(crate) fn folder(
        project: ProjectId,
        store: Arc<dyn ProjectStore>,
        walk: Box<dyn FileWalk>,
        asked: String,
        permit: ReadPermission,
    ) -> Self {
        let source = Source::Project { project, store };
        Self {
            source,
            walk: Some(walk),
            names: VecDeque::new(),
            opened: VecDeque::new(),
            single: None,
            asked,
            permit,
        }
    }

    /// The files of a pull request: all that `found` still names.
    pub(crate) fn pull_request(
        found: PullRequest,
        store: Arc<dyn PullRequestStore>,
        asked: String,
        permit: ReadPermission,
    ) -> Self {
        let source = Source::PullRequest {
            project: found.project,
            id: found.id,
            bases: found.bases,
            store,
        };
        Self {
            source,
            walk: None,
            names: found.files.into(),
            opened: VecDeque::new(),
            single: None,
            asked,
            permit,
        }
    }

    /// The normalised name that was asked for.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// The project, where the files are a project's own: their live updates may be superseded by
    /// what is sent here.
    pub fn project(&self) -> Option<&ProjectId> {
        match &self.source {
            Source::Project { project, .. } => Some(project),
            Source::PullRequest { .. } => None,
        }
    }

    /// The content that the author of a pull request's file started from, where that is known.
    pub fn base(&self, path: &FilePath) -> Option<ContentHash> {
        match &self.source {
            Source::Project { .. } => None,
            Source::PullRequest { bases, .. } => bases.get(path).copied(),
        }
    }

    /// Whether the next file has been opened already, together with the one before: until all
    /// these have been sent, nothing newer of them may be.
    pub fn is_ahead(&self) -> bool {
        !self.opened.is_empty()
    }

    /// The next file, opened now unless it [has been](Self::is_ahead); `None` at the end. A folder's
    /// file that has been deleted meanwhile is left out. Once the token that permitted it has
    /// expired, nothing more is given.
    pub async fn next(&mut self) -> Option<NextFile> {
        if let Err(refusal) = self.permit.check() {
            self.opened.clear();
            return Some(NextFile::Broken(refusal));
        }
        if let Some(path) = self.single.take() {
            // Unlike one of a folder's files it is owed an answer, even if it is gone by now.
            return Some(match self.source.open(&path).await {
                Ok(file) => NextFile::File(path, file),
                Err(error) => NextFile::Broken(RequestError::reading_file(&error)),
            });
        }
        loop {
            if self.opened.is_empty()
                && let Err(refusal) = self.open_some().await
            {
                return Some(NextFile::Broken(refusal));
            }
            let (path, opened) = self.opened.pop_front()?;
            match opened {
                Ok(file) => return Some(NextFile::File(path, file)),
                Err(StoreError::NotFound) => {
                    if let Some(ended) = self.source.without(path).await {
                        return Some(ended);
                    }
                }
                Err(error) => {
                    // Logged there; what it is called is for the caller.
                    RequestError::reading_file(&error);
                    return Some(NextFile::Unreadable(path));
                }
            }
        }
    }

    /// Opens the next files, if there are any.
    async fn open_some(&mut self) -> Result<(), RequestError> {
        if self.names.is_empty() {
            self.look_ahead().await?;
        }
        let count = self.names.len().min(FILES_AT_ONCE);
        if count > 0 {
            let paths = &self.names.make_contiguous()[..count];
            let opened = self.source.open_some(paths).await;
            self.opened = self.names.drain(..opened.len()).zip(opened).collect();
        }
        Ok(())
    }

    async fn look_ahead(&mut self) -> Result<(), RequestError> {
        let Some(walk) = &mut self.walk else {
            return Ok(());
        };
        match walk.next(NAMES_AHEAD).await {
            Ok(names) => {
                self.names.extend(names);
                Ok(())
            }
            Err(error) => {
                self.walk = None;
                Err(RequestError::reading_path(&error))
            }
        }
    }
}

impl Source {
    async fn open(&self, path: &FilePath) -> Result<OpenFile, StoreError> {
        match self {
            Self::Project { project, store } => store.open_file(project, path).await,
            Self::PullRequest {
                project, id, store, ..
            } => store.open_file(project, *id, path).await,
        }
    }

    /// Opens the first of `paths`, and perhaps more.
    async fn open_some(&self, paths: &[FilePath]) -> Vec<Result<OpenFile, StoreError>> {
        match self {
            Self::Project { project, store } => {
                match store.open_files(project, paths, BYTES_AT_ONCE).await {
                    Ok(opened) => opened,
                    Err(error) => vec![Err(error)],
                }
            }
            Self::PullRequest { .. } => vec![self.open(&paths[0]).await],
        }
    }

    /// What it means that a file is not there any more: nothing in a project, where files come and
    /// go; but a pull request is whole or has ended.
    async fn without(&self, path: FilePath) -> Option<NextFile> {
        let Self::PullRequest {
            project, id, store, ..
        } = self
        else {
            return None;
        };
        Some(match store.find(project, *id).await {
            Err(StoreError::NotFound) => NextFile::Broken(RequestError::UNKNOWN_PULL_REQUEST),
            _ => NextFile::Unreadable(path),
        })
    }
}
