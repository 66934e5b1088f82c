//! Files without a session: what a plain request may read of a project (protocol, section 8).
//!
//! A plain request shows a token, or none, and is forgotten with its answer. Its rights are those
//! of `get`, and what it reads counts on the account of its connection.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::application::auth::authenticate::bearer;
use crate::application::auth::holder::holder_of;
use crate::application::auth::read_permission::{ReadPermission, permit_to_read};
use crate::application::files::downloads::{Download, DownloadClient, DownloadError, Downloads};
use crate::application::files::file_stream::{FileStream, NAMES_AHEAD};
use crate::application::memory::Account;
use crate::application::ports::{FilesBelow, HELD_FILE_BYTES, OpenFile};
use crate::application::service::Application;
use crate::domain::{
    AuthError, FilePath, Identity, ProjectId, Revision, Rights, Roles, Timestamp, Version,
};

/// How much of a file is read at a time.
const PIECE_BYTES: usize = HELD_FILE_BYTES;

/// What a download takes: one piece that is being sent, and the next.
const DOWNLOAD_BYTES: usize = 2 * PIECE_BYTES;

/// Who sends a plain request.
pub struct Visitor {
    identity: Option<Identity>,
    account: Arc<Account>,
    downloads: Arc<Downloads>,
    client: Arc<dyn DownloadClient>,
}

impl Visitor {
    /// The bearer of `token`, whose memory counts on `account`, and whose answers go to `client`.
    /// An invalid token counts as none.
    pub fn new(
        app: &Application,
        token: Option<&str>,
        account: &Arc<Account>,
        client: Arc<dyn DownloadClient>,
    ) -> Self {
        let identity = token.and_then(|token| bearer(app, token, app.now()).ok());
        let public_read = app.policy.public.read;
        account.set_holder(holder_of(identity.as_ref(), false, public_read));
        Self {
            identity,
            account: Arc::clone(account),
            downloads: Arc::clone(&app.downloads),
            client,
        }
    }

    /// Begins a download that takes `bytes` of memory.
    ///
    /// # Errors
    /// `Unavailable` if there is not enough memory.
    pub async fn download(&self, bytes: usize) -> Result<Download, DownloadError> {
        self.downloads
            .begin(&self.account, &self.client, bytes)
            .await
    }

    /// The account of the connection.
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    fn may_read(
        &self,
        app: &Application,
        project: &ProjectId,
        now: Timestamp,
    ) -> Result<ReadPermission, AuthError> {
        let identity = self.identity.as_ref();
        let rights = Rights {
            identity,
            roles: &Roles::default(),
            draft: None,
            listening: None,
        };
        rights.may_read(project, app.policy.public.read, now)?;
        Ok(permit_to_read(app, identity))
    }
}

/// All files of a project, for a list or for their contents, and the project's revision before they
/// were listed.
///
/// # Errors
/// Why there is nothing to read.
pub async fn project_files(
    app: &Application,
    visitor: &Visitor,
    project: &ProjectId,
) -> Result<(Revision, FileStream), DownloadError> {
    let permit = visitor.may_read(app, project, app.now())?;
    let store = &app.ports.projects;
    // Before the names: the list may be newer than this says, but never older.
    let revision = store.revision(project).await?;
    let position = FilesBelow::all();
    let first = store.files_below(project, &position, NAMES_AHEAD).await?;
    let files = FileStream::folder(
        project.clone(),
        app,
        first,
        position,
        "/".to_owned(),
        permit,
        &visitor.account,
    );
    Ok((revision, files.without_hashes()))
}

/// One file of a project, in its newest version.
///
/// # Errors
/// Why there is nothing to read.
pub async fn project_file(
    app: &Application,
    visitor: &Visitor,
    project: &ProjectId,
    path: &FilePath,
) -> Result<FileDownload, DownloadError> {
    let permit = visitor.may_read(app, project, app.now())?;
    // Reserved before the file is opened, because a small file is in memory from then on.
    let download = visitor.download(DOWNLOAD_BYTES).await?;
    let file = app.ports.projects.open_file(project, path).await?;
    Ok(FileDownload {
        rest: 0..file.bytes,
        file,
        permit,
        _download: download,
    })
}

/// A file that is being downloaded: always the version that was opened.
pub struct FileDownload {
    file: OpenFile,
    /// What is still to be sent.
    rest: Range<u64>,
    permit: ReadPermission,
    _download: Download,
}

impl FileDownload {
    /// The length of the whole file.
    pub fn bytes(&self) -> u64 {
        self.file.bytes
    }

    /// The version, which identifies the content unless it is [`Version::UNKNOWN`].
    pub fn version(&self) -> Version {
        self.file.version
    }

    /// Limits the download to this part of the file, which must lie within it.
    #[must_use]
    pub fn part(mut self, part: Range<u64>) -> Self {
        self.rest = part;
        self
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read to its end, or the token has expired: nothing more may be sent.
    pub async fn next(&mut self) -> Option<Result<Bytes, DownloadError>> {
        let length = (self.rest.end - self.rest.start).min(PIECE_BYTES as u64);
        if length == 0 {
            return None;
        }
        Some(self.read(length).await)
    }

    async fn read(&mut self, length: u64) -> Result<Bytes, DownloadError> {
        if self.permit.check().is_err() {
            return Err(AuthError::NoToken.into());
        }
        // At most `PIECE_BYTES`, so it fits.
        let bytes = usize::try_from(length).unwrap_or(PIECE_BYTES);
        let piece = self.file.source.read(self.rest.start, bytes).await?;
        self.rest.start += length;
        if self.rest.is_empty() && self.rest.end < self.file.bytes {
            // Reading the last byte checks that nobody has written into the file in the meantime.
            self.file.source.read(self.file.bytes - 1, 1).await?;
        }
        Ok(piece)
    }
}

#[cfg(test)]
mod tests;
