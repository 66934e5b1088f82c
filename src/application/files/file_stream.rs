//! The files being sent to a connection, opened one after the other as it has room.

mod listed;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::application::auth::read_permission::ReadPermission;
use crate::application::files::stream_source::{BYTES_AT_ONCE, Missing, Source};
use crate::application::memory::{Account, Reservation};
use crate::application::ports::{FilesBelow, HELD_FILE_BYTES, OpenFile, StoreError};
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{FilePath, ProjectEntry, ProjectId, PullRequest};

/// How many names are looked up ahead of the file that is being sent.
pub(crate) const NAMES_AHEAD: usize = 256;

/// About how many bytes of memory a name takes besides its text, with what is known about the file.
const NAME_BYTES: usize = size_of::<(FilePath, Option<ProjectEntry>)>() + 16;

/// At most how many files are opened at once.
const FILES_AT_ONCE: usize = 128;

/// The most memory that files opened at once take.
const MOST_BYTES: usize = OpenFile::sending_bytes(BYTES_AT_ONCE + HELD_FILE_BYTES);

/// How much memory a file of this length takes from when it is opened until it is sent. A file
/// longer than [`HELD_FILE_BYTES`] is read part by part, and takes memory only then.
fn held_bytes(bytes: u64) -> usize {
    let held = usize::try_from(bytes).ok();
    let held = held.filter(|bytes| *bytes <= HELD_FILE_BYTES);
    held.map_or(0, OpenFile::sending_bytes)
}

fn bytes_of(opened: &Result<OpenFile, StoreError>) -> usize {
    opened.as_ref().map_or(0, |file| held_bytes(file.bytes))
}

/// The files that a `get` or `list` asked for, in byte order of their names. It holds a position
/// and the next names, however many files there are.
pub struct FileStream {
    source: Source,
    /// Which files of the project follow `names`; `None` if there are no more.
    position: Option<FilesBelow>,
    /// The next files, and what is known about each if it is a project's.
    names: VecDeque<(FilePath, Option<ProjectEntry>)>,
    /// Files opened together with the previous one.
    opened: VecDeque<(FilePath, Result<OpenFile, StoreError>)>,
    /// Reserved for `opened`, and for the file returned last.
    held: Reservation,
    /// How much of that is for `opened`.
    opened_bytes: usize,
    account: Arc<Account>,
    /// Reserved for `names`; for a pull request, its bases are included.
    names_held: Reservation,
    /// Whether one file was asked for by its name: unlike a folder's files, it must be answered
    /// even if it is gone by now.
    is_single: bool,
    /// The normalised name that was asked for.
    asked: String,
    permit: ReadPermission,
    /// Longer files are not hashed; `None` means that no file is.
    max_hashed_bytes: Option<u64>,
    is_list: bool,
}

/// One step of a [`FileStream`].
#[derive(Debug)]
pub enum NextFile<T> {
    /// A file in its newest version, opened for a `get`, described for a `list`.
    File(FilePath, T),
    /// A file that cannot be read; others may follow.
    Unreadable(FilePath),
    /// The folder cannot be read further, or the single file not at all; nothing follows.
    Broken(RequestError),
}

impl FileStream {
    /// One existing file. It is opened only when its turn to be sent comes: if it were opened
    /// earlier, it could be older than what the connection has been told in the meantime.
    pub(crate) fn file(
        project: ProjectId,
        app: &Application,
        path: FilePath,
        entry: ProjectEntry,
        permit: ReadPermission,
        account: &Arc<Account>,
    ) -> Self {
        let (source, asked) = (Source::of_project(project, app), path.as_str().to_owned());
        Self {
            names: VecDeque::from([(path, Some(entry))]),
            is_single: true,
            ..Self::new(source, app, asked, permit, account)
        }
    }

    /// The files of a folder; `first` are the first of them, and `position` comes after those.
    pub(crate) fn folder(
        project: ProjectId,
        app: &Application,
        first: Vec<(FilePath, ProjectEntry)>,
        position: FilesBelow,
        asked: String,
        permit: ReadPermission,
        account: &Arc<Account>,
    ) -> Self {
        let mut stream = Self::new(
            Source::of_project(project, app),
            app,
            asked,
            permit,
            account,
        );
        stream.position = Some(position);
        stream.take_in(first);
        stream
    }

    /// The files of a pull request: all those that `found` lists, for which `held` is reserved.
    pub(crate) fn pull_request(
        found: PullRequest,
        held: Reservation,
        app: &Application,
        asked: String,
        permit: ReadPermission,
        account: &Arc<Account>,
    ) -> Self {
        let source = Source::PullRequest {
            project: found.project,
            id: found.id,
            bases: found.bases,
            executable: found.executable,
            store: Arc::clone(&app.ports.pull_requests),
        };
        let names = found.files.into_iter().map(|file| (file, None));
        Self {
            names: names.collect(),
            names_held: held,
            ..Self::new(source, app, asked, permit, account)
        }
    }

    fn new(
        source: Source,
        app: &Application,
        asked: String,
        permit: ReadPermission,
        account: &Arc<Account>,
    ) -> Self {
        Self {
            source,
            position: None,
            names: VecDeque::new(),
            opened: VecDeque::new(),
            held: account.reserve(0),
            opened_bytes: 0,
            account: Arc::clone(account),
            names_held: account.reserve(0),
            is_single: false,
            asked,
            permit,
            max_hashed_bytes: Some(app.limits.max_file_bytes),
            is_list: false,
        }
    }

    /// Makes [`next_listed`](Self::next_listed) leave out hashes, which it would have to compute.
    pub(crate) fn without_hashes(mut self) -> Self {
        self.max_hashed_bytes = None;
        self
    }

    /// The normalised name that was asked for.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// Whether the token that permits it is still valid.
    ///
    /// # Errors
    /// It has expired.
    pub fn check_permit(&self) -> Result<(), RequestError> {
        self.permit.check()
    }

    /// Where the files come from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the next file has already been opened, together with the previous one: until all of
    /// these have been sent, nothing newer about them may be sent.
    pub fn is_ahead(&self) -> bool {
        !self.opened.is_empty()
    }

    /// Gives back the memory of the file returned last, which has been sent.
    pub fn note_sent(&mut self) {
        self.held.set(self.opened_bytes);
    }

    /// The next file, opened now unless it [has been](Self::is_ahead); `None` at the end. A
    /// folder's file that has been deleted in the meantime is left out. Once the token that permits
    /// it has expired, no more files are returned.
    pub async fn next(&mut self) -> Option<NextFile<OpenFile>> {
        if let Err(refusal) = self.permit.check() {
            self.opened.clear();
            return Some(NextFile::Broken(refusal));
        }
        loop {
            if self.opened.is_empty()
                && let Err(refusal) = self.open_some().await
            {
                return Some(NextFile::Broken(refusal));
            }
            self.note_sent();
            let (path, opened) = self.opened.pop_front()?;
            self.opened_bytes -= bytes_of(&opened);
            match opened {
                Ok(file) => return Some(NextFile::File(path, file)),
                Err(error) if self.is_single => {
                    return Some(NextFile::Broken(RequestError::reading_file(&error)));
                }
                Err(StoreError::NotFound) => match self.source.meaning_of_missing().await {
                    Missing::Gone => {}
                    Missing::Ended => {
                        return Some(NextFile::Broken(RequestError::UNKNOWN_PULL_REQUEST));
                    }
                    Missing::Unreadable => return Some(NextFile::Unreadable(path)),
                },
                Err(error) => {
                    // This logs it; the caller decides which error to send.
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
        // A `list` does not open a file that it can describe already.
        let is_needed = |(_, entry): &&(_, Option<ProjectEntry>)| {
            !self.is_list || !entry.is_some_and(|entry| self.needs_no_hash(&entry))
        };
        let count = self.names.iter().take_while(is_needed);
        let count = count.take(FILES_AT_ONCE).count();
        if count == 0 {
            return Ok(());
        }
        let next = self.names.iter().take(count);
        let paths: Vec<_> = next.clone().map(|(path, _)| path.clone()).collect();
        // Before the files are opened, because small ones are then in memory at once.
        let unknown = OpenFile::sending_bytes(HELD_FILE_BYTES);
        let held = next.map(|(_, entry)| entry.map_or(unknown, |entry| held_bytes(entry.bytes)));
        let bytes = held.sum::<usize>();
        self.held = self.account.reserve_room(bytes.min(MOST_BYTES)).await;
        // The token may have expired during the wait.
        self.permit.check()?;
        let opened = if self.is_single {
            vec![self.source.open(&paths[0]).await]
        } else {
            self.source.open_some(&paths).await
        };
        self.names.drain(..opened.len());
        self.opened_bytes = opened.iter().map(bytes_of).sum();
        self.held.set(self.opened_bytes);
        self.opened = paths.into_iter().zip(opened).collect();
        Ok(())
    }

    async fn look_ahead(&mut self) -> Result<(), RequestError> {
        let (Some(position), Source::Project { project, store, .. }) =
            (&self.position, &self.source)
        else {
            return Ok(());
        };
        match store.files_below(project, position, NAMES_AHEAD).await {
            Ok(files) => self.take_in(files),
            // The project has been removed in the meantime, and its files with it.
            Err(StoreError::NotFound) => self.position = None,
            Err(error) => {
                self.position = None;
                return Err(RequestError::reading_path(&error));
            }
        }
        Ok(())
    }

    /// Adds the files that have been looked up to `names`, and moves `position` behind them.
    fn take_in(&mut self, files: Vec<(FilePath, ProjectEntry)>) {
        match (files.last(), &mut self.position) {
            (Some((last, _)), Some(position)) => position.after = Some(last.clone()),
            _ => self.position = None,
        }
        let bytes = files
            .iter()
            .map(|(path, _)| path.as_str().len() + NAME_BYTES);
        self.names_held.set(bytes.sum());
        let files = files.into_iter().map(|(path, entry)| (path, Some(entry)));
        self.names.extend(files);
    }
}
