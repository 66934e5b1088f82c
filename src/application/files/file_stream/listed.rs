//! The entries of a `list`, and their hashes.

use std::time::Duration;

use tokio::time::timeout;

use super::{FileStream, NextFile};
use crate::application::fair_share::disk_user;
use crate::application::files::stream_source::Source;
use crate::application::ports::{OpenFile, StoreError};
use crate::application::request_error::RequestError;
use crate::domain::{ContentHash, FilePath, ProjectEntry, Version};

/// How long a `list` waits for another connection that computes the same hash: it may have become
/// heavy since it began, or may fail.
const PATIENCE: Duration = Duration::from_secs(1);

impl FileStream {
    /// The next entry of a `list`; `None` at the end. A file is opened only if its hash is not
    /// known yet, and never if it is longer than a file may be: then its entry has no hash.
    pub async fn next_listed(&mut self) -> Option<NextFile<ProjectEntry>> {
        self.is_list = true;
        if let Err(refusal) = self.permit.check() {
            self.opened.clear();
            return Some(NextFile::Broken(refusal));
        }
        if self.opened.is_empty() {
            if self.names.is_empty()
                && let Err(refusal) = self.look_ahead().await
            {
                return Some(NextFile::Broken(refusal));
            }
            if let Some((path, Some(entry))) = self.names.front()
                && self.needs_no_hash(entry)
            {
                let sha256 = entry.sha256.filter(|_| self.max_hashed_bytes.is_some());
                let listed = NextFile::File(path.clone(), ProjectEntry { sha256, ..*entry });
                self.names.pop_front();
                return Some(listed);
            }
        }
        Some(match self.next().await? {
            NextFile::File(path, file) => self.hashed(path, &file).await,
            NextFile::Unreadable(path) => NextFile::Unreadable(path),
            NextFile::Broken(refusal) => NextFile::Broken(refusal),
        })
    }

    /// Whether a `list` can describe a file without opening it.
    pub(super) fn needs_no_hash(&self, entry: &ProjectEntry) -> bool {
        entry.sha256.is_some() || !self.is_hashed(entry.bytes)
    }

    fn is_hashed(&self, bytes: u64) -> bool {
        self.max_hashed_bytes.is_some_and(|most| bytes <= most)
    }

    async fn hashed(&self, path: FilePath, file: &OpenFile) -> NextFile<ProjectEntry> {
        let mut entry = file.entry();
        if !self.is_hashed(file.bytes) {
            return NextFile::File(path, entry);
        }
        match self.hash(&path, file).await {
            Ok(hash) => {
                entry.sha256 = Some(hash);
                NextFile::File(path, entry)
            }
            Err(error) => {
                // This logs it; the caller decides which error to send.
                RequestError::reading_file(&error);
                NextFile::Unreadable(path)
            }
        }
    }

    /// The hash of a file. Of several connections that need it at the same time, one computes it,
    /// unless that takes long. The hash of an unknown version is not remembered, so each connection
    /// computes its own.
    async fn hash(&self, path: &FilePath, file: &OpenFile) -> Result<ContentHash, StoreError> {
        let Source::Project {
            project,
            store,
            hashing,
        } = &self.source
        else {
            return file.sha256().await;
        };
        if file.version == Version::UNKNOWN {
            return file.sha256().await;
        }
        let goes_last = disk_user().goes_last();
        let key = (project.clone(), path.clone(), file.version, goes_last);
        let _alone = timeout(PATIENCE, hashing.lock(&key)).await;
        // Another connection may have computed it during the wait.
        let now = store.find_file(project, path).await.ok();
        let known = now.filter(|now| now.version == file.version);
        if let Some(hash) = known.and_then(|known| known.sha256) {
            return Ok(hash);
        }
        let hash = file.sha256().await?;
        store.note_hash(project, path, file.version, hash);
        Ok(hash)
    }
}
