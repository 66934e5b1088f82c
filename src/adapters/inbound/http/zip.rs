//! All files of a project in one zip.
//!
//! The files are stored without compression. The length and the checksum of each stand before its
//! content, so a file that is too long to be in memory is read twice. If it has changed in between,
//! or cannot be read, the answer breaks off, so no archive is silently wrong.

mod format;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use flate2::Crc;
use tokio::task::yield_now;

use self::format::{Directory, Entry};
use super::pieces::Pieces;
use crate::application::files::download::Visitor;
use crate::application::files::downloads::{Download, DownloadError};
use crate::application::memory::Account;
use crate::application::ports::OpenFile;
use crate::application::{FileStream, NextFile};
use crate::domain::{AuthError, FilePath};

/// How much is read and sent at a time.
const PIECE_BYTES: usize = 64 * 1_024;

/// How much memory an archive takes besides its directory: what is being sent, and what is being
/// made at the same time, each up to two pieces.
const ZIP_BYTES: usize = 4 * PIECE_BYTES;

/// How much memory is reserved for the directory at a time.
const STEP_BYTES: usize = 64 * 1_024;

/// An archive that is being sent.
pub(super) struct Zip {
    files: FileStream,
    state: State,
    /// What is to be sent next.
    out: BytesMut,
    /// How much has been made so far, `out` included.
    made: u64,
    account: Arc<Account>,
    download: Download,
}

enum State {
    /// Between two files.
    Files(Directory),
    /// Within a file.
    Content(Directory, Content),
    /// After the last file.
    End(VecDeque<Bytes>),
}

/// A file that is being sent.
struct Content {
    file: OpenFile,
    sent: u64,
    /// The checksum in the header. At the end, `crc` of what has been sent must equal it.
    expected: u32,
    crc: Crc,
}

impl Zip {
    /// An archive of these files.
    ///
    /// # Errors
    /// There is no memory for it.
    pub async fn new(files: FileStream, visitor: &Visitor) -> Result<Self, DownloadError> {
        Ok(Self {
            files,
            state: State::Files(Directory::default()),
            out: BytesMut::new(),
            made: 0,
            download: visitor.download(ZIP_BYTES).await?,
            account: Arc::clone(visitor.account()),
        })
    }

    /// Begins the next file, or the end.
    async fn next_file(&mut self, mut directory: Directory) -> Result<State, DownloadError> {
        let (path, file) = match self.files.next().await {
            Some(NextFile::File(path, file)) => (path, file),
            Some(NextFile::Unreadable(_) | NextFile::Broken(_)) => {
                return Err(DownloadError::Failed);
            }
            None => return Ok(State::End(directory.finish(self.made))),
        };
        let content = self.header(&mut directory, &path, file).await?;
        let needed = ZIP_BYTES + directory.memory_bytes();
        if needed > self.download.bytes() {
            self.account.room(STEP_BYTES).await;
            self.download.set(needed + STEP_BYTES);
        }
        Ok(State::Content(directory, content))
    }

    async fn header(
        &mut self,
        directory: &mut Directory,
        path: &FilePath,
        file: OpenFile,
    ) -> Result<Content, DownloadError> {
        let mut content = Content {
            file,
            sent: 0,
            expected: 0,
            crc: Crc::new(),
        };
        while content.next().await?.is_some() {
            // A file in memory is read without waiting, so let others run.
            yield_now().await;
        }
        content.expected = content.crc.sum();
        let entry = Entry {
            path,
            bytes: content.file.bytes,
            crc: content.expected,
            modified: content.file.modified,
            executable: content.file.executable,
        };
        directory.add(&entry, self.made);
        let before = self.out.len();
        entry.header(&mut self.out);
        self.made += (self.out.len() - before) as u64;
        content.sent = 0;
        content.crc.reset();
        Ok(content)
    }

    async fn make(&mut self) -> Result<Option<Bytes>, DownloadError> {
        // The token may expire while a long file is being sent.
        if self.files.check_permit().is_err() {
            return Err(AuthError::NoToken.into());
        }
        while self.out.len() < PIECE_BYTES {
            let state = std::mem::replace(&mut self.state, State::End(VecDeque::new()));
            self.state = match state {
                State::Files(directory) => self.next_file(directory).await?,
                State::Content(directory, mut content) => match content.next().await? {
                    Some(piece) => {
                        self.made += piece.len() as u64;
                        self.out.extend_from_slice(&piece);
                        State::Content(directory, content)
                    }
                    None if content.crc.sum() == content.expected => State::Files(directory),
                    None => return Err(DownloadError::Failed),
                },
                State::End(mut pieces) => match pieces.pop_front() {
                    Some(piece) => {
                        self.out.extend_from_slice(&piece);
                        State::End(pieces)
                    }
                    None if self.out.is_empty() => return Ok(None),
                    None => break,
                },
            };
        }
        Ok(Some(self.out.split().freeze()))
    }
}

impl Content {
    /// The next piece of the file.
    async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        let length = (self.file.bytes - self.sent).min(PIECE_BYTES as u64);
        if length == 0 {
            return Ok(None);
        }
        // At most `PIECE_BYTES`, so it fits.
        let bytes = usize::try_from(length).unwrap_or(PIECE_BYTES);
        let piece = self.file.source.read(self.sent, bytes).await?;
        self.crc.update(&piece);
        self.sent += length;
        Ok(Some(piece))
    }
}

impl Pieces for Zip {
    async fn next(&mut self) -> Option<Result<Bytes, DownloadError>> {
        let piece = self.make().await.transpose()?;
        yield_now().await;
        Some(piece)
    }
}
