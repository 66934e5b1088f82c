//! The entries of a `list`, and their hashes.

use super::{FileStream, NextFile};
use crate::application::files::stream_source::Source;
use crate::application::ports::OpenFile;
use crate::application::request_error::RequestError;
use crate::domain::{FilePath, ProjectEntry};

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
        match file.sha256().await {
            Ok(hash) => {
                if let Source::Project { project, store } = &self.source {
                    store.note_hash(project, &path, file.version, hash);
                }
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
}
